"""Both sides of the bridge as they were released, and an anima.db that owes check-ins."""

import runpy
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.anima.store import Store
from apps.migrate import runner
from apps.migrate.lines import line


@pytest.fixture(scope="session")
def released() -> SimpleNamespace:
    """Readers, schemas, golden messages and the stand-in for a Mac."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("released.py"))))


@pytest.fixture
def mac(released: SimpleNamespace) -> Iterator[Callable[..., Any]]:
    """Starts a Mac of a released contract."""
    started = []

    def begin(contract: int, port: int = 0) -> Any:
        started.append(released.Mac(contract, port))
        return started[-1]

    yield begin
    for made in started:
        made.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An anima.db as a deploy leaves it; not to be written to."""
    file = tmp_path_factory.mktemp("migrated") / "anima.db"
    runner.apply(line("anima"), str(file))
    return file


@pytest.fixture
def store(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    """An open store in a migrated file of its own."""
    file = Path(shutil.copy(migrated, tmp_path / "anima.db"))
    opened = Store(file, "lumen")
    opened.start()
    opened.wake(datetime.now(UTC))
    yield opened
    assert opened.close(5)
