"""A migrated database per test, copied from one template; the app's own role looks at it."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

LINE = Path(__file__).parents[3] / "migrations" / "governance"
ROLES = ("governance_owner", "governance")
LEDGER = """
CREATE SCHEMA ledger;
CREATE TABLE ledger._yoyo_migration (
    migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), applied_at_utc timestamp);
"""


# LOCAL: until the lead's tests/database/conftest.py gives the session fixture ``admin_dsn``.
@pytest.fixture(scope="session")
def admin_dsn() -> str:
    """A superuser's DSN of a scratch server."""
    return os.environ.get(
        "TEST_ADMIN_DSN", "postgresql://tester:tester@127.0.0.1:15432/postgres"
    )


class Database(NamedTuple):
    """One database and the three ways in."""

    name: str
    admin: str
    owner: str
    app: str


def dsn(admin: str, name: str, role: str | None = None) -> str:
    """The admin's DSN for another database, acting as a role from the first statement on."""
    query = f"options=-crole%3D{role}" if role else ""
    return urlunsplit(urlsplit(admin)._replace(path=f"/{name}", query=query))


def files(rollback: bool = False) -> list[Path]:
    """The line's numbered files in the order they run."""
    found = sorted(LINE.glob("[0-9]*.sql"), reverse=rollback)
    return [path for path in found if path.name.endswith(".rollback.sql") == rollback]


def apply(owner: str) -> None:
    """Every migration, then the grants, as the owner."""
    with psycopg.connect(owner) as conn:
        for path in files():
            conn.execute(path.read_text())
            conn.execute(
                "INSERT INTO ledger._yoyo_migration VALUES (%s, %s, now() AT TIME ZONE 'UTC')",
                (path.stem, path.stem),
            )
        conn.execute((LINE / "post-apply.grants.sql").read_text())


@pytest.fixture(scope="session")
def template(admin_dsn: str) -> Iterator[Database]:
    """The migrated template."""
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with psycopg.connect(admin_dsn, autocommit=True) as conn:
        for role in ROLES:
            try:
                conn.execute(f"CREATE ROLE {role}")
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                pass  # another run made it
        conn.execute(f"CREATE DATABASE {name} OWNER governance_owner TEMPLATE template0")
        made = Database(
            name, dsn(admin_dsn, name), dsn(admin_dsn, name, ROLES[0]), dsn(admin_dsn, name, ROLES[1])
        )
        with psycopg.connect(made.owner) as owner:
            owner.execute(LEDGER)
        apply(made.owner)
        yield made
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def governance_database(admin_dsn: str, template: Database) -> Iterator[Database]:
    """A copy of the template, for one test."""
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with psycopg.connect(admin_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} OWNER governance_owner TEMPLATE {template.name}")
        yield Database(
            name, dsn(admin_dsn, name), dsn(admin_dsn, name, ROLES[0]), dsn(admin_dsn, name, ROLES[1])
        )
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
