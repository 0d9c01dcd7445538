"""A place in memory: what is killed, cut and flipped here needs no real disk to wait for."""

import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def memory(tmp_path):
    """A folder that is gone afterwards."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as place:
        yield Path(place)
