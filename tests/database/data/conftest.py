"""The data API, told of its database by the environment, as in life."""

import asyncio
import runpy
from pathlib import Path

import pytest

from apps.governance.data import close_db

TESTS = Path(__file__).parents[2]
start = runpy.run_path(str(TESTS / "database" / "governance" / "conftest.py"))["start"]


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """Set the environment, closed after the test."""

    def told(database, folder=tmp_path):
        monkeypatch.setenv("DB_POSTGRES_URL", database.app)
        monkeypatch.setenv("GOVERNANCE_AUDIT_LOG", str(folder / "audit_log.jsonl"))
        return database

    yield told
    asyncio.run(close_db())


@pytest.fixture
def environment(tell, governance_database):
    """A database of the test's own."""
    return tell(governance_database)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    """The trails of the shared database: it has one of each."""
    return tmp_path_factory.mktemp("trails")


@pytest.fixture
def shared(tell, shared_database, shared_folder):
    """One for tests that do not mind what others left there."""
    return tell(shared_database, shared_folder)
