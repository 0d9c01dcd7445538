"""Governance starts on the schema it was built for, and on no other."""

import psycopg
import pytest

from apps.migrate.lines import line

NEWEST = line("governance").migrations()[-1]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (
            f"DELETE FROM ledger._yoyo_migration WHERE migration_id = '{NEWEST}'",
            f"governance: migration {NEWEST} is missing\n  hint: apply 1: deploy again",
        ),
        (
            "INSERT INTO ledger._yoyo_migration VALUES ('x', '9999.add-wings', now())",
            "governance: migration 9999.add-wings is not known to this release",
        ),
        (
            "DROP VIEW core.schema_migrations CASCADE",
            f"governance: migration {line('governance').migrations()[0]} is missing",
        ),
        (
            "ALTER TABLE core.sessions RENAME COLUMN last_active TO active",
            "1 declared columns are missing, the first is core.sessions.last_active",
        ),
    ],
    ids=["behind", "ahead", "empty", "by hand"],
)
def test_another_schema_is_refused(start, governance_database, deed, said):
    """By exit code 4, with the migration that is missing; nothing answers meanwhile."""
    with psycopg.connect(governance_database.admin, autocommit=True) as conn:
        conn.execute(deed)
    made = start()
    made.process.wait(20)
    code, log = made.end()

    assert code == 4
    assert said in log
    assert "Traceback" not in log
