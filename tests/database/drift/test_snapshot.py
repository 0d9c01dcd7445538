"""The committed snapshots are what the migrations build."""

import os
import uuid

import pytest

from apps.migrate.catalog import build, difference, shown, snapshot
from apps.migrate.lines import line
from schemas.server import TENANTS
from tests.database.conftest import database_made


@pytest.mark.parametrize("name", TENANTS)
def test_the_committed_snapshot_is_what_the_migrations_build(admin_dsn, governance_roles, name):
    """ABODE_WRITE_SNAPSHOT=1 writes it instead: the scratch server is the one that is deployed."""
    of = line(name)
    scratch = f"{name}_{uuid.uuid4().hex[:8]}_scratch"
    with database_made(admin_dsn, scratch, tenant=TENANTS[name]) as made:
        built = build.in_scratch(of, made.owner)
    if os.environ.get("ABODE_WRITE_SNAPSHOT"):
        snapshot.write(of, built)
    found = difference(snapshot.read(of), snapshot.built(built))
    assert not found, shown(found)
