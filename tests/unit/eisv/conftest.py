"""Real files: an anima.db of three days, made once, and the command that an operator types."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from apps.eisv import dataset
from apps.eisv.export import Order, export
from apps.eisv.selection import Selection
from apps.eisv.sources import of_file
from apps.ops import cli


def _specimen():
    spec = importlib.util.spec_from_file_location(
        "specimen", Path(__file__).with_name("specimen.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def specimen():
    """The module that makes the data."""
    return _specimen()


@pytest.fixture(scope="session")
def three_days(specimen, tmp_path_factory):
    """An anima.db with three days in it; not to be written to."""
    return specimen.nights(tmp_path_factory.mktemp("nights") / "anima.db")


@pytest.fixture(scope="session")
def bare(specimen, tmp_path_factory):
    """A migrated, empty anima.db; not to be written to."""
    return specimen.empty(tmp_path_factory.mktemp("bare") / "anima.db")


@pytest.fixture
def history(three_days, tmp_path):
    """A copy of the three days."""
    return Path(shutil.copy(three_days, tmp_path / "anima.db"))


@pytest.fixture
def put(specimen, bare, tmp_path):
    """Makes an anima.db of the rows given."""

    def make(*rows):
        path = Path(shutil.copy(bare, tmp_path / "anima.db"))
        specimen.put(path, *rows)
        return path

    return make


@pytest.fixture
def exported(tmp_path):
    """Exports a file; gives a table of the data set."""

    def run(path, name="drawing", *, archive=None, sources=None, order=None, out="data"):
        order = order or Order(Selection(), force=True)
        sources = sources or of_file(path, archive, order.selection)
        try:
            export(sources, tmp_path / out, order)
        finally:
            sources.close()
        return dataset.read(tmp_path / out, name)

    return run


@pytest.fixture(scope="session")
def dataset_of(tmp_path_factory):
    """Exports sources; gives the directory."""

    def run(sources):
        out = tmp_path_factory.mktemp("export") / "data"
        try:
            export(sources, out, Order(Selection()))
        finally:
            sources.close()
        return out

    return run


@pytest.fixture(scope="session")
def published(three_days, dataset_of):
    """The data set of the three days; not to be written to."""
    return dataset_of(of_file(three_days, None, Selection()))


@pytest.fixture
def abode(monkeypatch, capsys):
    """The command; gives its exit code and what it printed on stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["abode", *map(str, words)])
        try:
            code = cli.main()
        except SystemExit as done:
            code = done.code
        said = capsys.readouterr()
        return code or 0, said.out, said.err

    return run
