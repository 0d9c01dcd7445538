"""A live database and its scratch database, as a deploy leaves them on one server."""

import psycopg
import pytest

from apps.migrate.catalog import server
from schemas.governance.server import SCRATCH

UNLIKE_LIVE = {"fsync": "off", "ssl": "off", "log_timezone": "GMT"}
"""What the scratch server of the tests is on purpose."""


@pytest.fixture(scope="session")
def declared():
    """What the tests' own server is declared to be."""
    return server.declared(SCRATCH, {})


@pytest.fixture
def live(governance_database):
    """The superuser in a migrated database; what it changes is rolled back."""
    with psycopg.connect(governance_database.admin) as connection:
        yield connection
