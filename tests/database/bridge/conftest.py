"""A governance of its own, and a Pi of each contract as it was released."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).parents[2]
start = runpy.run_path(str(TESTS / "database" / "governance" / "conftest.py"))["start"]


@pytest.fixture(scope="session")
def released() -> SimpleNamespace:
    """Readers, schemas and golden messages."""
    return SimpleNamespace(**runpy.run_path(str(TESTS / "unit" / "bridge" / "released.py")))


@pytest.fixture
def governance(start):
    """A running one."""
    return start().ready()
