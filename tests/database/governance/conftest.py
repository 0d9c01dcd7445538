"""A migrated database per test, copied from one template; the app's own role looks at it."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.errors import DuplicateObject, UniqueViolation

from apps.migrate import runner
from apps.migrate.lines import line

OWNER, APP = "governance_owner", "governance"


class Database(NamedTuple):
    """One database and the three ways in."""

    name: str
    admin: str
    owner: str
    app: str


def _dsn(admin: str, name: str, role: str | None = None) -> str:
    """The admin's DSN for another database, acting as a role from the first statement on."""
    query = f"options=-crole%3D{role}" if role else ""
    return urlunsplit(urlsplit(admin)._replace(path=f"/{name}", query=query))


@contextmanager
def _database(admin: str, template: str) -> Iterator[Database]:
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with psycopg.connect(admin, autocommit=True) as conn:
        for role in (OWNER, APP):
            with suppress(DuplicateObject, UniqueViolation):  # another test made it
                conn.execute(f"CREATE ROLE {role}")
        conn.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
        yield Database(name, _dsn(admin, name), _dsn(admin, name, OWNER), _dsn(admin, name, APP))
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def governance_template(admin_dsn: str) -> Iterator[Database]:
    """The template, migrated as a deploy does it."""
    with _database(admin_dsn, "template0") as made:
        runner.apply(line("governance"), made.owner)
        yield made


@pytest.fixture
def governance_database(admin_dsn: str, governance_template: Database) -> Iterator[Database]:
    """A copy of the template, for one test."""
    with _database(admin_dsn, governance_template.name) as made:
        yield made


@pytest.fixture
def again(governance_database: Database) -> Callable[[], tuple[object, object]]:
    """Roll everything back, then apply it again; what the catalog was in between and after."""

    def down_and_up(look: Callable[[], object]) -> tuple[object, object]:
        runner.rollback(line("governance"), governance_database.owner, to="0000")
        between = look()
        runner.apply(line("governance"), governance_database.owner)
        return between, look()

    return down_and_up
