"""Each rule of docs/eisv.md, on rows made for it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from apps.eisv.checkins import CheckedIn
from apps.eisv.columns import Series
from apps.eisv.export import Order
from apps.eisv.gaps import never_arrived
from apps.eisv.selection import Selection
from apps.eisv.sources import of_file
from schemas.anima.tables import AnimaState, DrawingState, Event

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERY = 20


def at(seconds):
    """An instant after noon."""
    return NOON + timedelta(seconds=seconds)


def row(seconds, marks):
    """A recorded step."""
    return DrawingState(
        timestamp=at(seconds), E=0.6, I=0.3, S=0.2, V=0.0, C=0.5, marks=marks, era="field",
        arc_phase="developing",
    )  # fmt: skip


def steady(first, last, seconds=0):
    """Steps of one piece, one every 20 s."""
    return [row(seconds + n * EVERY, marks) for n, marks in enumerate(range(first, last + 1, 10))]


@pytest.fixture
def told(put, exported):
    """The gaps of an anima.db of these rows, each as its reason and what it misses."""

    def run(*rows, sources=None, remove=(), change=None, selection=None):
        path = put(*rows)
        with closing(sqlite3.connect(path)) as db, db:
            db.executemany("DELETE FROM drawing_history WHERE id = ?", [(n,) for n in remove])
            db.execute(change or "SELECT 1")
        order = Order(selection or Selection(), (Series.DRAWING,), force=True)
        found = of_file(path, None, order.selection)
        if sources:
            found.checkins = sources
        gaps = exported(path, "gaps", sources=found, order=order).to_pylist()
        return [(gap["why"], gap["missing"]) for gap in gaps]

    return run


def test_a_steady_series_has_no_gap(told):
    """One row every 20 s."""
    assert told(*steady(10, 200)) == []


def test_ids_that_are_nowhere_are_rows_gone(told):
    """They were given once, so there were rows."""
    assert told(*steady(10, 200), remove=(5, 6, 7)) == [("rows gone", 3)]


def test_ids_that_a_mend_left_out_are_not_rows(told):
    """After a mend ids go on a million higher; it tells itself how many rows it could not save."""
    rows = [*steady(10, 100), *steady(110, 300, seconds=200)]
    jump = "UPDATE drawing_history SET id = id + 1000000 WHERE id > 10"
    mend = Event(timestamp=at(195), event_type="damage", data={"lost": {"drawing_history": 2}})

    assert told(*rows, change=jump) == [("rows gone", 1_000_000)]
    assert told(mend, *rows, change=jump) == [("mended", 2)]
    assert told(mend.model_copy(update={"data": {"lost": {}}}), *rows, change=jump) == []


def test_marks_that_jump_were_not_recorded(told):
    """A row every ten marks: from 50 to 90 three are missing."""
    assert told(*steady(10, 50), row(120, 90), row(140, 100)) == [("not recorded", 3)]


def test_a_piece_whose_first_rows_are_missing_is_seen(told):
    """It should have begun with 10."""
    rows = [*steady(10, 100), row(220, 40), row(240, 50)]

    assert told(*rows) == [("not recorded", 3)]


def test_a_slow_hand_is_no_gap(told):
    """Marks go on by ten, however long it took: nothing is missing."""
    assert told(*steady(10, 100), *steady(110, 200, seconds=4000)) == []


def test_asleep_is_told_from_the_events(told):
    """From sleep to wake, though no row is missing."""
    night = [
        Event(timestamp=at(200), event_type="sleep"),
        Event(timestamp=at(3990), event_type="wake"),
    ]

    assert told(*night, *steady(10, 100), *steady(110, 200, seconds=4000)) == [("asleep", 0)]


def test_killed_is_told_from_the_heartbeat(told):
    """Woken without having slept."""
    beat = {"last_heartbeat_at": at(190).isoformat()}
    events = [
        Event(timestamp=at(0), event_type="wake"),
        Event(timestamp=at(3990), event_type="time_recovery", data=beat),
        Event(timestamp=at(3990), event_type="wake"),
    ]

    assert told(*events, *steady(10, 100), *steady(110, 200, seconds=4000)) == [("killed", 0)]


def test_paused_is_told_from_the_verdicts(told):
    """From the check-in that was answered so to the next one."""
    said = [CheckedIn(at(n * 60), "boot-0001", n, "pause" if 4 <= n < 60 else "proceed", {}, None)
            for n in range(1, 70)]  # fmt: skip

    gaps = told(*steady(10, 100), *steady(110, 200, seconds=4000), sources=said)
    assert gaps == [("paused", 0)]


def test_a_pause_of_its_own_is_told_from_its_events(told):
    """The Mac was away and never answered; the creature stopped itself, and went on."""
    alone = [
        Event(timestamp=at(210), event_type="pause", data={"decided_by": "itself"}),
        Event(timestamp=at(3990), event_type="resume", data={"decided_by": "itself"}),
    ]

    gaps = told(*alone, *steady(10, 100), *steady(110, 200, seconds=4000))
    assert gaps == [("paused", 0)]


def test_most_of_a_gap_gives_it_its_name(told):
    """Ten minutes paused, then asleep for an hour."""
    said = [CheckedIn(at(n * 60), "boot-0001", n, "pause", {}, None) for n in range(4, 15)]
    night = [
        Event(timestamp=at(840), event_type="sleep"),
        Event(timestamp=at(3990), event_type="wake"),
    ]

    gaps = told(*night, *steady(10, 100), *steady(110, 200, seconds=4000), sources=said)
    assert gaps == [("asleep", 0)]


def test_a_long_wait_before_a_new_piece_cannot_be_explained_by_marks(told):
    """Up to nine marks may have been made and not recorded."""
    rows = [*steady(10, 100), *steady(10, 100, seconds=4000)]

    assert told(*rows) == [("between pieces", None)]


def test_a_clock_that_went_back_is_told(told):
    """The order is that of writing; the time in between is not known."""
    assert told(*steady(10, 100), *steady(110, 200, seconds=-3600)) == [("clock went back", None)]


def test_a_piece_taken_up_from_the_last_saved_canvas_goes_on(told, exported, put):
    """After a kill marks fall a little: neither a new piece nor a lost row."""
    rows = [*steady(10, 200), *steady(170, 300, seconds=420)]

    assert told(*rows) == []
    assert set(exported(put(*rows))["piece"].to_pylist()) == {1}


def test_pieces_are_counted_where_marks_begin_anew(exported, put):
    """Also across what is in memory at a time."""
    rows = [*steady(10, 50), *steady(10, 30, seconds=200), *steady(10, 10, seconds=400)]

    assert exported(put(*rows))["piece"].to_pylist() == [1] * 5 + [2] * 3 + [3]


def test_rows_outside_the_span_are_no_gap(told):
    """A clock that was wrong for a while puts rows between others; they are known to be there."""
    rows = [*steady(10, 50), *steady(60, 80, seconds=-90_000), *steady(90, 120, seconds=100)]
    gaps = told(*rows, selection=Selection(from_at=NOON))

    assert gaps == [("not recorded", 3)]
    assert told(*rows, remove=(7,), selection=Selection(from_at=NOON))[0] == ("rows gone", 1)


def test_a_minute_that_was_missed_is_a_gap_of_the_anima_series(put, exported):
    """Three of the expected intervals and more."""

    def feeling(minute):
        return AnimaState(
            timestamp=at(60 * minute), warmth=0.5, clarity=0.5, stability=0.5, presence=0.5
        )

    path = put(*map(feeling, [0, 1, 2, 3, 4, 6, 7, 8, 13, 14]))
    gaps = exported(path, "gaps").to_pylist()

    assert [
        (gap["series"], gap["seconds"], gap["expected_seconds"], gap["why"]) for gap in gaps
    ] == [("anima", 300.0, 60.0, "unknown")]


def test_numbers_that_never_arrived_are_gaps_of_the_outbox():
    """Within one run of the Pi."""
    said = [CheckedIn(at(n * 60), "boot-0001", n, "proceed", {}, None) for n in (1, 2, 5, 6)]
    said += [CheckedIn(at(n * 60), "boot-0002", n, "proceed", {}, None) for n in (9, 10)]

    (gap,) = never_arrived(said, Selection())
    assert (gap.series, gap.missing, gap.why, gap.from_at) == (
        "check-ins",
        2,
        "outbox gap",
        at(120),
    )
