"""The eleven defects of the migrator that was written before: each a fact here, and how it failed.

``naive`` is what that one did; every test shows that it comes to something else.
"""

import ast
import json
import sqlite3
import sys
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from uuid import UUID

import pytest

from apps.legacy import keyset
from apps.legacy.source import opened
from apps.ops import cli, legacy
from tests.legacy.databases import SQL

ROOT = Path(__file__).resolve().parents[3]
AT = "2025-11-28T04:10:24.346843"
AGENT = {"agent_id": "lumen", "status": "active", "created_at": AT, "last_update": AT}
B_AGENT = {"agent_id": "lumen", "api_key": "raw-key", "created_at": AT}
B_STATE = {"agent_id": "lumen", "recorded_at": AT, "entropy": 0.25, "integrity": 0.5,
           "stability_index": 0.75, "state_json": '{"E": 0.6}'}  # fmt: skip
LINE = {"timestamp": AT, "agent_id": "lumen", "event_type": "t", "confidence": 1.0, "details": {},
        "metadata": None}  # fmt: skip


def test_1_a_true_zero_stays_zero(house, old):
    """It became the default."""
    row = {"agent_id": "lumen", "E": 0.0, "I": 0.0, "S": 0.0, "V": 0.0, "coherence": 0.0,
           "created_at": AT, "updated_at": AT, "state_json": "{}"}  # fmt: skip
    house.bring(old("A", agent_metadata=[AGENT], agent_state=[row]))
    naive = (row["E"] or 0.5, row["I"] or 1.0, row["S"] or 0.2, row["V"], row["coherence"] or 1.0)

    found = house.ask("SELECT energy, integrity, entropy, void, coherence FROM legacy.agent_state")
    assert found == [(0.0, 0.0, 0.0, 0.0, 0.0)]
    assert found != [naive]


def test_2_the_second_writer_is_understood_as_it_wrote(house, old):
    """S lay in entropy and E in the object: they were taken for each other."""
    house.bring(old("B", agent_metadata=[B_AGENT], agent_state=[B_STATE]))
    naive = {"energy": B_STATE["entropy"], "entropy": B_STATE["stability_index"]}

    found = house.ask("SELECT energy, entropy FROM legacy.agent_state")
    assert found == [(0.6, 0.25)]
    assert found != [tuple(naive.values())]


def test_3_a_session_ends_when_it_said(house, old):
    """All came alive until the last second of their day."""
    row = {"agent_id": "lumen", "created_at": AT, "last_active": "2025-11-28T05:00:00",
           "expires_at": "2025-11-29T05:00:00"}  # fmt: skip
    house.bring(old("B", agent_metadata=[B_AGENT],
                    session_identities=[row | {"session_id": "over", "is_active": 0},
                                        row | {"session_id": "open", "is_active": 1}]))  # fmt: skip
    naive = datetime.fromisoformat(AT).replace(hour=23, minute=59, second=59, microsecond=0)

    found = [at for (at,) in house.ask("SELECT expires_at FROM core.sessions ORDER BY 1")]
    assert found == [datetime(2025, 11, day, 12, tzinfo=UTC) for day in (28, 29)]
    assert naive.replace(tzinfo=UTC) not in found


def test_4_what_is_older_than_the_first_month_comes_too(house, lines):
    """It was skipped."""
    first = house.one("SELECT min(from_at) FROM audit.partition_bounds('audit.events')"
                      " WHERE NOT is_default")  # fmt: skip
    house.bring(lines("audit_log.jsonl", LINE))
    naive = [line for line in [LINE] if datetime.fromisoformat(line["timestamp"]).replace(
        tzinfo=UTC) >= first]  # fmt: skip

    assert house.one("SELECT count(*) FROM audit.events") == 1
    assert not naive


def test_5_an_id_that_is_none_is_kept_beside_the_one_that_is_made(house, old):
    """It was hashed away; two calls that had none got the same."""
    call = {"timestamp": AT, "usage_id": "usage_7", "tool_name": "t"}
    house.bring(old("B", tool_usage=[call, call | {"tool_name": "u"}]))
    naive = {str(UUID(bytes=md5(call["usage_id"].encode(), usedforsecurity=False).digest()))}

    found = house.ask("SELECT usage_id::text, payload->'beside'->>'usage_id' FROM audit.tool_usage")
    assert [told for _, told in found] == ["usage_7", "usage_7"]
    assert len({made for made, _ in found}) == 2
    assert not naive & {made for made, _ in found}


def test_6_what_is_not_taken_is_told_and_the_exit_code_says_so(house, lines, monkeypatch, capsys):
    """It was counted, skipped, and exit was 0."""
    folder = lines("audit_log.jsonl", LINE, "torn {")
    naive = 0
    monkeypatch.setattr(legacy, "in_force", lambda root: (None, root))
    monkeypatch.setattr(legacy, "reached", lambda *_: nullcontext(house.database.owner))
    words = ["abode", "legacy", "backfill", str(folder), "--zone", "UTC"]
    monkeypatch.setattr(sys, "argv", [*words, "--json"])
    with pytest.raises(SystemExit) as left:
        sys.exit(cli.main())
    said = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as again:
        sys.exit(cli.main())
    shown = capsys.readouterr().out

    assert left.value.code == again.value.code == 4 != naive
    assert said["contract"] == 1
    assert [part["rejected"] for part in said["parts"]] == [1]
    assert "rejected: 1 rows, see legacy.rejected" in shown
    assert said["rejected"] == 1
    assert house.reasons("lines") == {"2": "is no JSON object"}


def test_7_pages_follow_the_key_while_the_old_server_writes(tmp_path, monkeypatch):
    """LIMIT and OFFSET left rows out when others came or went meanwhile."""
    monkeypatch.setattr(keyset, "ROWS", 2)
    path = tmp_path / "governance.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.executescript((SQL / "variant_a.sql").read_text())
        writer.execute("PRAGMA journal_mode = WAL")
        for agent in "bcdefg":
            row = tuple((AGENT | {"agent_id": agent}).values())
            writer.execute("INSERT INTO agent_metadata (agent_id, status, created_at, last_update)"
                           " VALUES (?, ?, ?, ?)", row)  # fmt: skip
        found, naive, page = [], [], 0
        with opened(path) as db:
            pieces = keyset.pieces(db, "agent_metadata", ["agent_id"], ["agent_id"], None)
            for piece in pieces:
                found += [row[0] for row in piece.rows]
                sql = "SELECT agent_id FROM agent_metadata ORDER BY agent_id LIMIT 2 OFFSET ?"
                naive += [row[0] for row in writer.execute(sql, (page * 2,))]
                page += 1
                writer.execute("DELETE FROM agent_metadata WHERE agent_id = 'b'")

    assert found == list("bcdefg")
    assert set(naive) != set("bcdefg")


def test_8_no_raw_key_comes_over(house, old):
    """It lay in a column that was called a hash."""
    house.bring(old("B", agent_metadata=[B_AGENT]))
    naive = {"api_key_hash": B_AGENT["api_key"]}
    found = house.one("SELECT to_jsonb(i)::text FROM core.identities AS i")

    assert "raw-key" not in found
    assert "raw-key" in naive.values()


def test_9_the_thresholds_in_force_stay(house, old):
    """They were overwritten; what the old server had is a version before them."""
    row = {"id": 1, "state_json": '{"bins": {"0.8-0.9": {"actual_correct": 4.8}}}',
           "updated_at": AT}  # fmt: skip
    before = house.one("SELECT data FROM core.calibration")
    folder = old("A", calibration_state=[row])
    house.bring(folder)
    house.bring(folder)
    naive = json.loads(row["state_json"])

    assert house.one("SELECT data FROM core.calibration") == before != naive
    assert house.ask("SELECT version, data, made_at FROM core.calibration_versions") == [
        (0, naive, datetime(2025, 11, 28, 11, 10, 24, 346843, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("told", "meant", "counted"),
    [
        (AT, "2025-11-28T11:10:24.346843", (0, 0)),
        ("2025-11-02T01:30:00", "2025-11-02T07:30:00", (1, 0)),  # twice: its first pass
        ("2025-03-09T02:30:00", "2025-03-09T09:30:00", (0, 1)),  # never: as before it
        ("2025-07-01T00:00:00", "2025-07-01T06:00:00", (0, 0)),
        (f"{AT}+00:00", AT, (0, 0)),
        ("2025-11-28 04:10:24Z", "2025-11-28T04:10:24", (0, 0)),
    ],
)
def test_10_a_time_is_of_the_zone_that_is_stated(house, lines, told, meant, counted):
    """It was taken for UTC; an hour that came twice or never is counted."""
    said = house.bring(lines("audit_log.jsonl", LINE | {"timestamp": told})).parts[0]
    naive = datetime.fromisoformat(told).replace(tzinfo=UTC)
    found = house.one("SELECT recorded_at FROM audit.events")

    assert found == datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert (said.folds, said.gaps) == counted
    assert (found == naive) == (told.endswith(("Z", "+00:00")))
    assert abs(found - naive) < timedelta(hours=8)


def test_11_every_file_of_it_parses():
    """The one that was to verify it did not."""
    naive = "def verify():\n    counts()\n  samples()\n"
    with pytest.raises(IndentationError):
        ast.parse(naive)

    files = [*(ROOT / "apps/legacy").rglob("*.py"), *(ROOT / "schemas/legacy").rglob("*.py")]
    assert len(files) > 10
    assert all(ast.parse(file.read_text()) for file in files)
