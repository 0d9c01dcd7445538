"""The three that must agree: what models declare, what migrations build, what lives in the lab."""

import re
import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import closing

import psycopg
import pytest

from apps.declared import postgres, sqlite
from apps.declared.everything import labels, tables
from apps.migrate import runner
from apps.migrate.catalog import postgres as postgres_catalog
from apps.migrate.catalog import sqlite as sqlite_catalog
from apps.migrate.lines import line
from schemas.governance.graph import GRAPH
from schemas.server import GOVERNANCE, TENANTS
from tests.database.conftest import database_made

OBJECT = re.compile(
    r"(?P<about>(?:comment|grant) )?"
    r"(?P<kind>schema|table|column|constraint|index|sequence|label|view|function|procedure|policy) "
    r"(?P<name>.+?)(?: to (?P<role>\w+))?"
)
DECLARED = {"schema", "table", "column", "constraint", "index", "sequence", "label", "policy"}
OWNERS = {tenant.database.owner for tenant in TENANTS.values()}
PLACES = {GRAPH, *(schema for tenant in TENANTS.values() for schema in tenant.schemas)}
DEFAULTS = {f"{table.table}_default" for table in tables() if table.month_by}


def declarable(catalog: dict[str, str]) -> dict[str, str]:
    """What of a Postgres catalog the declarations speak of: no bodies, no views, no partitions."""
    views = {name.removeprefix("view ") for name in catalog if (name or "").startswith("view ")}

    def speaks(name: str) -> bool:
        found = OBJECT.fullmatch(name or "")
        if not found:
            return False
        if found["about"] == "grant ":
            # Who may enter AGE's own schema is declared; what its owner may do, the deploy's.
            entry = found["name"] == "ag_catalog" and found["role"] not in OWNERS
            return entry or found["name"].partition(".")[0] in PLACES
        if found["name"].partition(".")[0] not in PLACES or found["kind"] not in DECLARED:
            return False
        return found["name"].rpartition(".")[0] not in views and found["name"] not in DEFAULTS

    return {name: definition for name, definition in catalog.items() if speaks(name)}


def build(connection: psycopg.Connection, statements: Iterable[str]) -> None:
    """Run each by itself: one that the server refuses leaves a hole that the comparison names."""
    for statement in statements:
        try:
            with connection.transaction():
                connection.execute(statement)
        except psycopg.Error:
            continue


def reference(tenant=GOVERNANCE, grants=None, said=None) -> list[str]:
    """All that the declarations say, for an empty database."""
    declared = tables(tenant.line)
    known = {table.table for table in declared}
    schemas = [f"CREATE SCHEMA {schema};" for schema in tenant.schemas]
    closed = [f"ALTER DEFAULT PRIVILEGES REVOKE ALL ON {kind} FROM PUBLIC;"
              for kind in ("FUNCTIONS", "TYPES")]  # fmt: skip
    # Rights on views and routines are declared, views and routines are not: stand-ins.
    views: dict[str, set[str]] = {}
    for grant in tenant.grants:
        if grant.kind == "table" and grant.object not in known:
            views.setdefault(grant.object, {"one"}).update(grant.columns)
    stubs = [f"CREATE VIEW {name} AS SELECT {', '.join(f'1 AS {c}' for c in sorted(columns))};"
             for name, columns in views.items() if not name.startswith(GRAPH)]  # fmt: skip
    routines = dict.fromkeys(g.object for g in tenant.grants if g.kind == "routine")
    stubs += [f"CREATE FUNCTION {name} RETURNS void LANGUAGE sql AS '';" for name in routines]
    return [
        *closed,
        *schemas,
        *postgres.ddl(declared),
        *stubs,
        *(postgres.graph(labels()) if GRAPH in tenant.places else ()),
        *postgres.comments(declared, tenant.schemas if said is None else said),
        *postgres.grants(tenant.grants if grants is None else grants),
        *postgres.policies(tenant.policies),
    ]


@pytest.fixture(scope="session", params=TENANTS)
def tenant(request):
    """Each of them."""
    return TENANTS[request.param]


@pytest.fixture(scope="session")
def template(request, tenant):
    """Its migrated template."""
    return request.getfixturevalue(f"{tenant.line}_template")


@pytest.fixture(scope="session")
def declared_database(admin_dsn, governance_roles, tenant):
    """A database that no migration ever saw: only the declarations."""
    name = f"{tenant.line}_{uuid.uuid4().hex[:8]}_declared"
    with database_made(admin_dsn, name, tenant=tenant) as made:
        with psycopg.connect(made.owner, autocommit=True) as connection:
            for statement in reference(tenant):
                connection.execute(statement)
        yield made


@pytest.fixture
def empty(admin_dsn, governance_roles, tenant):
    """As a deploy leaves it before the first migration."""
    name = f"{tenant.line}_{uuid.uuid4().hex[:8]}_test"
    with database_made(admin_dsn, name, tenant=tenant) as made:
        yield made


@pytest.fixture(scope="session")
def declared(declared_database):
    """Its catalog."""
    with psycopg.connect(declared_database.admin) as connection:
        return declarable(postgres_catalog.read(connection))


@pytest.fixture(scope="session")
def migrated(template):
    """The catalog of the database that the migrations build."""
    with psycopg.connect(template.admin) as connection:
        return declarable(postgres_catalog.read(connection))


@pytest.fixture(scope="session")
def living(standing, tenant):
    """The catalog of the lab's own database, as its superuser sees it."""
    said = standing.docker(
        "exec", standing.called("postgres-age"),
        "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", tenant.database.database,
        "-c", postgres_catalog.script(),
    )  # fmt: skip
    return declarable(postgres_catalog.parse(said))


def in_file(catalog: dict[str, str]) -> dict[str, str]:
    """What of an SQLite catalog is declared: not the pragmas of the file."""
    return {name: text for name, text in catalog.items() if not name.startswith("pragma ")}


@pytest.fixture(scope="session")
def declared_file():
    """The catalog of a file that no migration ever saw."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in sqlite.ddl(tables("anima")):
            connection.execute(statement)
        return in_file(sqlite_catalog.read(connection))


@pytest.fixture(scope="session")
def migrated_path(tmp_path_factory):
    """A file that the migrations made."""
    path = tmp_path_factory.mktemp("declared") / "anima.db"
    runner.apply(line("anima"), str(path))
    return path


@pytest.fixture(scope="session")
def migrated_file(migrated_path):
    """Its catalog."""
    with closing(sqlite3.connect(migrated_path)) as connection:
        return in_file(sqlite_catalog.read(connection))


@pytest.fixture(scope="session")
def living_file(standing):
    """The catalog of the Pi's own file."""
    return in_file(sqlite_catalog.parse(standing.anima(sqlite_catalog.script())))
