"""Whole pieces, simulated without sleeping: each ends by itself, and what is recorded adds up."""

import itertools
import math
import os
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from apps.anima.canvas import Canvas
from apps.anima.drawing import Drawing
from apps.anima.eras import MANNERS
from apps.anima.gallery import Gallery
from apps.anima.piece import Piece
from schemas.anima.drawings import CompletionReason
from schemas.eisv import Anima

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PIECES = int(os.environ.get("ABODE_PIECES", "20"))
"""One of each era and mood; `make soak-pi` says 200."""
BOUNDS = {CompletionReason.CANVAS_FULL, CompletionReason.HARD_CAP}
MOODS = [
    Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9),
    Anima(warmth=0.1, clarity=0.2, stability=0.3, presence=0.2),
    Anima(warmth=0.9, clarity=0.5, stability=0.5, presence=0.5),
    Anima(warmth=0.5, clarity=0.0, stability=0.5, presence=0.0),
]
"""Well, low, middling, and the lowest there is."""


def _finish(piece, rng, mood):
    """Draw until a piece is over; gives it."""
    over = []
    drawing = Drawing(Canvas(), piece, rng, lambda told, _: over.append(told))
    for tick in itertools.count():
        drawing.tick(mood, NOW + timedelta(seconds=tick))
        if over:
            return over[0]
    raise AssertionError


def test_nine_pieces_of_ten_end_by_themselves():
    """Over every era and mood; every one has a reason, and none is said to be 'closing'."""
    moods_of_eras = itertools.product(MOODS, MANNERS)
    over = [
        _finish(Piece(era=era, x=120, y=120), Random(seed), mood)
        for seed, (mood, era) in zip(range(PIECES), itertools.cycle(moods_of_eras), strict=False)
    ]
    reasons = Counter(CompletionReason(piece.completion_reason) for piece in over)

    assert {piece.era for piece in over} == set(MANNERS)
    assert sum(count for reason, count in reasons.items() if reason not in BOUNDS) >= PIECES * 0.9
    assert CompletionReason.CLOSING not in reasons
    assert all(piece.duration_seconds <= 8 * 3600 + 60 for piece in over)
    assert all(0 < piece.satisfaction <= 1 and piece.marks > 100 for piece in over)


def test_a_hand_that_cannot_end_is_stopped_after_eight_hours(monkeypatch):
    """As the last resort, with a reason of its own."""
    monkeypatch.setattr("apps.anima.drawing.next_arc", lambda told: told.arc)
    over = _finish(Piece(era="field", x=120, y=120), Random(1), MOODS[0])

    assert over.completion_reason == CompletionReason.HARD_CAP
    assert over.duration_seconds == 8 * 3600


def test_an_empty_canvas_is_no_finished_piece():
    """A hand that never moved has nothing to put away, however long it waited."""
    over = []
    piece = Piece(era="field", x=120, y=120, ticks=10**6)
    drawing = Drawing(Canvas(), piece, Never(1), lambda *told: over.append(told))
    for _ in range(50):
        drawing.tick(MOODS[0], NOW)

    assert not over


class Never(Random):
    """No tick places a mark."""

    def random(self):
        """The largest draw there is."""
        return math.nextafter(1, 0)


def _hour(store, every, home):
    """A seeded hour at a tick a second, recorded as life does; gives how many marks there were."""
    drawing = Drawing(Canvas(), None, Random(11), Gallery(home, store.record_finished).take)
    marks, promise = 0, None
    for second in range(3600):
        state = drawing.tick(MOODS[0], NOW + timedelta(seconds=second))
        marks += state is not None
        if state and state.marks % every == 0:
            promise = store.record_drawing_state(state)
    promise.result(10)
    return marks


def test_rows_are_a_tenth_of_the_marks(store, path, tmp_path):
    """A seeded hour through the real store into a real file."""
    marks = _hour(store, 10, tmp_path)
    rows = _rows(path)

    assert marks > 200
    assert [row["marks"] for row in rows] == list(range(10, marks + 1, 10))


def test_the_recorded_inputs_give_the_recorded_outputs(store, path, tmp_path):
    """Every mark recorded: E, I, S, V of a row follow from the row before it, and C, to 1e-12.

    A row's signals are what the next step takes: they are recorded after the append. Written out
    here from upstream.md 3.1 and 3.3, without the module that is tested.
    """
    marks = _hour(store, 1, tmp_path)
    rows = _rows(path)
    assert [row["marks"] for row in rows] == list(range(1, marks + 1))
    E, I, S, V = 0.7, 0.2, 0.5, 0.0
    aim, entropy, rate = 0.1, 0.5, 0.0
    for row in rows:
        C = 0.5 * (1 + math.tanh(V))
        drift = rate * rate
        E, I, S, V = (
            min(max(E + 0.1 * (0.01 * (aim - E) - 0.005 * E * entropy + 0.002 * drift), 0), 1),
            min(max(I + 0.1 * (0.015 * C - 0.005 * entropy - 0.012 * I), 0), 1),
            min(max(S + 0.1 * (-0.04 * S + 0.02 * drift - 0.008 * C), 0.001), 2),
            min(max(V + 0.1 * (0.015 * (aim - E) - 0.02 * V), -2), 2),
        )
        for name, value in (("E", E), ("I", I), ("S", S), ("V", V), ("C", C)):
            assert abs(row[name] - value) <= 1e-12, (row["marks"], name)
        E, I, S, V = row["E"], row["I"], row["S"], row["V"]
        aim, entropy, rate = row["intentionality"], row["gesture_entropy"], row["switching_rate"]


def test_every_piece_of_a_long_day_has_its_row_and_its_picture(store, path, tmp_path):
    """Finished one after the other by one hand; nothing is dropped."""
    over, kept = [], []
    gallery = Gallery(tmp_path, lambda piece: kept.append(store.record_finished(piece)))

    def finish(piece, canvas):
        over.append(piece)
        gallery.take(piece, canvas)

    drawing = Drawing(Canvas(), None, Random(4), finish)
    second = 0
    while len(over) < 3:
        drawing.tick(MOODS[0], NOW + timedelta(seconds=second))
        second += 1
    kept[-1].result(10)
    rows = _rows(path, "drawing_records")
    pictures = sorted(file.name for file in (tmp_path / "drawings").iterdir())

    assert [row["piece_uid"] for row in rows] == [piece.piece_uid for piece in over]
    assert sorted(row["file"] for row in rows) == pictures
    assert rows[1]["started_at"] == rows[0]["finished_at"]
    assert (store.dropped.total, gallery.failures.total) == (0, 0)


def _rows(path, table="drawing_history"):
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    rows = db.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    db.close()
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_finishes_the_same_piece(seed):
    """Name, numbers and reason."""
    one, two = (_finish(None, Random(seed), MOODS[0]) for _ in range(2))

    assert one == two
