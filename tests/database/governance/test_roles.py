"""Who may do what: declared, granted and tried, as the role itself. Never as a superuser."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from apps.migrate.lines import line
from schemas.governance.roles import GRANTS, entries
from schemas.governance.server import APP, BACKUP, MONITOR, READER

GRANTS_SQL = (line("governance").folder / "post-apply.grants.sql").read_text()
SNAPSHOT = Path(__file__).with_name("roles.snapshot")
ROLES = (APP, READER, MONITOR, BACKUP)
OURS = ("core", "audit", "dialectic", "retired", "governance_graph", "ledger", "public")
PLACES = f"ARRAY{[*OURS, 'ag_catalog', 'trgm']!r}::text[]"
NOT_ALLOWED = (
    errors.InsufficientPrivilege,
    errors.ObjectNotInPrerequisiteState,  # the view cannot be written by anybody
    errors.FeatureNotSupported,
)
OBJECTS = f"""
SELECT 'schema', n.nspname, ''::text
  FROM pg_namespace AS n WHERE n.nspname = ANY ({PLACES})
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
       c.oid::regclass::text,
       coalesce((SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute AS a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
  FROM pg_class AS c WHERE c.relnamespace = ANY ({PLACES}::regnamespace[])
   AND c.relowner = 'governance_owner'::regrole
   AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
UNION ALL
SELECT CASE WHEN p.prokind = 'p' THEN 'procedure'
            WHEN p.prorettype = 'trigger'::regtype THEN 'trigger' ELSE 'routine' END,
       p.oid::regprocedure::text, ''
  FROM pg_proc AS p WHERE p.proowner = 'governance_owner'::regrole
 ORDER BY 1, 2
"""
GRANTED = f"""
WITH rights AS (
    SELECT 'schema' AS kind, n.nspname::text AS object, '' AS part, a.*
      FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
     WHERE n.nspname = ANY ({PLACES})
       AND a.grantee NOT IN (n.nspowner, 'governance_owner'::regrole)
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid::regclass::text, '', a.*
      FROM pg_class AS c, aclexplode(c.relacl) AS a
     WHERE c.relnamespace = ANY ({PLACES}::regnamespace[]) AND a.grantee <> c.relowner
       AND c.relowner = 'governance_owner'::regrole
    UNION ALL
    SELECT 'table', c.oid::regclass::text, t.attname, a.*
      FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
     WHERE c.relnamespace = ANY ({PLACES}::regnamespace[]) AND a.grantee <> c.relowner
       AND c.relowner = 'governance_owner'::regrole
    UNION ALL
    SELECT 'routine', p.oid::regprocedure::text, '', a.*
      FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
     WHERE p.proowner = 'governance_owner'::regrole AND a.grantee <> p.proowner
    UNION ALL
    SELECT 'default', d.defaclobjtype::text, coalesce(n.nspname, ''), a.*
      FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace,
           aclexplode(d.defaclacl) AS a
     WHERE d.defaclrole = 'governance_owner'::regrole AND a.grantee <> d.defaclrole)
SELECT coalesce(g.rolname, 'PUBLIC'), kind, object,
       privilege_type || CASE WHEN is_grantable THEN ' with grant option' ELSE '' END, part
  FROM rights LEFT JOIN pg_roles AS g ON g.oid = grantee
"""


@pytest.fixture
def owner(shared_database) -> Iterator[psycopg.Connection]:
    """The owner, who may grant; what it does is rolled back."""
    with psycopg.connect(shared_database.owner) as conn:
        yield conn
        conn.rollback()


GRANTED_AS = {"view": "table", "procedure": "routine", "trigger": "routine"}
"""What GRANT calls it, where that is another word."""


def granted(conn) -> set[tuple]:
    """Every right that anyone but the owner has: role, kind, object, verb, column."""
    return set(conn.execute(GRANTED).fetchall())


def objects(conn) -> list[tuple[str, str, list[str]]]:
    """Everything that can be granted: kind, name, columns."""
    return [(kind, name, parts.split()) for kind, name, parts in conn.execute(OBJECTS).fetchall()]


def grid(conn) -> Iterator[str]:
    """Role by object: the verbs, each with its columns where it is not for all of them."""
    rights = granted(conn)
    for kind, name, _ in objects(conn):
        for role in (*ROLES, "PUBLIC"):
            verbs: dict[str, list[str]] = {}
            for _, _, _, verb, column in sorted(
                right for right in rights if right[:3] == (role, GRANTED_AS.get(kind, kind), name)
            ):
                verbs.setdefault(verb, []).extend([column] if column else [])
            said = [f"{verb} ({', '.join(of)})" if of else verb for verb, of in verbs.items()]
            yield f"{kind} {name}: {role}: {', '.join(said) or '-'}\n"


def test_the_grants_are_those_declared(owner):
    """Both ways, PUBLIC and default privileges included."""
    assert granted(owner) == entries()


def test_the_matrix_is_as_committed(owner):
    """So that a review shows what a change opens. ABODE_WRITE_SNAPSHOT=1 writes it anew."""
    now = "".join(grid(owner))
    if os.environ.get("ABODE_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text()


def tries(kind: str, name: str, parts: list[str]) -> Iterator[tuple[str, str, str]]:
    """Verb, column, and a statement that needs just that and changes nothing."""
    if kind == "schema":
        yield "USAGE", "", f"SELECT FROM {name}.nothing_is_called_so"
        yield "CREATE", "", f"CREATE TABLE {name}.mine (a integer)"
    elif kind == "sequence":
        yield "USAGE", "", f"SELECT nextval('{name}')"
        yield "SELECT", "", f"SELECT last_value FROM {name}"
        yield "UPDATE", "", f"SELECT setval('{name}', 1)"
    elif kind in {"table", "view"}:
        yield "DELETE", "", f"DELETE FROM {name} WHERE false"
        if kind == "table":
            yield "TRUNCATE", "", f"TRUNCATE {name}"
        for column in parts:
            yield "SELECT", column, f"SELECT {column} FROM {name} LIMIT 0"
            yield "INSERT", column, f"INSERT INTO {name} ({column}) VALUES (DEFAULT)"
            yield "UPDATE", column, f"UPDATE {name} SET {column} = DEFAULT WHERE false"
    elif kind != "trigger":
        called, _, types = name.rstrip(")").partition("(")
        nulls = [f"NULL::{one}" for one in types.split(",") if one]
        if kind == "procedure":
            yield "EXECUTE", "", f"CALL {called}({', '.join(nulls)})"
        else:
            # A strict function of a plain NULL is never called.
            given = ", ".join(f"(SELECT {null})" for null in nulls)
            yield "EXECUTE", "", f"SELECT FROM {called}({given})"


def allowed(conn, statement: str) -> bool:
    """Whether the server lets the role do it, whatever it says then."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement)
    except NOT_ALLOWED:
        return False
    except psycopg.Error:
        return True
    return True


@pytest.mark.parametrize("role", [APP, READER, MONITOR])
def test_every_right_is_as_it_is_when_tried(shared_database, role):
    """Each verb on each object and column, by the role after it logged in."""
    way_in = {APP: "app", READER: "reader", MONITOR: "monitor"}[role]
    with psycopg.connect(shared_database.owner) as conn:
        there = [each for each in objects(conn) if each[1] not in {"ag_catalog", "ledger", "trgm"}]
    mine = {entry[1:] for entry in entries() if entry[0] == role}
    wrong, tried = [], 0
    with psycopg.connect(getattr(shared_database, way_in)) as conn:
        assert conn.execute("SELECT session_user, current_user").fetchone() == (role, role)
        for kind, name, parts in there:
            of = GRANTED_AS.get(kind, kind)
            for verb, column, statement in tries(kind, name, parts):
                may = {(of, name, verb, ""), (of, name, verb, column)} & mine
                tried += 1
                if allowed(conn, statement) is not bool(may):
                    wrong.append(statement)

    assert wrong == []
    assert tried > 900


@pytest.mark.parametrize("how", ["taken away", "added"])
def test_any_other_grant_is_noticed(owner, how):
    """Each declared one gone, and each other one given, alone: the comparison names it."""
    declared = entries()
    if how == "taken away":
        plan = [(entry, "REVOKE {} ON {} FROM {} CASCADE") for entry in sorted(declared)]
    else:
        plan = [(entry, "GRANT {} ON {} TO {}") for entry in others(owner, declared)]
    missed = []
    for (role, kind, name, verb, column), form in plan:
        what = f"{verb} ({column})" if column else verb
        with owner.transaction(force_rollback=True):
            owner.execute(form.format(what, f"{kind} {name}", role))
            if (role, kind, name, verb, column) not in granted(owner) ^ declared:
                missed.append((role, kind, name, verb, column))

    assert missed == []
    assert len(plan) > 150


def others(conn, declared) -> list[tuple[str, str, str, str, str]]:
    """A right on each object for each role, and for everyone, that is not declared."""
    verbs = {"schema": ("CREATE", "USAGE"), "sequence": ("UPDATE", "SELECT"),
             "table": ("TRIGGER", "SELECT"), "routine": ("EXECUTE",)}  # fmt: skip
    return [
        entry
        for kind, name, _ in objects(conn)
        if name not in {"public", "ag_catalog", "trgm"}
        for role in (*ROLES, "PUBLIC")
        for verb in verbs[GRANTED_AS.get(kind, kind)]
        if (entry := (role, GRANTED_AS.get(kind, kind), name, verb, "")) not in declared
    ]


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
    assert granted(owner) != entries()
    owner.execute(GRANTS_SQL)
    assert granted(owner) == entries()

    owner.execute("SELECT audit.create_partitions('2031-03-15+00')")
    owner.execute("CREATE FUNCTION core.later() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    owner.execute("CREATE TABLE core.later (a integer)")
    assert granted(owner) == entries()


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
