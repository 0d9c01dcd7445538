import json
import sqlite3
from contextlib import closing

import psycopg
import pytest

from apps.legacy.backfill import backfill
from tests.legacy.databases import SQL
from tests.legacy.nasty import ZONE

FILES = {"A": ("variant_a", "knowledge"), "B": ("variant_b",), "K": ("knowledge",)}
WHAT_CAME = """
SELECT 'identity', to_jsonb(i) - '{identity_id,parent}'::text[] FROM core.identities AS i
UNION ALL
SELECT 'session', to_jsonb(s) - 'identity_id' || jsonb_build_object('agent', i.agent_id)
  FROM core.sessions AS s JOIN core.identities AS i USING (identity_id)
UNION ALL
SELECT 'state', to_jsonb(s) - 'identity_id' || jsonb_build_object('agent', i.agent_id)
  FROM legacy.agent_state AS s JOIN core.identities AS i USING (identity_id)
UNION ALL
SELECT 'event', to_jsonb(e) FROM audit.events AS e
UNION ALL
SELECT 'usage', to_jsonb(u) FROM audit.tool_usage AS u
UNION ALL
SELECT 'version', to_jsonb(v) - 'replaced_at' FROM core.calibration_versions AS v
UNION ALL
SELECT 'discovery', to_jsonb(d) FROM core.discoveries AS d
UNION ALL
SELECT 'tag', to_jsonb(t) FROM core.discovery_tags AS t
UNION ALL
SELECT 'link', to_jsonb(l) FROM core.discovery_links AS l
UNION ALL
SELECT 'dispute', to_jsonb(s) FROM dialectic.sessions AS s
UNION ALL
SELECT 'message', to_jsonb(m) - 'message_id' FROM dialectic.messages AS m
UNION ALL
SELECT 'rejected', to_jsonb(r) - 'rejected_at' FROM legacy.rejected AS r
UNION ALL
SELECT 'position', to_jsonb(p) - '{finished_at,updated_at,taken}'::text[] FROM legacy.positions AS p
UNION ALL
SELECT 'partition', to_jsonb(c.relname) FROM pg_class AS c
 WHERE c.relispartition AND c.relkind = 'r'
UNION ALL
SELECT 'vertex', to_jsonb(format('%s', v.properties)) FROM governance_graph._ag_label_vertex AS v
 WHERE format('%s', v.properties) NOT LIKE '%"seq"%'
UNION ALL
SELECT 'edges', to_jsonb(e.tableoid::regclass::text || count(*))
  FROM governance_graph._ag_label_edge AS e GROUP BY e.tableoid
"""
"""All that a backfill makes, but for numbers and clocks of its own."""


class House:
    """A migrated database, and what comes into it."""

    def __init__(self, database):
        self.database = database

    def bring(self, directory, zone=ZONE):
        """As the operator's command does it."""
        return backfill(self.database.owner, directory, zone)

    def ask(self, query, *values):
        """Rows, as the superuser sees them."""
        with psycopg.connect(self.database.admin, options="-c timezone=UTC") as db:
            return db.execute(query, values or None).fetchall()

    def one(self, query, *values):
        """The first value."""
        return self.ask(query, *values)[0][0]

    def tell(self, statement):
        """As the house itself would."""
        with psycopg.connect(self.database.admin) as db:
            db.execute(statement)

    def reasons(self, part):
        """Why what was not taken, by key."""
        told = "SELECT old_key, reason FROM legacy.rejected WHERE part = %s"
        return dict(self.ask(told, part))

    def clean(self):
        """As migrated."""
        with psycopg.connect(self.database.admin) as db:
            db.execute(CLEAN)

    def rows(self):
        """All that a backfill makes, as text."""
        told = f"SELECT what || ' ' || row::text FROM ({WHAT_CAME}) AS t (what, row) ORDER BY 1"
        return [row for (row,) in self.ask(told)]

    def checksum(self):
        """Of all that a backfill makes."""
        rows = f'SELECT what || row::text COLLATE "C" AS said FROM ({WHAT_CAME}) AS t (what, row)'
        return self.ask(
            f"SELECT count(*), encode(sha256(convert_to(string_agg(said, E'\\n' ORDER BY said),"
            f" 'UTF8')), 'hex') FROM ({rows}) AS r"
        )[0]


CLEAN = """
DELETE FROM governance_graph._ag_label_edge;
DELETE FROM governance_graph._ag_label_vertex;
DELETE FROM dialectic.sessions;
DELETE FROM core.discoveries;
DELETE FROM core.identities;
DELETE FROM core.calibration_versions;
DELETE FROM audit.events;
DELETE FROM audit.tool_usage;
DELETE FROM legacy.runs;
DELETE FROM legacy.positions;
DELETE FROM legacy.rejected;
DELETE FROM legacy.followed;
DELETE FROM legacy.failures;
DELETE FROM legacy.epochs;
DELETE FROM legacy.readers;
DELETE FROM legacy.differences;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT b.part::text AS part
                 FROM audit.partitions AS p, audit.partition_bounds(p.parent::regclass) AS b
                WHERE NOT b.is_default AND b.upto_at <= date_trunc('month', now())
       UNION ALL
               SELECT format('legacy.%I', c.relname) FROM pg_class AS c
                WHERE c.relnamespace = 'legacy'::regnamespace AND c.relname ~ '_[0-9]{2}$'
    LOOP
        EXECUTE 'DROP TABLE ' || one.part;
    END LOOP;
END
$$;
"""


@pytest.fixture
def house(shared_database):
    """As migrated; what came is gone after the test."""
    one = House(shared_database)
    yield one
    one.clean()


@pytest.fixture
def old(tmp_path):
    """A governance.db with the rows that are given by table."""

    def _old(variant, name="governance.db", **rows):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        with closing(sqlite3.connect(folder / name)) as db, db:
            for file in FILES[variant]:
                db.executescript((SQL / f"{file}.sql").read_text())
            for table, many in rows.items():
                for row in many:
                    marks = ", ".join("?" * len(row))
                    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
                    db.execute(sql, tuple(row.values()))
        return folder

    return _old


@pytest.fixture
def lines(tmp_path):
    """A file of lines, as the old writer wrote them."""

    def _lines(name, *told):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n"
                       for each in told)  # fmt: skip
        (folder / name).write_text(text)
        return folder

    return _lines
