"""The committed snapshots are what the migrations build."""

import os

from apps.migrate.catalog import build, difference, shown, snapshot
from apps.migrate.lines import line


def test_the_committed_snapshot_of_governance_is_what_its_migrations_build(scratch_database):
    """ABODE_WRITE_SNAPSHOT=1 writes it instead: the scratch server is the one that is deployed."""
    governance = line("governance")
    built = build.in_scratch(governance, scratch_database.owner)
    if os.environ.get("ABODE_WRITE_SNAPSHOT"):
        snapshot.write(governance, built)
    found = difference(snapshot.read(governance), snapshot.built(built))
    assert not found, shown(found)
