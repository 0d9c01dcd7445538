"""After a backfill the house holds what the old stores held; one byte that differs is named.

ABODE_LEGACY_PLANTS of the columns of each variant; `make soak-legacy` plants in all of them.
"""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import psycopg
import pytest

from apps.legacy.backfill import backfill
from apps.legacy.inspect import inspect
from apps.legacy.verify.house import SQL
from apps.legacy.verify.verify import compared
from schemas.errors import Refused
from tests.database.legacy.conftest import CLEAN
from tests.database.legacy.planted import changes, places, plant
from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

PLANTS = int(os.environ.get("ABODE_LEGACY_PLANTS", "3"))
SEED = os.environ.get("ABODE_LEGACY_SEED", "plant")


class Brought:
    """A house, and a directory that was brought to it; what a test changes there is undone."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder

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
    yield Brought(shared_database, folder)
    with psycopg.connect(shared_database.admin) as db:
        db.execute(CLEAN)


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
    missed = []
    for target, column in dice.sample(every, min(PLANTS, len(every))):
        said, key = brought.verify(lambda db, t=target, c=column: plant(db, t, c, dice))
        keys = {*target.key, target.named}
        if key and not any(
            each.table == target.table
            and (each.column == column or (each.what in {"missing", "extra"} and column in keys))
            for each in said.differences
        ):
            missed.append((target.table, column, key, told(said)))

    assert not missed


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
        if made and not any(change.file == each.file for each in said.differences):
            missed.append((change, made, told(said)))

    assert not missed


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ("DELETE FROM audit.events WHERE ctid = (SELECT min(ctid) FROM audit.events)", "missing"),
        ("INSERT INTO audit.events SELECT gen_random_uuid(), recorded_at, agent_id, event_type,"
         " payload FROM audit.events WHERE payload ? 'beside' LIMIT 1", "twice"),
        ("INSERT INTO audit.events SELECT gen_random_uuid(), recorded_at + interval '1 day',"
         " agent_id, event_type, payload FROM audit.events WHERE payload ? 'beside' LIMIT 1",
         "extra"),
        ("INSERT INTO legacy.rejected (file, part, old_key, reason) SELECT file, part, 'nobody',"
         " 'r' FROM legacy.rejected LIMIT 1", "not there"),
        ("DELETE FROM legacy.rejected WHERE ctid = (SELECT max(ctid) FROM legacy.rejected)",
         "no row|missing"),
        ("UPDATE core.sessions SET identity_id = 10000000", "broken"),
        ('DELETE FROM governance_graph."DISCOVERED" WHERE ctid ='
         ' (SELECT min(ctid) FROM governance_graph."DISCOVERED")', "missing"),
        ('INSERT INTO governance_graph."DISCOVERED" (start_id, end_id) SELECT start_id, end_id'
         ' FROM governance_graph."DISCOVERED" LIMIT 1', "twice"),
        ('UPDATE governance_graph."Discovery" SET properties = replace(format(\'%%s\', properties),'
         " '\"type\": \"', '\"type\": \"x')::ag_catalog.agtype", "changed"),
        ('UPDATE governance_graph."DISCOVERED" AS e SET start_id = (SELECT v.id FROM'
         ' governance_graph."Agent" AS v WHERE v.id OPERATOR(ag_catalog.<>) e.start_id LIMIT 1)',
         "missing"),
        ('UPDATE governance_graph."Agent" SET properties = replace(format(\'%%s\', properties),'
         " 'T', 'T0')::ag_catalog.agtype", "changed"),
    ],
)  # fmt: skip
def test_what_is_too_much_or_too_little_is_named(brought, spoil, found):
    """A row that is gone, comes twice or came from nowhere; a key, a number, an edge."""
    said, _ = brought.verify(spoil)

    assert not said.is_equal
    assert {each.what for each in said.differences} & set(found.split("|")), told(said)


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


def test_what_was_never_brought_is_refused(brought, tmp_path):
    """As is what is not brought to its end."""
    with pytest.raises(Refused, match="was never brought over"):
        brought.verify("DELETE FROM legacy.runs")
    with pytest.raises(Refused, match="not brought over to its end"):
        brought.verify("UPDATE legacy.runs SET finished_at = NULL")


def test_the_houses_own_rows_are_not_the_old_stores(brought):
    """They are counted apart, and no difference; what an agent says since is its own word."""
    said, _ = brought.verify("INSERT INTO core.identities (agent_id) VALUES ('new here')")
    own = {one.table: one.own for one in said.tables}

    assert said.is_equal
    assert own["core.identities"] == 1


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
