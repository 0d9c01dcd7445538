"""A finished piece: one row, whatever happens, with why it was over."""

import sqlite3
from datetime import UTC, datetime

import pytest

from apps.anima.finished import Finished
from schemas.anima.drawings import FinishedPiece

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def piece():
    """A piece with awkward decimals."""
    return Finished(
        piece_uid="0123456789abcdef", started_at=NOW, finished_at=NOW, era="field",
        completion_reason="composed", marks=870, pixels=5678, duration_seconds=12_345.0,
        E=0.1 + 0.2, I=1 / 3, S=0.5, V=-0.1, C=0.47, energy=0.1, curiosity=0.19,
        engagement=0.3, fatigue=0.7, satisfaction=0.75, file="a.png",
    )  # fmt: skip


def test_what_the_hand_gives_is_what_the_table_takes():
    """The same names in the same order; the id is the database's."""
    assert ["id", *Finished._fields] == list(FinishedPiece.model_fields)


def test_a_piece_is_recorded_once_and_comes_back_as_it_was(store, path, piece):
    """A second time is the power's doing; the first row stays."""
    store.record_finished(piece).result(5)
    store.record_finished(piece._replace(completion_reason="tired")).result(5)
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    (row,) = db.execute("SELECT * FROM drawing_records").fetchall()
    db.close()
    told = FinishedPiece.model_validate({**row})

    assert {**told.model_dump(exclude={"id"})} == piece._asdict()
    assert store.dropped.total == 0


def test_a_piece_without_a_reason_is_dropped_and_counted(store, piece):
    """The table holds it to its rules."""
    with pytest.raises(sqlite3.IntegrityError):
        store.record_finished(piece._replace(completion_reason="")).result(5)

    assert store.dropped.counts == {"drawing_records": 1}
