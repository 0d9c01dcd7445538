import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import conninfo, sql

from apps.migrate.lines import Line

ROOT = Path(__file__).parents[3]
FILES = {
    "0001.create-cups.sql": "-- ensure: SELECT public.full_cups() = 0\n"
    "CREATE TABLE public.cups (id integer PRIMARY KEY);\n"
    "CREATE FUNCTION public.full_cups() RETURNS bigint LANGUAGE plpgsql AS $$\n"
    "BEGIN RETURN (SELECT count(*) FROM public.cups); END $$;",
    "0001.create-cups.rollback.sql": "-- lossy: every cup\n"
    "DROP FUNCTION public.full_cups();\nDROP TABLE public.cups;",
    "0002.add-handle.sql": "-- ensure: SELECT count(*) = 1 FROM pg_attribute"
    " WHERE attrelid = 'public.cups'::regclass AND attname = 'handle'\n"
    "ALTER TABLE public.cups ADD COLUMN handle text;",
    "0002.add-handle.rollback.sql": "-- lossy: every handle\n"
    "ALTER TABLE public.cups DROP COLUMN handle;",
}


@pytest.fixture
def tiny(tmp_path):
    """A line of two migrations for Postgres."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return Line("tiny", "postgres", folder)


@pytest.fixture
def database(admin_dsn):
    """An empty database whose owner is nobody special; gone after the test."""
    name, password = f"governance_migrate_{uuid4().hex[:12]}", uuid4().hex
    role = sql.Identifier(name)
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
        )
        admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
        yield conninfo.make_conninfo(admin_dsn, dbname=name, user=name, password=password)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(role))
        admin.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def start():
    """Start an applier in a process of its own."""
    script = ROOT / "tests/unit/migrate/applier.py"
    started = []

    def _start(line, database, *more):
        process = subprocess.Popen(
            [sys.executable, script, line.engine, line.folder, *more],
            cwd=ROOT,
            env={"DATABASE": database, "PYTHONPATH": str(ROOT)},
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
