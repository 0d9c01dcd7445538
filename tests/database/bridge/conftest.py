"""A governance of its own, and a Pi of each contract as it was released."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).parents[2]
ALIVE = runpy.run_path(str(TESTS / "database" / "governance" / "conftest.py"))
start = ALIVE["start"]


@pytest.fixture(scope="session")
def released() -> SimpleNamespace:
    """Readers, schemas and golden messages."""
    return SimpleNamespace(**runpy.run_path(str(TESTS / "unit" / "bridge" / "released.py")))


@pytest.fixture
def governance(start):
    """A running one."""
    return start().ready()


@pytest.fixture(scope="module")
def standing_governance(shared_database, tmp_path_factory):
    """One for a file whose tests each have an agent of their own."""
    made = ALIVE["Governance"](tmp_path_factory.mktemp("governance"), shared_database)
    try:
        yield made.ready()
    finally:
        made.end()
