"""Nothing that governance runs knows SQLite: one store, no second way to lose a row."""

import subprocess
import sys

import pytest

from services.cargo import MAC_CODE

ASIDE = {"apps/migrate/statements.py": "reads a file of the Pi's line, which only the runner does"}
"""Of what the process imports: a late import that it never comes to. See the next test."""
LOADED = """
import sys, apps.governance.__main__
print(*sorted(name for name in sys.modules if "sqlite" in name))
"""


def ours(house, module):
    """The files that importing ``module`` runs: each package on the way, and itself."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        stem = house.root.joinpath(*parts[:end])
        for file in (stem / "__init__.py", stem.with_suffix(".py")):
            if file.is_file():
                yield file


def sqlite_imports(house):
    """Every import of sqlite3 that the process's own files lead to, wherever in a file."""
    left = list(house.files("apps/governance"))
    seen = set()
    while left:
        file = left.pop()
        if file in seen:
            continue
        seen.add(file)
        for line, module in house.imports(file):
            if house.name(file) in ASIDE:
                continue
            if module.partition(".")[0] in {"sqlite3", "_sqlite3", "aiosqlite", "pysqlite3"}:
                yield f"{house.name(file)}:{line} imports {module}"
            left += ours(house, module)


def test_no_file_on_the_way_imports_sqlite(house):
    """Over everything that governance reaches, also late."""
    assert not list(sqlite_imports(house))


@pytest.mark.parametrize(
    "files",
    [
        {"apps__governance__a_py": "import sqlite3"},
        {"apps__governance__a_py": "def late():\n    import sqlite3"},
        {"apps__governance__a_py": "from apps import far", "apps__far_py": "import sqlite3.dbapi2"},
    ],
)
def test_sqlite_is_seen_wherever_it_is(shed, files):
    """The rule can fail."""
    assert list(sqlite_imports(shed(**files)))


OF_FILES = (
    "apps/anima", "apps/sqlite.py", "apps/migrate", "apps/eisv", "apps/ops/verify/on_pi.py",
    "apps/soulfra/memory",
)  # fmt: skip
"""What lives on the Pi, the runner of its line, who reads copies of its file, and the memories
of agents: a file for each is what they are."""


def rooms_that_open_sqlite(house):
    """Every import of sqlite3 but those that are about a file of our own."""
    for file in house.files("schemas", "apps", "services"):
        for _, module in house.imports(file):
            name = house.name(file)
            if module.partition(".")[0] == "sqlite3" and not name.startswith(OF_FILES):
                yield name


def test_only_legacy_opens_the_old_stores(house):
    """No other room of the Mac imports sqlite3."""
    found = list(rooms_that_open_sqlite(house))

    assert found
    assert not [name for name in found if not name.startswith("apps/legacy/")]


@pytest.mark.parametrize("place", ["apps__ops__a_py", "services__a_py", "apps__governance__a_py"])
def test_another_room_that_opens_sqlite_is_seen(shed, place):
    """The rule can fail."""
    assert list(rooms_that_open_sqlite(shed(**{place: "def late():\n    import sqlite3"})))


def test_importing_the_process_loads_no_sqlite(house):
    """Neither by us nor by a package of somebody else's."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=house.root, capture_output=True, text=True, check=True
    )

    # apps.declared.sqlite writes DDL as text and opens no file. What lives is looked at in
    # tests/database/governance/test_probes.py.
    assert set(done.stdout.split()) <= {"apps.declared.sqlite"}


@pytest.mark.parametrize("begin", ["apps/governance", "apps/soulfra/__main__.py"])
def test_all_that_the_process_imports_is_shipped(house, begin):
    """An import that works here and is missing in the container is found here."""
    left, seen = list(house.files(begin)), set()
    while left:
        file = left.pop()
        if file not in seen:
            seen.add(file)
            left += [found for _, module in house.imports(file) for found in ours(house, module)]
    missing = {
        name
        for name in map(house.name, seen)
        if not any(name == place or name.startswith(f"{place}/") for place in MAC_CODE)
    }

    assert not missing
