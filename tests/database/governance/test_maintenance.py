"""What is past its time leaves with its archive; nothing else does, whatever happens meanwhile."""

import asyncio
import csv
import gzip
import os
import random
import resource
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from apps.archive import verify
from apps.governance.maintenance import Maintenance
from apps.postgres import PostgresSettings

SEEDS = range(60 if os.environ.get("ABODE_SOAK") else 3)
ALONE = """
SELECT count(*) = 0 FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
"""
CHILD = """
import asyncio, sys
from pathlib import Path
from apps.governance.maintenance import Maintenance
from apps.postgres import PostgresSettings

made = Maintenance(PostgresSettings(url=sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
asyncio.run(made.run())
print(made.trouble, made.archived, flush=True)
"""
OLD_EVENTS = """
INSERT INTO audit.events (event_id, recorded_at, event_type, payload)
SELECT gen_random_uuid(), '2020-01-01+00'::timestamptz + n * interval '2 hours', E'a\\n"b"',
       jsonb_build_object('n', n)
  FROM generate_series(0, 2199) AS n
RETURNING event_id
"""


@contextmanager
def little_room(size: int):
    """A disk that takes no larger file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def owner(governance_database):
    """The owner's connection."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        yield conn


@pytest.fixture
def upkeep(governance_database, tmp_path):
    """Governance's own, with an archive of its own."""
    return Maintenance(PostgresSettings(url=governance_database.app), tmp_path / "archive")


def test_a_full_disk_drops_nothing(upkeep, governance_database, tmp_path):
    """It is said, and done when there is room."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        count = len(conn.execute(OLD_EVENTS).fetchall())
        with little_room(512):
            asyncio.run(upkeep.run())
        waiting = "SELECT count(*) FROM audit.retired WHERE dropped_at IS NULL"
        months = conn.execute(waiting).fetchone()[0]
        assert upkeep.archived == 0
        assert months == 7
        assert upkeep.trouble.endswith("File too large")
        assert list((tmp_path / "archive").iterdir()) == []
        rows = "SELECT sum(reltuples) FROM pg_class WHERE relnamespace = 'retired'::regnamespace"
        conn.execute("ANALYZE")
        assert conn.execute(f"{rows} AND relkind = 'r'").fetchone()[0] == count

        asyncio.run(upkeep.run())
        assert (upkeep.trouble, upkeep.archived) == (None, months)
        assert conn.execute(waiting).fetchone() == (0,)


def test_a_month_that_somebody_reads_waits(upkeep, governance_database):
    """The others go; it goes when the reader ends."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        conn.execute(OLD_EVENTS)
        conn.execute("CALL audit.partition_maintenance()")
        first = conn.execute("SELECT min(part) FROM audit.retired").fetchone()[0]
        with psycopg.connect(governance_database.owner) as reader:
            reader.execute(f"SELECT 1 FROM retired.{first} LIMIT 1")
            asyncio.run(upkeep.run())
            assert (upkeep.trouble, upkeep.archived) == (None, 6)
        asyncio.run(upkeep.run())
        assert upkeep.archived == 7


def test_a_spoilt_archive_keeps_its_month(upkeep, governance_database, tmp_path):
    """It is a person's to decide."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        conn.execute(OLD_EVENTS)
        conn.execute("CALL audit.partition_maintenance()")
        first = conn.execute("SELECT min(part) FROM audit.retired").fetchone()[0]
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / f"{first}.json").write_text("{")
    asyncio.run(upkeep.run())

    assert upkeep.archived == 6
    assert f"{first}.json: is not what it was" in upkeep.trouble


def child(database, folder: Path) -> subprocess.Popen[str]:
    """A process that does the upkeep once."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, database.app, str(folder)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def archived(folder: Path) -> list[uuid.UUID]:
    """Ids in whole archives."""
    found: list[uuid.UUID] = []
    for place in folder.glob("*.json"):
        assert verify(folder, place.stem) is not None
        with gzip.open(folder / f"{place.stem}.csv.gz", "rt", newline="") as file:
            found += [uuid.UUID(row["event_id"]) for row in csv.DictReader(file)]
    return found


def stored(owner) -> list[uuid.UUID]:
    """Ids in the table and in what was cut from it."""
    parts = owner.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'retired'::regnamespace"
        " AND relkind = 'r'"
    ).fetchall()
    tables = ["audit.events", *(part for (part,) in parts)]
    query = " UNION ALL ".join(f"SELECT event_id FROM {table}" for table in tables)
    return [row[0] for row in owner.execute(query)]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_anywhere_no_row_is_lost(governance_database, owner, eventually, tmp_path, seed):
    """kill -9 at seeded moments, counted by a ledger of our own; the last run ends it."""
    ledger = {row[0] for row in owner.execute(OLD_EVENTS)}
    moment = random.Random(seed)
    folder = tmp_path / "archive"
    for _ in range(2):
        with child(governance_database, folder) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(moment.uniform(0, 0.6))
            process.kill()
        # What the server was told last, it still does.
        assert eventually(lambda: owner.execute(ALONE).fetchone()[0], 10, every=0.05)
        assert ledger <= {*stored(owner), *archived(folder)}
    with child(governance_database, folder) as process:
        said = process.communicate(timeout=30)[0].splitlines()[-1]

    assert said.startswith("None ")
    ids = archived(folder)
    assert (len(ids), set(ids)) == (len(ledger), ledger)
    assert stored(owner) == []
    left = owner.execute("SELECT count(*) FROM audit.retired WHERE dropped_at IS NULL")
    assert left.fetchone() == (0,)
    assert not list(folder.glob(".*"))


def test_three_on_one_disk_have_no_trouble(governance_database, owner, tmp_path):
    """What one of them drops while another looks at it is nobody's trouble."""
    ledger = {row[0] for row in owner.execute(OLD_EVENTS)}
    owner.execute("CALL audit.partition_maintenance()")
    processes = [child(governance_database, tmp_path / "archive") for _ in range(3)]
    said = [process.communicate(timeout=30)[0].splitlines()[-1] for process in processes]

    assert all(line.startswith("None ") for line in said), said
    assert set(archived(tmp_path / "archive")) == ledger


def test_two_at_once_do_it_once(governance_database, owner, tmp_path):
    """The app of an old release may still run; each has its own disk, one of them the rows."""
    ledger = {row[0] for row in owner.execute(OLD_EVENTS)}
    folders = [tmp_path / "one", tmp_path / "two"]
    processes = [child(governance_database, folder) for folder in folders]
    for process in processes:
        process.communicate(timeout=30)
    with child(governance_database, folders[0]) as process:
        process.communicate(timeout=30)

    assert ledger <= {*archived(folders[0]), *archived(folders[1])}
    assert stored(owner) == []
