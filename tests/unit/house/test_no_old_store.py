"""Governance knows nothing of the old stores: no SQLite, no switch between two backends."""

import re

import pytest

PLACES = ("apps/governance", "apps/bridge", "migrations/governance", "services/governance.py",
          "templates/governance")  # fmt: skip
PI_SIDE = {"apps/bridge/client.py"}
"""What the Pi's process alone imports."""
OLD = re.compile(
    r"sqlite|DB_BACKEND|dual.?(write|backend)|governance\.db|apps\.legacy", re.IGNORECASE
)


def references(house):
    """Every line that speaks of the old stores, in whatever kind of file."""
    for file in house.files(*PLACES, suffixes=(".py", ".sql", ".lua", ".j2", "Dockerfile")):
        if house.name(file) in PI_SIDE:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if OLD.search(line):
                yield f"{house.name(file)}:{number}: {line.strip()}"


def test_governance_has_no_reference_to_sqlite(house):
    """Neither in its code, its queries, its migrations, nor in how it is deployed."""
    assert not list(references(house))


def test_only_apps_legacy_reads_the_old_files(house):
    """And only the operator's command leads there."""
    users = {
        house.name(file)
        for file in house.files("apps", "services", "deploy.py", "inventory.py")
        for _, module in house.imports(file)
        if module.startswith("apps.legacy")
    }

    assert users
    assert all(name.startswith(("apps/legacy/", "apps/ops/")) for name in users)


@pytest.mark.parametrize(
    "files",
    [
        {"apps__governance__a_py": "import sqlite3"},
        {"apps__governance__a_py": "# falls back to SQLite"},
        {"apps__bridge__a_py": "backend = os.environ['DB_BACKEND']"},
        {"apps__governance__deep__a_py": "from apps.legacy import source"},
        {"migrations__governance__0099.a.sql": "-- from data/governance.db"},
    ],
)
def test_a_reference_is_seen_wherever_it_is(shed, files):
    """The rule can fail."""
    assert list(references(shed(**files)))
