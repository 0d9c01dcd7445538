import hashlib

import pytest

from tests.legacy.directory import make


@pytest.fixture(scope="session", params=["A", "B"])
def old(request, tmp_path_factory):
    """A whole data directory of one variant; nobody may write it."""
    return request.param, make(tmp_path_factory.mktemp("old") / "data", request.param, 200)


@pytest.fixture
def state():
    """Every file below a directory: its bytes, and when it was written."""

    def _state(folder):
        return {
            str(file.relative_to(folder)): (
                hashlib.sha256(file.read_bytes()).hexdigest(),
                file.stat().st_mtime_ns,
            )
            for file in folder.rglob("*")
            if file.is_file()
        }

    return _state
