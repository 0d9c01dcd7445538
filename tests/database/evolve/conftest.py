"""A line of the test's own: loops in months, agents in parts by hash, and one plain table."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo, sql

from apps.migrate import runner
from apps.migrate.catalog import build, server
from apps.migrate.check import against
from apps.migrate.evolve import write
from apps.migrate.evolve.between import explained, unfinished
from apps.migrate.lines import Line

ROOT = Path(__file__).parents[3]
MONTHS = ("2026-10", "2026-11", "2026-12", "2027-01")
MADE = """-- ensure: SELECT true
CREATE SCHEMA soulfra;
CREATE TABLE soulfra.loops (
    loop_id text NOT NULL, whisper text, emotional_tone text NOT NULL DEFAULT 'calm',
    created_at timestamptz NOT NULL, PRIMARY KEY (loop_id, created_at)
) PARTITION BY RANGE (created_at);
{months}
CREATE TABLE soulfra.agents (agent_id text PRIMARY KEY, tone text NOT NULL)
    PARTITION BY HASH (agent_id);
CREATE TABLE soulfra.agents_0 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE soulfra.agents_1 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE soulfra.guilds (id bigint PRIMARY KEY, name text NOT NULL, house text);
"""
PART = (
    "CREATE TABLE soulfra.loops_{0} PARTITION OF soulfra.loops"
    " FOR VALUES FROM ('{1}-01 00:00:00+00') TO ('{2}-01 00:00:00+00');"
)
GUIDE = """
says = "A loop knows its mythology."
table = "soulfra.loops"
migration = "0002.add-loops-mythology"
grace_hours = 0

[column]
name = "mythology_id"
type = "varchar(100)"
default = "'unwritten'"
required = true
check = "length(mythology_id) > 0"

[fill]
value = "'myth-' || loop_id"

[[index]]
name = "idx_loops_mythology"
columns = ["mythology_id"]
"""
RENAME = """
says = "A guild has a banner, which was called its house."
table = "soulfra.guilds"
migration = "0003.add-guilds-banner"
grace_hours = 0

[column]
name = "banner"
type = "text"
required = true

[fill]
value = "upper(coalesce(house, name))"

[[index]]
name = "guilds_banner_id"
columns = ["banner", "id"]
unique = true

[replaces]
column = "house"
definition = "text"
back = "lower(banner)"
drop = "0004.drop-guilds-house"
"""


class Place(NamedTuple):
    """A database: its owner, an app that may read and write, and the server's admin in it."""

    owner: str
    app: str
    admin: str
    scratch: str


@pytest.fixture
def tiny(tmp_path):
    """The line, with its first migration only."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    parts = [PART.format(m.replace("-", "_"), m, n) for m, n in pairwise(MONTHS)]
    (folder / "0001.create-loops.sql").write_text(MADE.format(months="\n".join(parts)))
    (folder / "0001.create-loops.rollback.sql").write_text(
        "-- lossy: all\nDROP SCHEMA soulfra CASCADE;"
    )
    (tmp_path / "tiny.evolutions").mkdir()
    return Line("tiny", "postgres", folder)


@pytest.fixture
def evolution(tiny):
    """Declare one, and write its migrations."""

    def declare(name, text):
        (tiny.folder.with_name("tiny.evolutions") / f"{name}.toml").write_text(text)
        write.write(tiny, name)
        return name

    return declare


@pytest.fixture
def place(admin_dsn):
    """An empty database and the scratch one beside it; gone after the test."""
    name = f"governance_evolve_{uuid4().hex[:10]}"
    roles = (name, f"{name}_app")
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for role in roles:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(role)))
        admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))

        def dsn(role, database=name):
            url = conninfo.conninfo_to_dict(admin_dsn)
            who = f"{role}:x" if role else "postgres"
            return f"postgresql://{who}@{url['host']}:{url['port']}/{database}"

        yield Place(dsn(name), dsn(roles[1]), dsn(None), dsn(name, f"{name}_scratch"))
        for each in (name, f"{name}_scratch"):
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(each)))
        for role in roles:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def made(tiny, place):
    """The first migration applied, rows in every table, and the app let in."""
    runner.apply(tiny, place.owner)
    with psycopg.connect(place.owner, autocommit=True) as db:
        filled(db, 3000)
        app = sql.Identifier(conninfo.conninfo_to_dict(place.app)["user"])
        db.execute(sql.SQL("GRANT USAGE ON SCHEMA soulfra TO {}").format(app))
        db.execute(
            sql.SQL(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA soulfra TO {}"
            ).format(app)
        )
    return place


def filled(db, rows):
    """So many loops over the months, and some of the others."""
    db.execute(
        "INSERT INTO soulfra.loops (loop_id, whisper, created_at)"
        " SELECT 'l' || n, 'w' || n, timestamptz '2026-10-01 00:00+00' + n %% 92 * interval '1 day'"
        "   FROM generate_series(1, %s) AS n",
        [rows],
    )
    db.execute(
        "INSERT INTO soulfra.agents SELECT 'a' || n, 'calm' FROM generate_series(1, %s) AS n",
        [rows // 3],
    )
    db.execute(
        "INSERT INTO soulfra.guilds SELECT n, 'g' || n, CASE WHEN n %% 3 > 0 THEN 'h' || n END"
        "   FROM generate_series(1, %s) AS n",
        [rows // 3],
    )


@pytest.fixture
def scratch(place):
    """The scratch database beside it."""
    name = conninfo.conninfo_to_dict(place.owner)["dbname"]
    with psycopg.connect(place.admin, autocommit=True) as admin:
        make = sql.SQL("CREATE DATABASE {} OWNER {}")
        admin.execute(make.format(sql.Identifier(f"{name}_scratch"), sql.Identifier(name)))


@pytest.fixture
def drift(tiny, scratch):
    """How a database differs from its line, by what the runner says."""

    def differs(place):
        actual = build.live(tiny, place.owner)
        held = {name: said for name, said in actual.items() if server.is_held(name)}
        wanted = build.in_scratch(tiny, place.scratch, unfinished(tiny, place.owner))
        app = conninfo.conninfo_to_dict(place.app)["user"]
        found = explained(unfinished(tiny, place.owner), against(wanted, actual, held))
        return [str(each) for each in found if not each.object.endswith(app)]

    return differs


@pytest.fixture
def start(tiny):
    """Start an evolver in a process of its own."""
    script = Path(__file__).with_name("evolver.py")
    started = []

    def _start(place, *words):
        process = subprocess.Popen(
            [sys.executable, script, tiny.folder, *words],
            cwd=ROOT,
            env={"DATABASE": place.owner, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def asked(dsn, query, *values):
    """All rows of a query."""
    with psycopg.connect(dsn) as db:
        return db.execute(query, values or None).fetchall()
