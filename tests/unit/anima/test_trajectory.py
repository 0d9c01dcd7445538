"""The shapes of the way: rules against the 500 measured windows, and what a window is."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from apps.anima.trajectory import SHAPES, Moment, Way, look, shape_of_rates
from schemas.eisv import ReportedEisv

REAL = Path(__file__).parents[2] / "data/lumen_eisv_windows.csv"


def measured():
    """What each real window is called, and what its rates say."""
    with REAL.open() as file:
        for row in csv.DictReader(file):
            rates = {letter: float(row[f"d{letter}"]) for letter in "EISV"}
            bends = {letter: float(row[f"d2{letter}"]) for letter in "EISV"}
            yield row["shape"], shape_of_rates(rates, bends)


def test_the_rules_agree_with_the_measured_windows():
    """As docs/growing.md says: 480 of 500 by the rates alone.

    A step into another basin and a spike lie within a window; its mean and its last rates do not
    tell of them, so none of those eight can be found here.
    """
    pairs = Counter(measured())
    agreed = Counter({name: count for (name, ours), count in pairs.items() if name == ours})

    assert sum(pairs.values()) == 500
    assert agreed == {
        "convergence": 329, "settled_presence": 135, "falling_energy": 8, "rising_entropy": 6,
        "void_rising": 2,
    }  # fmt: skip
    assert {name for name, _ in pairs} == set(SHAPES)


def window(*states, every=2.0):
    """Moments two seconds apart; each state is E, S, V."""
    return [Moment(at * every, E, 0.8, S, V) for at, (E, S, V) in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "shape"),
    [
        ([(0.4, 0.1, 0.03)] * 4, "convergence"),
        ([(0.4, 0.1, 0.03)] * 3 + [(0.44, 0.1, 0.03)], "settled_presence"),
        ([(0.40, 0.1, 0.0), (0.45, 0.1, 0.0), (0.48, 0.1, 0.0), (0.51, 0.1, 0.0)],
         "basin_transition_up"),
        ([(0.51, 0.1, 0.0), (0.45, 0.1, 0.0), (0.42, 0.1, 0.0), (0.4, 0.1, 0.0)],
         "basin_transition_down"),
        ([(0.4, 0.1, 0.03), (0.4, 0.3, 0.03), (0.4, 0.2, 0.03), (0.4, 0.15, 0.03)],
         "entropy_spike_recovery"),
        ([(0.4, 0.1, 0.03)] * 3 + [(0.4, 0.3, 0.03)], "rising_entropy"),
        ([(0.4, 0.1, 0.03)] * 3 + [(0.4, 0.3, 0.15)], "void_rising"),
        ([(0.45, 0.1, 0.03), (0.5, 0.1, 0.03), (0.5, 0.1, 0.03), (0.38, 0.1, 0.03)],
         "falling_energy"),
    ],
)  # fmt: skip
def test_a_window_has_the_shape_of_its_states(states, shape):
    """By the stated rules, the rarest first."""
    assert look(window(*states)).shape == shape


def test_rates_are_per_second_of_the_last_two_steps():
    """So that the sensing interval does not matter."""
    seen = look([Moment(0, 0, 0, 0, 0), Moment(0, 0.1, 0, 0, 0), Moment(2, 0.2, 0, 0, 0),
                 Moment(3, 0.5, 0, 0, 0)])  # fmt: skip

    assert seen.rates["E"] == pytest.approx(0.3)
    assert seen.bends["E"] == pytest.approx((0.3 - 0.05) / 1)
    assert seen.state["E"] == 0.5


def eisv(E):
    """A reported EISV that differs in E only."""
    return ReportedEisv(E=E, I=0.8, S=0.1, V=0.03)


def test_the_rarest_shape_of_the_minute_is_told_once():
    """It may have lasted for one window only."""
    way = Way()
    assert way.take() is None
    for at, E in enumerate([0.4, 0.4, 0.4, 0.4, 0.28, 0.28, 0.28, 0.28, 0.28, 0.28]):
        way.follow(eisv(E), 2.0 * at)

    assert way.take().shape == "basin_transition_down"
    assert way.take() is None
    way.follow(eisv(0.28), 20.0)
    assert way.take().shape == "convergence"


def test_a_gap_begins_a_window_anew():
    """No rate is taken over what was not seen; nor if time stands still."""
    way = Way()
    for at, E in [(0, 0.1), (2, 0.1), (4, 0.1)]:
        way.follow(eisv(E), at)
    way.follow(None, 6)
    for at in (8, 10, 12, 12):
        way.follow(eisv(0.9), at)

    assert way.take() is None
    for at in (14, 16, 18):
        way.follow(eisv(0.9), at)
    assert way.take().shape == "convergence"
