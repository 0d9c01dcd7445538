"""A copy of the checkout, for tests that change what is declared."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(standing, tmp_path):
    """The same declarations beside the same state; the lab is put back as it was afterwards."""
    there = tmp_path / "abode"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".abode", "__pycache__", ".*_cache", "*.egg-info"
    )
    shutil.copytree(ROOT, there, ignore=ignored)
    (there / ".abode").symlink_to(ROOT / ".abode")
    yield there
    standing.deploy("-y")


@pytest.fixture
def hosts_toml(standing):
    """The lab's own declaration, to be edited; put back afterwards."""
    path = standing.state / "hosts.toml"
    said = path.read_text()
    yield path
    path.write_text(said)
    standing.deploy("-y")
