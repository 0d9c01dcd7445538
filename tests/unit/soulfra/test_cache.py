"""The pure parts of the cache: what lies in Redis, what is expected of a loop, what is counted."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from apps.soulfra.cache.counts import Counts
from apps.soulfra.cache.forecast import forecast
from apps.soulfra.cache.value import Value, is_mark, unpacked
from apps.soulfra.upcast import Recorded
from schemas.soulfra import events as e
from schemas.soulfra.log import EventType
from schemas.soulfra.metrics import CACHE
from schemas.soulfra.words import Tone

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ['{"a":"\\"mark\\":true"}', "[]", '"x"', "{}", None])
def test_a_value_comes_back_as_it_was_put(text):
    """Whatever is in it."""
    value = Value(7, 1_000, 900, text)

    assert unpacked(value.packed()) == value
    assert not is_mark(value.packed())


@pytest.mark.parametrize(
    "said", [None, "", "x", "{}", '{"version":1,"made_at":2,"mark":true}', '{"version":-1}']
)
def test_what_is_no_value_is_none(said):
    """A mark, or what somebody else wrote."""
    assert unpacked(said) is None
    assert is_mark(said) is (said is not None and '"mark"' in said)


def _lived(*minutes_ago, ends=False):
    shifted = e.ToneShifted(before=Tone.JOY, after=Tone.CALM)
    lived = [
        Recorded(n, n, "loop:rain", n, EventType.TONE_SHIFTED,
                 NOW - timedelta(minutes=minutes), shifted, {})
        for n, minutes in enumerate(minutes_ago, 1)
    ]  # fmt: skip
    if ends:
        n = len(lived) + 1
        over = Recorded(n, n, "loop:rain", n, EventType.LOOP_DISSOLVED, NOW, e.LoopDissolved(), {})
        lived.append(over)
    return lived


def test_a_loop_changes_on_as_it_did():
    """Three within the hour: one in twenty minutes, and most likely one within the next hour."""
    made = forecast("rain", _lived(60, 40, 20), NOW.timestamp())

    assert made.changes_per_hour == 3
    assert made.next_change_seconds == 1_200
    assert made.change_within_hour == 0.95


def test_silence_makes_a_change_less_likely():
    """The same changes, longer ago."""
    rates = [
        forecast("rain", _lived(*(m + ago for m in (60, 40, 20))), NOW.timestamp()).changes_per_hour
        for ago in (0, 60, 600)
    ]

    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[2]


def test_nothing_is_expected_of_what_is_dissolved():
    """It is over."""
    made = forecast("rain", _lived(60, 40, ends=True), NOW.timestamp())

    assert (made.is_over, made.changes_per_hour, made.next_change_seconds) == (True, 0, None)


def test_each_count_is_declared_and_exposed():
    """And none is declared that is not counted."""
    said = Counts(hits=3, misses=1).exposed()

    assert [each.name for each in fields(Counts)] == [
        name for name in said_names(said) if name in CACHE
    ]
    assert set(CACHE) == {each.name for each in fields(Counts)}
    assert "soulfra_cache_hits_total 3" in said
    assert Counts(hits=3, misses=1).hit_rate == 0.75


def said_names(said):
    """The counts that a text exposes."""
    lines = [line.split(" ")[0] for line in said.splitlines() if not line.startswith("#")]
    return [line.removeprefix("soulfra_cache_").removesuffix("_total") for line in lines]
