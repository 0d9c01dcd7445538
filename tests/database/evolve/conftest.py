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
from apps.migrate.catalog import build
from apps.migrate.catalog.server import is_held
from apps.migrate.check import check
from apps.migrate.evolve import write
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


def first(folder):
    """A line with its first migration only."""
    folder.mkdir()
    folder.with_name(f"{folder.name}.evolutions").mkdir()
    parts = [PART.format(m.replace("-", "_"), m, n) for m, n in pairwise(MONTHS)]
    (folder / "0001.create-loops.sql").write_text(MADE.format(months="\n".join(parts)))
    back = "-- lossy: all\nDROP SCHEMA soulfra CASCADE;"
    (folder / "0001.create-loops.rollback.sql").write_text(back)
    return Line("tiny", "postgres", folder)


@pytest.fixture
def tiny(tmp_path):
    """The line."""
    return first(tmp_path / "tiny")


@pytest.fixture
def evolution(tiny):
    """Declare one, and write its migrations."""

    def declare(name, text):
        (tiny.folder.with_name("tiny.evolutions") / f"{name}.toml").write_text(text)
        write.write(tiny, name)
        return name

    return declare


class Server:
    """Databases of one owner, who is nobody special, and the app that is let in."""

    def __init__(self, admin_dsn):
        self.url, self.owner = (
            conninfo.conninfo_to_dict(admin_dsn),
            f"soulfra_evolve_{uuid4().hex[:6]}",
        )
        self.app = f"{self.owner}_app"
        self.admin = psycopg.connect(admin_dsn, autocommit=True)

    def dsn(self, role, database):
        """A URL for a role, or for the server's admin."""
        who = f"{role}:{role}" if role else "postgres"
        return f"postgresql://{who}@{self.url['host']}:{self.url['port']}/{database}"

    def place(self, name, template="template1"):
        """Make a database."""
        make = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        self.admin.execute(make.format(*map(sql.Identifier, (name, self.owner, template))))
        ways = [self.dsn(role, name) for role in (self.owner, self.app, None)]
        return Place(*ways, self.dsn(self.owner, f"{name}_scratch"))

    def drop(self, name):
        """Drop it, and what is beside it."""
        for each in (name, f"{name}_scratch"):
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            self.admin.execute(drop.format(sql.Identifier(each)))


@pytest.fixture(scope="session")
def server(admin_dsn):
    """The scratch server, with two roles more."""
    of = Server(admin_dsn)
    for role in (of.owner, of.app):
        make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        of.admin.execute(make.format(sql.Identifier(role), sql.Literal(role)))
    yield of
    for role in (of.app, of.owner):
        of.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    of.admin.close()


@pytest.fixture(scope="session")
def template(server, tmp_path_factory):
    """The first migration applied, rows in every table, and the app let in."""
    name = f"{server.owner}_template"
    place = server.place(name)
    runner.apply(first(tmp_path_factory.mktemp("line") / "tiny"), place.owner)
    with psycopg.connect(place.owner, autocommit=True) as db:
        filled(db, 3000)
        for what in ("USAGE ON", "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN"):
            db.execute(f"GRANT {what} SCHEMA soulfra TO {server.app}")
    yield name
    server.drop(name)


@pytest.fixture
def place(server):
    """An empty database; gone after the test, with the scratch one beside it."""
    name = f"{server.owner}_{uuid4().hex[:8]}"
    yield server.place(name)
    server.drop(name)


@pytest.fixture
def made(server, template):
    """A copy of the one with rows."""
    name = f"{server.owner}_{uuid4().hex[:8]}"
    yield server.place(name, template)
    server.drop(name)


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
def drift(tiny, server):
    """How a database differs from its line, by what the runner says."""

    def differs(place):
        beside(server, place)
        actual = build.live(tiny, place.owner)
        held = {name: said for name, said in actual.items() if is_held(name)}
        found = check(tiny, place.owner, scratch=place.scratch, declared=held)
        return [str(each) for each in found if not each.object.endswith(server.app)]

    return differs


def beside(server, place):
    """Have the scratch database there."""
    name = conninfo.conninfo_to_dict(place.scratch)["dbname"]
    there = "SELECT count(*) FROM pg_database WHERE datname = %s"
    if server.admin.execute(there, [name]).fetchone() == (0,):
        server.place(name)


def built(server, line, place):
    """What the files make, in the scratch database beside a place."""
    beside(server, place)
    return build.in_scratch(line, place.scratch)


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


def beside_ledger(catalog):
    """A catalog without what we keep of ourselves, and without the scratch database."""
    ours = (" ledger.", "database scratch")
    return {name: said for name, said in catalog.items() if not any(each in name for each in ours)}
