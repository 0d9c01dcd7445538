"""A file is found by its noun, and is short enough to read."""

import pytest

from apps.migrate.lines import ENGINES, line

JUNK = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
LIMIT = 400
SOURCES = (".py", ".sql", ".sh", ".j2", ".conf", ".html", "Dockerfile", "Makefile")
PLACES = ("schemas", "migrations", "apps", "services", "templates", "tests", "deploy.py")


def drawers(house):
    """Files whose name hides what is in them."""
    for file in house.files(*PLACES, "inventory.py"):
        if file.stem in JUNK or file.parent.name in JUNK - {"base"}:
            yield house.name(file)


def long_files(house):
    """Files that nobody reads to the end."""
    for file in house.files(*PLACES, "inventory.py", "Makefile", suffixes=SOURCES):
        length = len(file.read_text(encoding="utf-8").splitlines())
        if length > LIMIT and "snapshots" not in file.parts:
            yield f"{house.name(file)}: {length} lines"


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_migrations_are_well_named(name):
    """NNNN.verb-object.sql with its rollback, no gaps, no copies, no Python."""
    assert not list(line(name).problems())


def test_every_folder_of_migrations_is_a_line(house):
    """A folder that no line knows would never be applied; beside each lies what it builds.

    And, where there is one, a folder of evolutions.
    """
    found = {path.name for path in (house.root / "migrations").iterdir()}
    found -= {f"{line}.evolutions" for line in ENGINES}

    assert found == {*ENGINES, *(f"{line}.catalog" for line in ENGINES)}


def test_no_file_is_a_junk_drawer(house):
    """Name the thing."""
    assert not list(drawers(house))


def test_no_file_is_too_long(house):
    """Four hundred lines need a reason; there is none yet."""
    assert not list(long_files(house))


@pytest.mark.parametrize("name", sorted(JUNK))
def test_a_junk_drawer_is_seen(shed, name):
    """The rule can fail."""
    assert list(drawers(shed(**{f"apps__{name}_py": ""})))


def test_a_long_file_is_seen(shed):
    """The rule can fail."""
    assert list(long_files(shed(apps__a_py="x = 1\n" * (LIMIT + 1))))
    assert not list(long_files(shed(apps__a_py="x = 1\n" * LIMIT)))
