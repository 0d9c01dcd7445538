"""Memory is bounded whatever the size: ABODE_LEGACY_ROWS rows; `make soak-legacy` takes more."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.legacy.verify.verify import verify
from tests.legacy.databases import write
from tests.legacy.directory import make

ROOT = Path(__file__).resolve().parents[3]
ROWS = int(os.environ.get("ABODE_LEGACY_ROWS", "1500"))
MIB = 200
NODES = 20_000
"""Twenty times as many as there ever were."""
SHARED = Path(__file__).parents[4] / "shared"
REAL = next((p for p in (Path("/work/shared/data"), SHARED / "data") if p.is_dir()), None)


def test_memory_is_bounded_whatever_the_size(house, tmp_path, capsys):
    """Of a whole directory, in a process of its own; a document, though, is one value."""
    folder = make(tmp_path / "data", "B", ROWS, nodes=min(ROWS // 5, NODES))
    house.bring(folder)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("verified.py")), house.database.owner,
         str(folder)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    took = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(f"\n{took}\n" if ROWS > 10_000 else "")

    assert took["differing"] == 0, took["first"]
    assert took["rows"] > 3 * ROWS
    assert took["mib"] < MIB


def test_several_files_that_tell_of_the_same_verify(house, tmp_path):
    """Of both writers, and a knowledge.db: the first word counts, or any that is there."""
    folder = make(tmp_path / "data", "A", 120)
    write(folder / "second.db", "B", 120, seed=1)
    write(folder / "third.db", "K", 120, seed=2)
    house.bring(folder)
    said = verify(house.database.owner, folder)

    assert said.differences == []
    assert any(one.repeated for one in said.tables)
    assert [one.file for one in said.sources].count("second.db") == 6


def test_a_second_backfill_verifies_too(house, tmp_path):
    """With a row that came meanwhile, of which the first verify knew nothing."""
    folder = make(tmp_path / "data", "B", 60)
    house.bring(folder)
    with (folder / "audit_log.jsonl").open("a") as file:
        file.write(json.dumps(LINE) + "\n")
    before = verify(house.database.owner, folder)
    house.bring(folder)

    assert [each.what for each in before.differences] == ["missing"]
    assert before.differences[0].key == "2026-03-04T12:06:07.000000Z"
    assert verify(house.database.owner, folder).is_equal


def test_two_events_under_one_id_and_one_event_told_twice_verify(house, old, lines):
    """By rows, by a row and a line, in months of the past and in one that the house has."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H}:00:00"
    rows = [
        {"timestamp": at, "event_id": UUID, "event_type": "t", "confidence": 1.0,
         "agent_id": "lumen", "details_json": json.dumps({"n": n})}
        for at in ("2025-03-04T05:06:07", now)
        for n in range(2)
    ]  # fmt: skip
    calls = [{"timestamp": "2025-03-04T05:06:07", "usage_id": "u", "tool_name": "t"}]
    folder = old("B", audit_events=rows, tool_usage=calls)
    said = {"agent_id": "lumen", "event_type": "t", "confidence": 1, "metadata": None}
    lines("audit_log.jsonl", *({"timestamp": row["timestamp"], "details": {"n": 0}, **said}
                               for row in rows))  # fmt: skip
    lines("tool_usage.jsonl", {"timestamp": "2025-03-04T05:06:07", "tool_name": "t",
                               "agent_id": None, "success": True, "error_type": None})  # fmt: skip
    house.bring(folder, "UTC")
    done = verify(house.database.owner, folder)
    told = {one.table: one for one in done.tables}

    assert done.differences == []
    assert (told["audit.events"].new, told["audit.tool_usage"].new) == (3, 1)
    assert told["audit.events"].repeated == 4


UUID = "3d81d853-0000-4000-8000-000000000001"
LINE = {
    "timestamp": "2026-03-04T05:06:07", "agent_id": "lumen", "event_type": "t", "confidence": 1,
    "details": {}, "metadata": None,
}  # fmt: skip


@pytest.mark.skipif(REAL is None, reason="the real files are not here")
def test_the_real_files_verify(house):
    """As the old server left them."""
    house.bring(REAL)
    said = verify(house.database.owner, REAL)

    assert said.differences == []
    assert {one.table: one.old for one in said.tables}["core.discoveries"] == 93
