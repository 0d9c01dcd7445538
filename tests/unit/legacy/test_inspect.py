"""``abode legacy inspect``: told by content, counted, and nothing is touched."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apps.legacy.inspect import inspect
from apps.ops import cli
from schemas.errors import Refused
from tests.legacy.databases import write
from tests.legacy.directory import audit_log

SHARED = Path(__file__).parents[4] / "shared"
REAL = next((p for p in (Path("/work/shared/data"), SHARED / "data") if p.is_dir()), None)
WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("INSERT INTO schema_version VALUES ('live', 1)")
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO schema_version VALUES ('not yet', 1)")
print("writing", flush=True)
sys.stdin.read()
db.execute("COMMIT")
"""


def things(folder):
    """What is found, by its path."""
    return {thing.path: thing for thing in inspect(folder).things}


def rows(thing):
    """How many of each."""
    return {part.name: part.rows for part in thing.parts}


def test_each_thing_is_known_and_counted(old, state):
    """Both variants, with what lies around them; and not a byte differs afterwards."""
    variant, data = old
    before = state(data)
    seen = things(data)

    assert state(data) == before
    assert inspect(data).is_understood
    assert seen["governance.db"].kind == f"governance.db {variant}"
    assert rows(seen["governance.db"])["audit_events"] == {"A": 212, "B": 209}[variant]
    assert ("discoveries" in rows(seen["governance.db"])) == (variant == "A")
    assert ("tool_usage" in rows(seen["governance.db"])) == (variant == "B")
    kinds = {name: (thing.kind, thing.fate) for name, thing in seen.items()}
    assert kinds["audit_log.jsonl"] == ("audit-log", "moves")
    assert kinds["tool_usage.jsonl"] == ("tool-usage", "moves")
    assert kinds["knowledge_graph.json"] == ("knowledge-graph", "moves")
    assert kinds["dialectic_sessions/0000000000000001.json"] == ("dialectic-session", "moves")
    assert kinds["knowledge.db"] == ("empty", "retired")
    assert kinds["governance_new.db-wal"] == kinds["knowledge.db-shm"] == ("orphan", "retired")
    assert kinds["knowledge.db-shm.__migrated__"] == ("migrated", "retired")
    assert kinds["agents/"] == kinds["activity/"] == ("deprecated", "retired")


def test_a_name_is_not_believed(tmp_path):
    """A database called .json, a log called .db, and a knowledge.db under governance's name."""
    write(tmp_path / "notes.json", "B", 20)
    audit_log(tmp_path / "knowledge.db", 20)
    write(tmp_path / "governance.db", "K", 20)
    seen = {name: thing.kind for name, thing in things(tmp_path).items()}

    assert seen["notes.json"] == "governance.db B"
    assert seen["knowledge.db"] == "audit-log"
    assert seen["governance.db"] == "knowledge.db"


def test_what_is_not_understood_is_said(tmp_path):
    """Tables, columns, lines, logs that hold rows, damage."""
    with closing(sqlite3.connect(write(tmp_path / "a.db", "A", 20))) as db:
        db.execute("CREATE TABLE mine (x)")
        db.execute("ALTER TABLE agent_state ADD COLUMN mood TEXT")
        db.execute("ALTER TABLE dialectic_sessions DROP COLUMN phase")
    audit_log(tmp_path / "log", 20, broken=True)
    (tmp_path / "lost.db-wal").write_bytes(bytes(4096))
    (tmp_path / "spoilt.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (tmp_path / "link").symlink_to("a.db")
    (tmp_path / "what.bin").write_bytes(b"\xff\x00")
    said = {name: "; ".join(thing.not_understood) for name, thing in things(tmp_path).items()}

    assert "table 'mine': is not known" in said["a.db"]
    assert "column 'mood' has no place" in said["a.db"]
    assert "table 'dialectic_sessions': lacks phase" in said["a.db"]
    assert "line 21: is no JSON object" in said["log"]
    assert "3 more lines" in said["log"]
    assert "holds rows" in said["lost.db-wal"]
    assert all(said[name] for name in ("spoilt.db", "link", "what.bin"))


def test_a_name_that_is_no_text_is_not_understood(tmp_path):
    """Neither a file's nor a folder's; a link to one and a database inside are told, too."""
    (tmp_path / "agents").mkdir()
    (tmp_path / os.fsdecode(b"f\xfflder")).mkdir()
    for name in (b"log\xff.jsonl", b"f\xfflder/log", b"agents/\xff.db"):
        audit_log(tmp_path / os.fsdecode(name), 1)
    write(tmp_path / "agents" / os.fsdecode(b"a\xff.db"), "B", 20)
    (tmp_path / "link").symlink_to(os.fsdecode(b"\xff"))
    seen = inspect(tmp_path)

    assert {thing.path: thing.not_understood for thing in seen.things} == {
        "agents/": ["a\\xff.db: is a database"],
        "f\\xfflder/log": ["its name is not UTF-8"],
        "link": ["is a link to \\xff"],
        "log\\xff.jsonl": ["its name is not UTF-8"],
    }
    assert {thing.fate for thing in seen.things} == {"unknown"}
    assert json.loads(seen.model_dump_json())["things"]
    with pytest.raises(Refused, match="not UTF-8"):
        inspect(tmp_path / os.fsdecode(b"f\xfflder"))


def test_a_database_that_is_being_written_is_read_beside_its_writer(tmp_path, state):
    """What is committed is counted, also in the log; what is not is not; no file is touched."""
    path = write(tmp_path / "governance.db", "A", 50)
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        before = state(tmp_path)
        seen = things(tmp_path)
        after = state(tmp_path)
        writer.stdin.close()
        assert writer.wait() == 0

    assert rows(seen["governance.db"])["schema_version"] == 2
    assert seen["governance.db-wal"].kind == seen["governance.db-shm"].kind == "beside"
    assert after == before
    assert rows(things(tmp_path)["governance.db"])["schema_version"] == 3


@pytest.mark.parametrize("index", [True, False])
def test_a_log_left_by_a_crash_is_read_and_left(tmp_path, state, index):
    """With its index or without, its rows count and both stay as they are."""
    path = write(tmp_path / "live.db", "A", 20)
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO schema_version VALUES ('in the log', 1)")
        for end in ("", "-wal", *(["-shm"] if index else [])):
            shutil.copy(f"{path}{end}", tmp_path / f"data/old.db{end}")
    before = state(tmp_path / "data")

    assert rows(things(tmp_path / "data")["old.db"])["schema_version"] == 2
    assert state(tmp_path / "data") == before


def test_a_clean_database_in_wal_mode_gets_no_file_beside_it(tmp_path, state):
    """Opening it any other way would make two."""
    path = write(tmp_path / "old.db", "A", 20)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    before = state(tmp_path)

    assert before.keys() == {"old.db"}
    assert rows(things(tmp_path)["old.db"])["agent_metadata"] == 2
    assert state(tmp_path) == before


def test_the_command_says_it_and_its_exit_code(tmp_path, monkeypatch, capsys):
    """0 when all is understood, 4 when not, 2 for what is no directory."""
    audit_log(tmp_path / "log", 20)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["abode", "legacy", "inspect", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            sys.exit(cli.main())
        return left.value.code or 0, capsys.readouterr().out

    assert run(tmp_path)[0] == 0
    code, said = run(tmp_path, "--json")
    told = json.loads(said)
    assert code == 0
    assert told["contract"] == 1
    assert told["things"][0]["parts"][0]["rows"] == 20
    (tmp_path / "odd").write_text("odd")
    code, said = run(tmp_path)
    assert code == 4
    assert "not understood: odd" in said
    assert run(tmp_path / "none")[0] == 2
    with pytest.raises(Refused):
        inspect(tmp_path / "none")


@pytest.mark.skipif(REAL is None, reason="the real files are not here")
def test_the_real_files_are_known():
    """93 discoveries, 2,000 calls, 28 disputes; the windows are ours, and no old store."""
    seen = things(REAL)

    assert rows(seen["knowledge_graph.json"]) == {"nodes": 93}
    assert rows(seen["tool_usage.jsonl"]) == {"lines": 2000}
    assert sum(thing.kind == "dialectic-session" for thing in seen.values()) == 28
    assert [name for name, thing in seen.items() if thing.not_understood] == [
        "lumen_eisv_windows.csv"
    ]
