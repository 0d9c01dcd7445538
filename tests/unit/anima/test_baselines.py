"""What is usual here is learned slowly, and only a departure from it unsettles."""

import json
import random
import statistics

import pytest

from apps.anima.baselines import (
    BASELINE_SECONDS,
    LEAST_SPREAD,
    READY_SECONDS,
    WEIGHT,
    Baselines,
)
from apps.anima.readings import UNITS, reading
from schemas.eisv import Anima

CALM = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)


def warm(value):
    """One reading of the air."""
    return [reading("ambient_temp_c", value, "test")]


def follow(baselines, values, every=60.0):
    """Take in one value after the other."""
    for value in values:
        baselines.follow(warm(value), every)


@pytest.fixture
def usual():
    """Six hours around 21 degrees, give or take half a degree."""
    rng, baselines = random.Random(7), Baselines()
    follow(baselines, [rng.gauss(21, 0.5) for _ in range(360)])
    return baselines


def test_there_is_no_baseline_before_an_hour():
    """Nothing is usual for one who has just come."""
    baselines = Baselines()
    follow(baselines, [20.0] * int(READY_SECONDS / 60 - 1))
    assert baselines.spreads("ambient_temp_c", 90.0) is None
    assert baselines.unsettle(CALM, warm(90.0)) is CALM

    follow(baselines, [20.0])
    assert baselines.spreads("ambient_temp_c", 90.0) == pytest.approx(70 / 0.1)
    assert baselines.spreads("humidity_pct", 90.0) is None


def test_at_first_it_is_the_plain_mean_and_spread():
    """The same numbers as the statistics of all readings."""
    rng = random.Random(1)
    values = [rng.gauss(21, 2) for _ in range(300)]
    baselines = Baselines()
    follow(baselines, values)
    mean, spread = statistics.fmean(values), statistics.pstdev(values)

    assert baselines.spreads("ambient_temp_c", mean + spread) == pytest.approx(1.0)
    assert baselines.spreads("ambient_temp_c", mean) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("every", [2.0, 60.0])
def test_later_it_follows_in_six_hours(every):
    """Two thirds of the way to a new mean after the time constant, in steps of any size."""
    baselines = Baselines()
    follow(baselines, [0.0] * int(2 * BASELINE_SECONDS / every), every)
    follow(baselines, [1.0] * int(BASELINE_SECONDS / every), every)

    assert baselines.kept()["ambient_temp_c"][0] == pytest.approx(0.632, abs=0.002)


def test_only_what_is_strange_unsettles(usual):
    """Nothing within a spread, a fifth of stability at most, and no other feeling."""
    assert usual.unsettle(CALM, warm(21.3)).stability == CALM.stability
    some, most = (usual.unsettle(CALM, warm(value)) for value in (22.2, 40.0))

    assert CALM.stability > some.stability > most.stability
    assert most.stability == pytest.approx(CALM.stability * (1 - WEIGHT))
    assert most.model_copy(update={"stability": CALM.stability}) == CALM


def test_a_restart_goes_on_where_it_was(usual):
    """Six digits are enough, and JSON gives them back."""
    again = Baselines()
    again.recall(json.loads(json.dumps(usual.kept())))

    assert again.spreads("ambient_temp_c", 23.0) == pytest.approx(
        usual.spreads("ambient_temp_c", 23.0), rel=1e-4
    )
    assert len(str(usual.kept())) < 80


@pytest.mark.parametrize("kept", [{"wind": [1, 1, 1]}, {"load_1m": [1, -1, 1]}])
def test_what_makes_no_sense_is_not_taken_over(kept):
    """An unknown sensor, a variance below zero."""
    baselines = Baselines()
    baselines.recall(kept)

    assert baselines.kept() == {}


def test_every_sensor_has_a_least_spread():
    """A reading that never moves must not make the first noise a shock."""
    assert set(LEAST_SPREAD) == set(UNITS)
    assert all(spread > 0 for spread in LEAST_SPREAD.values())
