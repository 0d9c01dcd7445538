"""Moods follow feelings slowly: a busy minute is no drift."""

import pytest

from apps.anima.feelings import MOOD_KEPT_SECONDS, MOOD_SECONDS, Mood, feel, settle
from apps.anima.readings import Reading
from schemas.eisv import Anima

LOW = Anima(warmth=0, clarity=0, stability=0, presence=0)
HIGH = Anima(warmth=1, clarity=1, stability=1, presence=1)


def test_the_first_feeling_is_the_mood():
    """There is nothing to come from."""
    assert settle(None, HIGH, 2.0) == HIGH


def test_a_mood_that_is_felt_stays():
    """No drift without a cause."""
    assert settle(HIGH, HIGH, 2.0) == HIGH


@pytest.mark.parametrize("step", [2.0, 60.0])
def test_a_mood_closes_two_thirds_of_the_way_in_its_time(step):
    """1 - 1/e after the time constant, in steps of any size."""
    mood = LOW
    for _ in range(int(MOOD_SECONDS / step)):
        mood = settle(mood, HIGH, step)

    assert mood.warmth == pytest.approx(0.632, abs=0.001)


def test_a_minute_of_full_load_is_no_high_risk():
    """The largest change of one minute is far below the drift that pauses an agent."""
    assert settle(LOW, HIGH, 60.0).warmth < 0.1


def test_a_mood_outlives_a_moment_without_feeling():
    """And goes on from where it was, not from what is felt next."""
    mood = Mood()
    assert mood.follow(None, 2.0, 0.0) is None
    assert mood.follow(LOW, 2.0, 2.0) == LOW
    assert mood.follow(None, 2.0, 4.0) == LOW
    assert mood.follow(HIGH, 2.0, 6.0) == settle(LOW, HIGH, 2.0)


def test_a_mood_does_not_outlive_ten_minutes():
    """Then the creature does not know how it feels, and begins anew."""
    mood = Mood()
    mood.follow(LOW, 2.0, 10.0)
    assert mood.follow(None, 2.0, 10.0 + MOOD_KEPT_SECONDS) == LOW
    assert mood.follow(None, 2.0, 10.1 + MOOD_KEPT_SECONDS) is None
    assert mood.follow(HIGH, 2.0, 700.0) == HIGH


def test_absent_sensors_leave_their_weight_to_the_others():
    """One reading alone decides; none at all is no feeling."""

    def taken(name, value, unit):
        return Reading(name=name, value=value, unit=unit, source="test", taken=0.0)

    anima = feel([taken("memory_percent", 100.0, "%"), taken("cpu_percent", 100.0, "%")])

    assert anima is not None
    assert (anima.warmth, anima.stability) == (1.0, 0.0)
    assert feel([taken("cpu_percent", 50.0, "%")]) is None
