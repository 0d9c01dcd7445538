"""What the Mac was told stands in where the Pi has nothing, and only there."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.eisv.checkins import CheckedIn, Span, filling
from apps.eisv.columns import Series
from apps.eisv.export import Order
from apps.eisv.selection import Selection
from apps.eisv.sources import Sources, of_file
from schemas.anima.tables import DrawingState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FEELING = {"warmth": 0.5, "clarity": 0.6, "stability": 0.7, "presence": 0.8, "cpu_temp_c": 51.5}


def step(n):
    """The recorded step of a minute."""
    return {"E": 0.6, "I": 0.3, "S": 0.2, "V": 0.0, "C": 0.5, "marks": 10 * n, "era": "field"}


def told(minutes):
    """A check-in a minute, half a minute after the step that it tells of."""
    return [
        CheckedIn(
            NOON + timedelta(minutes=n, seconds=30), "boot-0001", n, "proceed", FEELING, step(n)
        )
        for n in minutes
    ]


@pytest.fixture
def rows(put, exported):
    """Exports a Pi's minutes together with the Mac's; gives a series."""

    def run(own, minutes, name="drawing", **asked):
        path = put(*(DrawingState(timestamp=NOON + timedelta(minutes=n), **step(n)) for n in own))
        order = Order(Selection(**asked), force=True)
        sources = of_file(path, None, order.selection) if own else Sources()
        sources.checkins = told(minutes)
        return exported(path, name, sources=sources, order=order).to_pylist()

    return run


def test_where_the_pi_has_rows_the_copies_stay_out(rows):
    """Every check-in tells of a row that is there."""
    assert {row["source"] for row in rows(range(1, 60), range(1, 60))} == {"live"}


def test_a_gap_is_filled_and_marked(rows):
    """Rows 21 to 40 are lost on the Pi: what was told of them is all that is left."""
    found = rows([*range(1, 21), *range(41, 60)], range(1, 60))
    filled = [row for row in found if row["source"] == "mac"]

    assert [row["marks"] for row in filled] == [10 * n for n in range(21, 41)]
    assert filled[0]["timestamp"] == NOON + timedelta(minutes=21, seconds=30)
    assert all(row["id"] is None and row["piece"] is None for row in filled)


def test_a_step_that_is_told_again_comes_once(rows):
    """A hand at rest is reported every minute with the same numbers."""
    at_rest = [each._replace(drawing=step(min(each.seq, 30))) for each in told(range(1, 60))]
    gap = Span(NOON + timedelta(minutes=20), NOON + timedelta(minutes=41))

    found = filling(Series.DRAWING, at_rest, [gap], Selection())
    assert found["marks"].to_pylist() == [10 * n for n in range(20, 31)]


def test_without_the_pi_all_that_was_told_is_exported(rows):
    """The Pi is lost, the Mac remembers."""
    found = rows([], range(1, 60), "anima")

    assert [row["source"] for row in found] == ["mac"] * 59
    assert found[0]["cpu_temp_c"] == 51.5
    assert [row["marks"] for row in rows([], range(1, 60))] == [10 * n for n in range(1, 60)]


def test_the_last_minute_is_no_gap(rows):
    """What comes a moment after the Pi's last row is a copy of it."""
    assert {row["source"] for row in rows(range(1, 60), range(1, 62))} == {"live"}
    late = [row for row in rows(range(1, 60), range(1, 90)) if row["source"] == "mac"]
    assert late[0]["timestamp"] > NOON + timedelta(minutes=59 + 9)


def test_a_span_holds_for_what_was_told_as_well(rows):
    """And a word."""
    found = rows([], range(1, 60), upto_at=NOON + timedelta(minutes=10))

    assert len(found) == 9
