"""Drifts of roles, rights, labels, months and ledgers, each reported by object."""

import psycopg
import pytest

from apps.migrate.catalog import difference, graph, postgres, shown

HERE = "DO $$ BEGIN EXECUTE format('{}', current_database()); END $$"
QUIET = (
    "CREATE TRIGGER quiet BEFORE UPDATE ON {} FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
LABEL = "UPDATE ag_catalog.ag_label SET {} WHERE name = 'WROTE'"
WROTE = "label governance_graph.WROTE"
WAITS = (
    "CREATE TABLE retired.events_2020_01_r1 (id integer);"
    "ALTER TABLE retired.events_2020_01_r1 OWNER TO governance_owner;"
    "GRANT SELECT ON retired.events_2020_01_r1 TO governance_ro;"
    "INSERT INTO audit.retired (parent, part, from_at, upto_at) VALUES"
    " ('audit.events', 'events_2020_01_r1', '2020-01-01+00', '2020-02-01+00')"
)
RETIRED = "table retired.events_2020_01_r1"

PLANTED = {
    "superuser": ("ALTER ROLE governance SUPERUSER", {"role governance"}),
    "createdb": ("ALTER ROLE governance CREATEDB", {"role governance"}),
    "createrole": ("ALTER ROLE governance_ro CREATEROLE", {"role governance_ro"}),
    "replication": ("ALTER ROLE governance REPLICATION", {"role governance"}),
    "bypassrls": ("ALTER ROLE governance BYPASSRLS", {"role governance"}),
    "connections": ("ALTER ROLE governance CONNECTION LIMIT -1", {"role governance"}),
    "role added": ("CREATE ROLE by_hand", {"role by_hand"}),
    "member of the owner": (
        "GRANT governance_owner TO governance",
        {"membership governance in governance_owner"},
    ),
    "member of the server": (
        "GRANT pg_execute_server_program TO governance",
        {"membership governance in pg_execute_server_program"},
    ),
    "member taken": (
        "REVOKE pg_monitor FROM governance_monitor",
        {"membership governance_monitor in pg_monitor"},
    ),
    "database given away": (
        HERE.format("ALTER DATABASE %I OWNER TO governance"),
        {"database", "grant database to governance"},
    ),
    "database opened": (
        HERE.format("GRANT CREATE, TEMP ON DATABASE %I TO governance"),
        {"grant database to governance"},
    ),
    "database narrowed": (
        HERE.format("ALTER DATABASE %I CONNECTION LIMIT 1"),
        {"database"},
    ),
    "parameter given": (
        "GRANT SET ON PARAMETER session_replication_role TO governance",
        {"grant parameter session_replication_role to governance"},
    ),
    "tablespace given": (
        "GRANT CREATE ON TABLESPACE pg_default TO governance",
        {"grant tablespace pg_default to governance"},
    ),
    "the server's files opened": (
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO governance",
        {"grant function pg_catalog.pg_read_file(text) to governance"},
    ),
    "passwords opened": (
        "GRANT SELECT ON pg_catalog.pg_authid TO governance_ro",
        {"grant table pg_catalog.pg_authid to governance_ro"},
    ),
    "passwords opened by column": (
        "GRANT SELECT (rolpassword) ON pg_catalog.pg_authid TO governance_ro",
        {"grant column pg_catalog.pg_authid.rolpassword to governance_ro"},
    ),
    "right of the system taken": (
        "REVOKE EXECUTE ON FUNCTION pg_catalog.now() FROM PUBLIC",
        {"grant function pg_catalog.now() to PUBLIC"},
    ),
    "pg_catalog opened": (
        "GRANT CREATE ON SCHEMA pg_catalog TO governance",
        {"grant schema pg_catalog to governance"},
    ),
    "language closed": (
        "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
        {"grant language plpgsql to PUBLIC"},
    ),
    "function in pg_catalog": (
        ("SET LOCAL allow_system_table_mods = on;"
         "CREATE FUNCTION pg_catalog.by_hand() RETURNS integer LANGUAGE sql AS 'SELECT 1'"),
        {"function pg_catalog.by_hand()"},
    ),
    "hidden in an extension": (
        ("CREATE FUNCTION core.by_hand() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
         "ALTER EXTENSION plpgsql ADD FUNCTION core.by_hand()"),
        {"member function core.by_hand()"},
    ),
    "operator family": (
        "CREATE OPERATOR FAMILY core.by_hand USING btree",
        {"operator family core.by_hand USING btree"},
    ),
    "default privileges emptied": (
        ("ALTER DEFAULT PRIVILEGES FOR ROLE governance_owner"
         "  REVOKE ALL ON TABLES FROM governance_owner"),
        {"default privilege tables by governance_owner to nobody"},
    ),
    "statistics target": (
        "ALTER TABLE core.agent_state ALTER COLUMN reason SET STATISTICS 5000",
        {"column core.agent_state.reason"},
    ),
    "key clustered on": (
        "ALTER TABLE core.identities CLUSTER ON identities_pkey",
        {"constraint core.identities.identities_pkey"},
    ),
    "column of a month opened": (
        "GRANT UPDATE (payload) ON {month} TO governance_ro",
        {"partition {month}"},
    ),
    "month opened for others to open": (
        "GRANT INSERT ON {month} TO governance WITH GRANT OPTION",
        {"partition {month}"},
    ),
    "forced row security of a month": (
        "ALTER TABLE {month} FORCE ROW LEVEL SECURITY",
        {"partition {month}"},
    ),
    "newest month dropped": ("DROP TABLE {newest}", {"partition audit.events, ahead"}),
    "this month dropped": ("DROP TABLE {oldest}", {"partition audit.events, ahead"}),
    "all months dropped": ("{all}", {"partition audit.events, ahead"}),
    "label not in AGE's list": (
        "DELETE FROM ag_catalog.ag_label WHERE name = 'WROTE'",
        {WROTE},
    ),
    "label of another kind": (LABEL.format("kind = 'v'"), {WROTE}),
    "label with an id that nobody gave": (LABEL.format("id = id + 100"), {WROTE}),
    "label without its sequence": (LABEL.format("seq_name = 'x'"), {WROTE}),
    "label of another name": (LABEL.format("name = 'SAID'"), {WROTE}),
    "label without its table": (
        LABEL.format("relation = 'core.probe'"),
        {WROTE},
    ),
    "ledger's table added": (
        "CREATE TABLE ledger.by_hand (id integer)",
        {"table ledger.by_hand", "column ledger.by_hand.id"},
    ),
    "ledger's trigger": (
        QUIET.format("ledger._yoyo_migration"),
        {"trigger ledger._yoyo_migration.quiet"},
    ),
    "ledger's key dropped": (
        "ALTER TABLE ledger._yoyo_migration DROP CONSTRAINT _yoyo_migration_pkey",
        {"constraint ledger._yoyo_migration._yoyo_migration_pkey"},
    ),
    "ledger's column": (
        "ALTER TABLE ledger._abode_checksum DROP COLUMN content",
        {"column ledger._abode_checksum.content"},
    ),
    "table in retired": ("CREATE TABLE retired.x (id integer)", {"table retired.x"}),
    "view in retired": ("CREATE VIEW retired.x AS SELECT 1 AS one", {"table retired.x"}),
    "a month that waits": (WAITS, set()),
    "a month that waits, gone from the list": (
        WAITS + ";UPDATE audit.retired SET dropped_at = now()",
        {RETIRED},
    ),
    "a month that waits, opened": (
        WAITS + ";GRANT UPDATE ON retired.events_2020_01_r1 TO governance",
        {RETIRED},
    ),
    "a month that waits, read by others": (
        WAITS + ";GRANT SELECT ON retired.events_2020_01_r1 TO governance_monitor",
        {RETIRED},
    ),
    "a month that waits, with a trigger": (
        WAITS + ";" + QUIET.format("retired.events_2020_01_r1"),
        {RETIRED},
    ),
}  # fmt: skip


@pytest.fixture
def months(live):
    """Of the trail, the first first."""
    found = live.execute(
        "SELECT c.oid::regclass::text"
        "  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'audit.events'::regclass"
        " AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' ORDER BY c.relname"
    ).fetchall()
    return [name for (name,) in found]


@pytest.mark.parametrize("drift", PLANTED)
def test_a_drift_is_reported_by_object(live, clean, months, drift):
    """What was changed, and nothing else."""
    dropped = "; ".join(f"DROP TABLE {month}" for month in months)
    words = {"month": months[1], "oldest": months[0], "newest": months[-1], "all": dropped}

    def filled(text):
        for word, meant in words.items():
            text = text.replace(f"{{{word}}}", meant)
        return text

    statements, reported = PLANTED[drift]
    live.execute(filled(statements))
    found = difference(clean, graph.without_declared(postgres.read(live)))
    assert {each.object for each in found} == {filled(each) for each in reported}, shown(found)


def test_who_may_not_read_the_labels_says_so(governance_template):
    """A role that does not see AGE's list cannot say that a label is whole."""
    with psycopg.connect(governance_template.reader) as connection:
        found = postgres.read(connection)
    labels = [said for name, said in found.items() if name.startswith("label ")]
    assert labels
    assert all("ag_label may not be read" in said for said in labels)
