"""JSON files: replaced in one step, read closed, set aside when damaged, written once."""

import json
import os
import stat
import threading
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from pydantic import ValidationError

from apps import documents
from apps.anima.canvas import Canvas
from apps.anima.drawing import Drawing
from apps.anima.piece import Piece
from schemas.anima.files import DaySummaries, SavedCanvas, SavedPiece, TrajectoryGenesis

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = {
    "date": NOW, "center": [0.4, 0.8, 0.9, 0.9], "variance": [0.001, 0, 0, 0.01], "n_obs": 500,
    "hours": 8.25, "perturbations": 3, "trends": {"warmth": 0.4},
}  # fmt: skip


def genesis(count=30):
    """A first self."""
    parts = ("preferences", "beliefs", "attractor", "recovery", "relational", "homeostatic")
    return TrajectoryGenesis.model_validate(
        {part: {"n": 1} for part in parts}
        | {"computed_at": NOW, "observation_count": count, "stability_score": 0.7}
    )


def test_what_was_written_is_read(tmp_path):
    """Exactly, by its owner only, and nothing else is left beside it."""
    file = tmp_path / "day_summaries.json"
    told = DaySummaries.model_validate({"summaries": [DAY] * 30})
    documents.write(file, told)
    documents.write(file, told)

    assert documents.read(file, DaySummaries) == told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_thirty_days_are_kept(tmp_path):
    """Who writes one more must drop one first."""
    with pytest.raises(ValidationError, match="at most 30"):
        DaySummaries.model_validate({"summaries": [DAY] * 31})
    with pytest.raises(ValidationError, match="greater than or equal to 30"):
        genesis(count=29)


def test_a_failure_on_the_way_leaves_the_old_and_no_draft(tmp_path, monkeypatch):
    """As the disk would: full in the middle, or at the end."""
    file = tmp_path / "day_summaries.json"
    documents.write(file, DaySummaries(summaries=[]))
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        documents.replace(file, (full() for _ in range(1)))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        documents.replace(file, ["new"])
    with pytest.raises(OSError, match="No space"):
        documents.write_once(tmp_path / "other.json", genesis())

    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_it_is_on_disk_before_it_has_the_name_and_the_name_after(tmp_path, monkeypatch):
    """Else a power cut leaves an empty file under the old name."""
    said = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda handle: (said.append(os.path.realpath(f"/proc/self/fd/{handle}")), sync(handle)),
    )
    monkeypatch.setattr(Path, "replace", lambda one, two: (said.append("rename"), rename(one, two)))
    documents.replace(tmp_path / "a.json", ["{}"])

    assert said == [str(tmp_path / "a.json.new"), "rename", str(tmp_path)]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"null", b'{"summaries": [], "more": 1}', b'{"summaries": [NaN]}',
     b'{"summaries": [{"date": "2026-02-20T10:00:00"}]}'],
)  # fmt: skip
def test_a_damaged_document_is_kept_aside_and_said(tmp_path, capsys, text):
    """None is given, nothing is deleted, the next one does not write over it."""
    file = tmp_path / "day_summaries.json"
    for _ in range(2):
        file.write_bytes(text)
        assert documents.read(file, DaySummaries) is None
    said = capsys.readouterr().err

    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [text, text]
    assert "day_summaries.json.damaged-1" in said
    assert said.count("hint:") == 2
    assert documents.read(file, DaySummaries) is None
    assert capsys.readouterr().err == ""


def test_what_is_written_once_stays(tmp_path):
    """Also when twenty try at once: one of them did it."""
    file = tmp_path / "trajectory_genesis.json"
    gate, did = threading.Barrier(20), []

    def attempt(count):
        gate.wait()
        did.append((documents.write_once(file, genesis(count)), count))

    threads = [threading.Thread(target=attempt, args=(count,)) for count in range(30, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((_, winner),) = [one for one in did if one[0]]

    assert documents.read(file, TrajectoryGenesis) == genesis(winner)
    assert documents.write_once(file, genesis(99)) is False
    assert documents.read(file, TrajectoryGenesis) == genesis(winner)
    assert list(tmp_path.iterdir()) == [file]


def test_the_declared_canvas_is_what_the_hand_leaves(tmp_path, anima):
    """Every key of the piece, and every number in its range, after a thousand ticks."""
    drawing = Drawing(Canvas(), None, Random(3))
    for _ in range(1000):
        drawing.tick(anima, NOW)
        said = {"piece": drawing.piece.saved(), "pixels": {}}
        SavedCanvas.model_validate_json(json.dumps(said))

    assert list(SavedPiece.model_fields) == [field.name for field in fields(Piece)]
