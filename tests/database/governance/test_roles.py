"""What nobody may, and what is taken back. What each role may: tests/database/declared."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from apps.migrate.lines import line
from schemas.governance.roles import GRANTS
from schemas.governance.server import APP, BACKUP, MONITOR, READER
from schemas.server import GOVERNANCE
from tests.database.rights import GRANTED_AS, granted, objects

GRANTS_SQL = (line("governance").folder / "post-apply.grants.sql").read_text()
SNAPSHOT = Path(__file__).with_name("roles.snapshot")
entries = GOVERNANCE.entries
ROLES = (APP, READER, MONITOR, BACKUP)


@pytest.fixture
def owner(shared_database) -> Iterator[psycopg.Connection]:
    """The owner, who may grant; what it does is rolled back."""
    with psycopg.connect(shared_database.owner) as conn:
        yield conn
        conn.rollback()


def grid(conn) -> Iterator[str]:
    """Role by object: the verbs, each with its columns where it is not for all of them."""
    rights = granted(conn, GOVERNANCE)
    for kind, name, _ in objects(conn, GOVERNANCE):
        for role in (*ROLES, "PUBLIC"):
            verbs: dict[str, list[str]] = {}
            for _, _, _, verb, column in sorted(
                right for right in rights if right[:3] == (role, GRANTED_AS.get(kind, kind), name)
            ):
                verbs.setdefault(verb, []).extend([column] if column else [])
            said = [f"{verb} ({', '.join(of)})" if of else verb for verb, of in verbs.items()]
            yield f"{kind} {name}: {role}: {', '.join(said) or '-'}\n"


def test_the_matrix_is_as_committed(owner):
    """So that a review shows what a change opens. ABODE_WRITE_SNAPSHOT=1 writes it anew."""
    now = "".join(grid(owner))
    if os.environ.get("ABODE_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text()


def test_whatever_was_given_is_taken_back(owner):
    """One run of post-apply.grants.sql, whoever had what, and the months that come later."""
    for statement in (
        "GRANT ALL ON ALL TABLES IN SCHEMA core, audit, dialectic, ledger TO PUBLIC",
        "GRANT ALL ON ALL TABLES IN SCHEMA governance_graph TO governance_ro WITH GRANT OPTION",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA core, governance_graph TO governance_backup",
        "GRANT ALL ON ALL ROUTINES IN SCHEMA core, audit TO PUBLIC",
        "GRANT CREATE, USAGE ON SCHEMA core, ledger, governance_graph, retired TO PUBLIC",
        "GRANT USAGE ON SCHEMA ag_catalog TO governance_ro, governance_monitor",
        "GRANT SELECT (session_id) ON core.sessions TO governance_ro",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO governance_ro",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA core GRANT ALL ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC",
        "REVOKE ALL ON core.identities, core.sessions FROM governance",
    ):
        owner.execute(statement)
    assert granted(owner, GOVERNANCE) != entries()
    owner.execute(GRANTS_SQL)
    assert granted(owner, GOVERNANCE) == entries()

    owner.execute("SELECT audit.create_partitions('2031-03-15+00')")
    owner.execute("CREATE FUNCTION core.later() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    owner.execute("CREATE TABLE core.later (a integer)")
    assert granted(owner, GOVERNANCE) == entries()


def test_nothing_is_granted_to_the_backup(shared_database):
    """It copies the server; no database lets it in."""
    assert not [grant for grant in GRANTS if grant.role == BACKUP]
    for database, said in ((shared_database.name, "permission denied for database"),
                           ("postgres", "no pg_hba.conf entry")):  # fmt: skip
        with pytest.raises(psycopg.OperationalError, match=said):
            psycopg.connect(shared_database.backup, dbname=database)
    with psycopg.connect(shared_database.backup, replication="true", autocommit=True) as conn:
        assert conn.pgconn.exec_(b"IDENTIFY_SYSTEM").ntuples == 1


def test_the_scratch_database_is_the_owners(scratch_database):
    """Nobody else compares, and nobody else looks on."""
    for way_in in (scratch_database.app, scratch_database.reader, scratch_database.monitor):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(way_in)
    with psycopg.connect(scratch_database.owner) as conn:
        assert conn.execute("SELECT count(*) FROM ag_catalog.ag_label").fetchone() == (0,)
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)


def test_the_monitor_sees_the_server(shared_database):
    """What others run, and how far replication is."""
    with psycopg.connect(shared_database.monitor) as conn:
        seen = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE query IS NOT NULL")
        assert seen.fetchone()[0] > 0
        assert conn.execute("SELECT count(*) FROM pg_stat_replication").fetchone() == (0,)
        conn.execute("SHOW data_directory")


@pytest.mark.parametrize("way_in", ["app", "reader", "monitor"])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE core.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION core.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE core.agent_state ADD COLUMN mine int",
        "CREATE INDEX ON core.agent_state (reason)",
        "DROP TABLE core.sessions",
        "DROP VIEW core.agents",
        "COMMENT ON VIEW core.agents IS 'mine'",
        "SET ROLE governance_owner",
        "SET SESSION AUTHORIZATION governance_owner",
        "GRANT governance_owner TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SELECT migration_id FROM ledger._yoyo_migration",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_creat(-1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_put(1, 0, 'x')",
        "SELECT lo_open(1, 131072)",
        "SELECT lowrite(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT lo_unlink(1)",
        "COPY core.calibration TO PROGRAM 'cat'",
        "SET session_replication_role = replica",
        "SELECT ag_catalog.create_graph('mine')",
        "SELECT ag_catalog.create_vlabel('governance_graph', 'Mine')",
        "SELECT ag_catalog.drop_label('governance_graph', 'SPAWNED')",
        "SELECT ag_catalog.drop_graph('governance_graph', true)",
        "SELECT ag_catalog.load_labels_from_file('governance_graph', 'Agent', '/etc/passwd')",
        "SELECT name FROM ag_catalog.ag_graph",
        "CREATE TABLE governance_graph.mine (a int)",
        "DELETE FROM core.agent_state",
        "UPDATE core.agent_state SET reason = 'other'",
        "UPDATE core.identities SET status = 'active'",
        "UPDATE core.identities SET agent_id = 'other'",
        "UPDATE audit.events SET event_type = 'other'",
        "INSERT INTO core.identities (agent_id, status) VALUES ('a', 'active')",
        "INSERT INTO core.lifecycle_events (identity_id, status, role) VALUES (1, 'active', 'a')",
    ],
)
def test_nobody_may(shared_database, way_in, statement):
    """No DDL, no other role, no file, no history rewritten."""
    with (
        psycopg.connect(getattr(shared_database, way_in)) as conn,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        conn.execute(statement)


@pytest.mark.parametrize("way_in", ["reader", "monitor"])
def test_only_the_app_reaches_cypher(shared_database, way_in):
    """In AGE 1.5 a reader would be a writer."""
    ask = "SELECT * FROM {}cypher('governance_graph', $$ MATCH (n) RETURN n $$) AS (n {}agtype)"
    with psycopg.connect(getattr(shared_database, way_in), autocommit=True) as conn:
        with pytest.raises(errors.InsufficientPrivilege, match="schema ag_catalog"):
            conn.execute(ask.format("ag_catalog.", "ag_catalog."))
        conn.execute("SET search_path = ag_catalog")
        with pytest.raises(errors.UndefinedFunction):
            conn.execute("SELECT cypher('governance_graph', 'MATCH (n) RETURN n')")
