"""What the tests' own server is declared to be."""

from dataclasses import replace

import psycopg
import pytest

from apps.migrate.catalog import postgres, server
from schemas.server import GOVERNANCE


@pytest.fixture(scope="session")
def declared(admin_dsn):
    """As the live one, without pg_cron; its settings are what they are."""
    with psycopg.connect(admin_dsn) as connection:
        found = postgres.read(connection)
    mark = "setting server "
    settings = {k.removeprefix(mark): v for k, v in found.items() if k.startswith(mark)}
    database = replace(GOVERNANCE.scratch, connect=GOVERNANCE.database.connect)
    return server.declared(replace(GOVERNANCE, database=database), settings)


@pytest.fixture(scope="session")
def clean(governance_template):
    """The catalog of a database that nobody touched."""
    with psycopg.connect(governance_template.admin) as connection:
        return postgres.read(connection)


@pytest.fixture
def live(governance_template):
    """The superuser in it; what it does is rolled back."""
    with psycopg.connect(governance_template.admin) as connection:
        yield connection
        connection.rollback()
