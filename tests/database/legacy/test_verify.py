"""After a backfill the house holds what the old stores held; one byte that differs is named.

ABODE_LEGACY_PLANTS of the columns of each variant; `make soak-legacy` plants in all of them.
"""

import os
import random
import shutil
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path

import psycopg
import pytest

from apps.legacy.backfill import backfill
from apps.legacy.inspect import inspect
from apps.legacy.verify.house import SQL
from apps.legacy.verify.report import Verified
from apps.legacy.verify.verify import compared
from apps.ops import legacy_verify
from schemas.errors import Refused
from tests.database.legacy.conftest import CLEAN
from tests.database.legacy.planted import IDLE, changes, places, plant
from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

ROOT = Path(__file__).resolve().parents[3]
PLANTS = int(os.environ.get("ABODE_LEGACY_PLANTS", "2"))
SEED = os.environ.get("ABODE_LEGACY_SEED", "plant")


class Brought:
    """A house, and a directory that was brought to it; what a test changes there is undone."""

    def __init__(self, database, folder, variant):
        self.database = database
        self.folder = folder
        self.variant = variant

    def rejected(self, file):
        """Part and key of what was not taken of a file: its values are not compared."""
        with psycopg.connect(self.database.admin) as db:
            told = "SELECT part, old_key FROM legacy.rejected WHERE file = %s"
            return set(db.execute(told, (str(self.folder / file),)).fetchall())

    def verify(self, spoil=None, *values, folder=None):
        """As the command does, once ``spoil`` has changed something; gives both their words."""
        with psycopg.connect(self.database.admin, options="-c timezone=UTC") as db:
            db.execute(SQL["functions"])
            db.execute("SET session_replication_role = replica")
            made = spoil(db) if callable(spoil) else db.execute(spoil, values) if spoil else None
            if folder:
                db.execute("UPDATE legacy.runs SET directory = %s", (str(folder),))
                db.execute("UPDATE legacy.rejected SET file = replace(file, %s, %s)",
                           (str(self.folder), str(folder)))  # fmt: skip
            said = compared(db, inspect(folder or self.folder, quick=True))
            db.rollback()
        return said, made


@pytest.fixture(scope="module", params=["A", "B"])
def brought(request, shared_database, tmp_path_factory):
    """Nasty data of one variant, brought over once."""
    folder = make(tmp_path_factory.mktemp("old") / "data", request.param, 120)
    backfill(shared_database.owner, folder, ZONE, lambda *_: lambda _: None)
    yield Brought(shared_database, folder, request.param)
    with psycopg.connect(shared_database.admin) as db:
        db.execute(CLEAN)


ONE = pytest.mark.parametrize("brought", ["A"], indirect=True)
"""What is the same for both variants is looked at in one."""


def told(said):
    """What differs, in short."""
    return [(each.what, each.table, each.column) for each in said.differences]


def test_nasty_data_verifies(brought):
    """Every row is there, rejected or told by another; the graph's hash is that of its rows."""
    said, _ = brought.verify()

    assert said.differences == []
    assert said.is_equal
    assert all(one.old_sha256 == one.new_sha256 for one in (*said.tables, *said.graph))
    assert said.old_graph_sha256 == said.new_graph_sha256
    assert sum(one.rejected for one in said.sources) > 100
    assert all(one.own == one.spoken == 0 <= one.repeated for one in said.tables)
    assert len(said.checks) > 20


def test_a_byte_anywhere_in_the_house_is_found_and_named(brought):
    """In each column of each table."""
    dice = random.Random(SEED)
    every = sorted(places(), key=lambda place: (place[0].table, place[1]))
    missed, idle = [], set()
    for target, column in dice.sample(every, min(PLANTS, len(every))):
        said, key = brought.verify(lambda db, t=target, c=column: plant(db, t, c, dice))
        keys = {*target.key, target.named}
        idle |= set() if key else {(target.table, column)}
        if key and not any(
            each.table == target.table
            and (each.column == column or (each.what in {"missing", "extra"} and column in keys))
            for each in said.differences
        ):
            missed.append((target.table, column, key, told(said)))

    assert not missed
    assert brought.variant == "B" or idle <= IDLE


def test_a_byte_anywhere_in_an_old_file_is_found_and_named(brought, tmp_path):
    """In each column of each table, and in lines and documents; not in what is never copied."""
    dice = random.Random(SEED)
    every = changes(brought.folder)
    missed = []
    for number, change in enumerate(dice.sample(every, min(PLANTS, len(every)))):
        folder = tmp_path / str(number)
        shutil.copytree(brought.folder, folder)
        made = change.make(folder, change, dice, brought.rejected(change.file))
        said, _ = brought.verify(folder=folder)
        # What a link or a tag says is a word of its discovery, which another file may tell of.
        is_word = change.part in {"discovery_edges", "discovery_tags"}
        if made and not any(is_word or change.file == each.file for each in said.differences):
            missed.append((change, made, told(said)))

    assert not missed


SPOILT = {
    "missing": "DELETE FROM audit.events WHERE ctid = (SELECT min(ctid) FROM audit.events)",
    "twice": """
        INSERT INTO audit.events
        SELECT gen_random_uuid(), recorded_at, agent_id, event_type, payload
          FROM audit.events WHERE payload ? 'beside' LIMIT 1""",
    "extra": """
        INSERT INTO audit.events
        SELECT gen_random_uuid(), recorded_at + interval '1 day', agent_id, event_type, payload
          FROM audit.events WHERE payload ? 'beside' LIMIT 1""",
    "not there": """
        INSERT INTO legacy.rejected (file, part, old_key, reason)
        SELECT file, part, 'nobody', 'r' FROM legacy.rejected LIMIT 1""",
    "missing or no row": """
        DELETE FROM legacy.rejected WHERE ctid = (SELECT max(ctid) FROM legacy.rejected)""",
    "broken": "UPDATE core.sessions SET identity_id = 10000000",
    "missing edge": """
        DELETE FROM governance_graph."DISCOVERED"
         WHERE ctid = (SELECT min(ctid) FROM governance_graph."DISCOVERED")""",
    "twice edge": """
        INSERT INTO governance_graph."DISCOVERED" (start_id, end_id)
        SELECT start_id, end_id FROM governance_graph."DISCOVERED" LIMIT 1""",
    "changed vertex": """
        UPDATE governance_graph."Discovery"
           SET properties = replace(format('%%s', properties), '"type": "', '"type": "x'
               )::ag_catalog.agtype""",
    "missing ends": """
        UPDATE governance_graph."DISCOVERED" AS e
           SET start_id = (SELECT v.id FROM governance_graph."Agent" AS v
                            WHERE v.id OPERATOR(ag_catalog.<>) e.start_id LIMIT 1)""",
    "changed agent": """
        UPDATE governance_graph."Agent"
           SET properties = replace(format('%%s', properties), 'T', 'T0')::ag_catalog.agtype""",
}
"""What is told, and how it is brought about."""


@ONE
@pytest.mark.parametrize("found", SPOILT)
def test_what_is_too_much_or_too_little_is_named(brought, found):
    """A row that is gone, comes twice or came from nowhere; a key, a vertex, an edge."""
    said, _ = brought.verify(SPOILT[found])

    assert not said.is_equal
    assert any(found.startswith(each.what) for each in said.differences), told(said)


@ONE
def test_a_number_that_would_come_twice_is_named(brought):
    """A sequence is behind its column; no transaction takes it back."""
    place = "pg_get_serial_sequence('core.identities', 'identity_id')"
    with psycopg.connect(brought.database.admin, autocommit=True) as db:
        (last,) = db.execute(f"SELECT nextval({place})").fetchone()
        db.execute(f"SELECT setval({place}, 1)")
        try:
            said, _ = brought.verify()
        finally:
            db.execute(f"SELECT setval({place}, {last})")

    assert told(said) == [("broken", "sequence", "")]


@ONE
def test_what_was_never_brought_is_refused(brought, tmp_path):
    """As is what is not brought to its end."""
    with pytest.raises(Refused, match="was never brought over"):
        brought.verify("DELETE FROM legacy.runs")
    with pytest.raises(Refused, match="not brought over to its end"):
        brought.verify("UPDATE legacy.runs SET finished_at = NULL")


@ONE
def test_the_houses_own_rows_are_not_the_old_stores(brought):
    """They are counted apart, and no difference; what an agent says since is its own word."""
    said, _ = brought.verify("INSERT INTO core.identities (agent_id) VALUES ('new here')")
    own = {one.table: one.own for one in said.tables}

    assert said.is_equal
    assert own["core.identities"] == 1


@ONE
def test_what_an_agent_says_since_is_its_own_word(brought):
    """Once it has checked in here; before that it is a difference."""
    renamed = "UPDATE core.identities SET label = 'Another' WHERE identity_id = %s"

    def spoken(db):
        ((first,),) = db.execute("SELECT min(identity_id) FROM core.identities").fetchall()
        db.execute(renamed, (first,))
        needed = db.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'core.agent_state'::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attnotnull AND attidentity = ''"
        ).fetchall()
        values = {
            "identity_id": first, "boot_id": "b", "body_sha256": bytes(32), "late": False,
            "recorded_at": "now", "received_at": "now", "regime": "STABLE", "health": "healthy",
            "action": "proceed", "margin": "comfortable", "nearest_edge": "risk", "reason": "r",
            "state_json": "{}",
        }  # fmt: skip
        row = {name: values.get(name, 0.5) for (name,) in needed}
        marks = ", ".join("%s" for _ in row)
        db.execute(f"INSERT INTO core.agent_state ({', '.join(row)}) VALUES ({marks})",
                   list(row.values()))  # fmt: skip

    said, _ = brought.verify(spoken)
    before, _ = brought.verify(renamed.replace("%s", "(SELECT min(identity_id)"
                                               " FROM core.identities)"))  # fmt: skip

    assert said.is_equal
    assert [one.spoken for one in said.tables if one.table == "core.identities"] == [1]
    assert told(before) == [("changed", "core.identities", "label")]


@ONE
def test_a_row_that_came_to_the_old_store_since_is_missing(brought, tmp_path):
    """The old server still writes."""
    folder = tmp_path / "data"
    shutil.copytree(brought.folder, folder)
    with closing(sqlite3.connect(folder / "governance.db")) as db, db:
        db.execute("UPDATE agent_metadata SET created_at = '2025-01-01T00:00:00', status = 'paused'"
                   " WHERE agent_id = (SELECT min(agent_id) FROM agent_metadata"
                   " WHERE status = 'active')")  # fmt: skip
    said, _ = brought.verify(folder=folder)

    assert set(told(said)) >= {
        ("changed", "core.identities", "created_at"),
        ("changed", "core.identities", "status"),
    }


def test_the_command_says_it_and_its_exit_code_does(brought, monkeypatch, capsys):
    """As a table and as one closed object; no key of an old store is in it."""
    monkeypatch.setattr(legacy_verify, "in_force", lambda root: (None, root))
    monkeypatch.setattr(legacy_verify, "reached", lambda *_: nullcontext(brought.database.owner))
    assert legacy_verify.verify(ROOT, brought.folder, as_json=False) == 0
    assert "as its rows" in capsys.readouterr().out

    with psycopg.connect(brought.database.admin) as db:
        db.execute("UPDATE core.sessions SET created_at = created_at + interval '1 microsecond'")
    try:
        code = legacy_verify.verify(ROOT, brought.folder, as_json=True)
        said = capsys.readouterr().out
        plain = legacy_verify.verify(ROOT, brought.folder, as_json=False)
        shown = capsys.readouterr().out
    finally:
        with psycopg.connect(brought.database.admin) as db:
            db.execute("UPDATE core.sessions SET created_at = created_at"
                       " - interval '1 microsecond'")  # fmt: skip

    assert code == plain == 4
    told = Verified.model_validate_json(said)
    assert told.contract == 1
    assert {(each.table, each.column) for each in told.differences} == {
        ("core.sessions", "created_at")
    }
    assert told.batches[0].old_sha256 != told.batches[0].new_sha256
    assert "changed: core.sessions.created_at" in shown
    with closing(sqlite3.connect(brought.folder / "governance.db")) as db:
        key = "session_key" if brought.variant == "A" else "session_id"
        for table, column in (("agent_metadata", "api_key"), ("session_identities", key)):
            for (secret,) in db.execute(f"SELECT {column} FROM {table}"):
                assert secret not in said + shown
