"""What the tests' own server is declared to be."""

import pytest

from apps.migrate.catalog import server
from schemas.governance.server import SCRATCH

UNLIKE = {
    "data_checksums": "off",
    "fsync": "off",
    "log_timezone": "GMT",
    "pgaudit.log": "none",
    "ssl": "off",
}
"""Of the live server; nothing in it need outlast a test."""


@pytest.fixture(scope="session")
def declared():
    """As the live one, without pg_cron."""
    return server.declared(SCRATCH, {**server.SETTINGS, **UNLIKE})
