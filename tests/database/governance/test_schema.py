"""Models, migrations and grants say the same."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import psycopg
import pytest
from annotated_types import Ge, Le
from psycopg.errors import CheckViolation, InsufficientPrivilege
from pydantic import AwareDatetime

from apps.migrate.lines import line
from schemas.governance.tables import TABLES, AgentState

GRANTS = line("governance").folder / "post-apply.grants.sql"

TYPES = {
    int: {"bigint", "integer"}, float: {"double precision"}, str: {"text"}, bytes: {"bytea"},
    AwareDatetime: {"timestamp with time zone"}, dict: {"jsonb"}, UUID: {"uuid"}, bool: {"boolean"},
    tuple: {"text[]"},
}  # fmt: skip
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
  FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
CHECKS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = %s::regclass AND contype = 'c'
"""
CATALOG = """
SELECT 'column', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull::text, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
 WHERE n.nspname IN ('core', 'audit', 'public') AND a.attnum > 0
UNION ALL
SELECT 'constraint', n.nspname, coalesce(c.conrelid::regclass::text, ''), c.conname,
       pg_get_constraintdef(c.oid), '', ''
  FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE n.nspname IN ('core', 'audit', 'public')
UNION ALL
SELECT 'index', schemaname, tablename, indexname, indexdef, '', ''
  FROM pg_indexes WHERE schemaname IN ('core', 'audit', 'public')
UNION ALL
SELECT 'function', n.nspname, p.proname, pg_get_functiondef(p.oid), p.proacl::text, '', ''
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname IN ('core', 'audit', 'public')
UNION ALL
SELECT 'relation', n.nspname, c.relname, c.relacl::text, obj_description(c.oid),
       coalesce(pg_get_viewdef(c.oid), ''), coalesce(pg_get_expr(c.relpartbound, c.oid), '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('core', 'audit', 'public') AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1, 2, 3, 4
"""


def shape(annotation: Any, metadata: tuple = ()) -> tuple[type, bool, list[float], set]:
    """Kind, nullable, bounds and words of a field, wherever they hide."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return shape(inner, (*metadata, *more))
    if get_origin(annotation) in (Union, UnionType):
        inner = next(part for part in get_args(annotation) if part is not NoneType)
        kind, _, bounds, words = shape(inner, metadata)
        return kind, True, bounds, words
    flat = [part for item in metadata for part in (item if hasattr(item, "__iter__") else [item])]
    bounds = [x.ge for x in flat if isinstance(x, Ge)] + [x.le for x in flat if isinstance(x, Le)]
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0]), False, bounds, set()
    kind = get_origin(annotation) or annotation
    if issubclass(kind, StrEnum):
        return str, False, bounds, {word.value for word in kind}
    return kind, False, bounds, set()


def fields(model: type) -> dict[str, tuple]:
    """Shapes by name; None as default means nullable."""
    return {
        name: shape(field.annotation, tuple(field.metadata))
        for name, field in model.model_fields.items()
    }


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.table)
def test_columns_are_as_declared(governance_database, model):
    """Same names, types and nullability, in both directions."""
    with psycopg.connect(governance_database.admin) as conn:
        there = {name: rest for name, *rest in conn.execute(COLUMNS, [model.table])}
    wanted = fields(model)

    assert set(there) == set(wanted)
    for name, (kind, nullable, _, _) in wanted.items():
        assert there[name][0] in TYPES[kind], name
        assert there[name][1] is not nullable, name


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.table)
def test_ranges_and_words_are_checked_by_the_database(governance_database, model):
    """Every bound and every enumeration of the model stands in a CHECK, and no other."""
    with psycopg.connect(governance_database.admin) as conn:
        checks = dict(conn.execute(CHECKS, [model.table]).fetchall())
    for name, (kind, _, bounds, words) in fields(model).items():
        check = checks.get(f"{model.table.split('.')[1]}_{name}_check", "")
        if words:
            assert set(re.findall(r"'([^']+)'::text", check)) == words, name
        if kind is float:
            found = re.findall(r"[<>]= \(?'?(-?[\d.]+)", check)
            assert [float(x) for x in found] == bounds, name
        if kind is dict:
            assert "jsonb_typeof" in check, name


def test_every_word_can_be_stored(governance_database):
    """An enumeration value that the CHECK lacks would lose its meaning at run time."""
    with psycopg.connect(governance_database.admin) as conn:
        checks = dict(conn.execute(CHECKS, ["core.agent_state"]).fetchall())
    for name in ("regime", "health", "action", "margin", "nearest_edge"):
        _, _, _, words = fields(AgentState)[name]
        assert all(f"'{word}'" in checks[f"agent_state_{name}_check"] for word in words)


def test_up_down_up_is_the_same_catalog(governance_database, again):
    """Rollbacks take back everything, back to front, and leave nothing in public."""

    def look():
        with psycopg.connect(governance_database.owner) as conn:
            return conn.execute(CATALOG).fetchall()

    before = look()
    empty, after = again(look)

    assert empty == []
    assert after == before


def test_grants_are_repeatable(governance_database):
    """post-apply runs after every apply."""
    with psycopg.connect(governance_database.owner) as conn:
        before = conn.execute(CATALOG).fetchall()
        conn.execute(GRANTS.read_text())
        assert conn.execute(CATALOG).fetchall() == before


def test_every_table_says_what_it_is(governance_database):
    """A COMMENT on each table and view."""
    with psycopg.connect(governance_database.owner) as conn:
        rows = [row for row in conn.execute(CATALOG) if row[0] == "relation"]

    assert rows
    assert [row[2] for row in rows if not row[4]] == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM core.agent_state",
        "UPDATE core.agent_state SET reason = 'other'",
        "TRUNCATE core.agent_state",
        "DELETE FROM core.identities",
        "DELETE FROM audit.events",
        "UPDATE audit.events SET event_type = 'other'",
        "UPDATE core.calibration SET version = 2",
        "UPDATE core.identities SET status = 'active'",
        "UPDATE core.identities SET agent_id = 'other'",
        "INSERT INTO core.identities (agent_id, status) VALUES ('a', 'active')",
        "DELETE FROM core.probe",
        "INSERT INTO audit.events_default VALUES (gen_random_uuid(), now(), 'a', 'b', '{}')",
        "CREATE TABLE core.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE core.agent_state ADD COLUMN mine int",
        "DROP TABLE core.sessions",
        "SELECT migration_id FROM ledger._yoyo_migration",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY core.identities TO PROGRAM 'cat'",
        "SET session_replication_role = replica",
    ],
)
def test_the_app_may_not(governance_database, statement):
    """One role, exactly what it needs."""
    with psycopg.connect(governance_database.app) as conn, pytest.raises(InsufficientPrivilege):
        conn.execute(statement)


def test_the_app_may_read_the_operators_views(governance_database):
    """One row per identity; versions as numbers."""
    with psycopg.connect(governance_database.app) as conn:
        conn.execute("INSERT INTO core.identities (agent_id) VALUES ('lumen'), ('ember')")
        agents = conn.execute("SELECT agent_id, energy FROM core.agents ORDER BY 1").fetchall()
        versions = conn.execute(
            "SELECT version, name, applied_at FROM core.schema_migrations ORDER BY 1"
        ).fetchall()

    assert agents == [("ember", None), ("lumen", None)]
    assert [(version, name) for version, name, _ in versions] == [
        (1, "create-core"),
        (2, "create-audit"),
        (3, "create-views"),
    ]
    assert abs(versions[0][2] - datetime.now(UTC)) < timedelta(minutes=5)


def test_metadata_is_an_object(governance_database):
    """Text that merely looks like JSON is refused."""
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        conn.execute("INSERT INTO core.identities (agent_id) VALUES ('a')")
    with psycopg.connect(governance_database.app) as conn, pytest.raises(CheckViolation):
        conn.execute("UPDATE core.identities SET metadata = '\"{}\"'")


def test_months_meet_in_every_time_zone(governance_database):
    """Bounds join without a hole or an overlap, whoever's session made them; a repeat is idle."""
    start = datetime(2027, 1, 31, 23, 30, tzinfo=UTC)
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        for month in range(14):
            zone = ("UTC", "America/Denver", "Asia/Tokyo", "Pacific/Kiritimati")[month % 4]
            conn.execute(f"SET timezone = '{zone}'")
            at = start + timedelta(days=28 * month)
            conn.execute("SELECT audit.partition_maintenance(%s)", [at])
            again = conn.execute("SELECT audit.partition_maintenance(%s)", [at]).fetchone()
            assert again == (0,)
        conn.execute("SET timezone = 'UTC'")
        bounds = conn.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class"
            " WHERE relispartition AND relname ~ '^events_2027' AND relkind = 'r' ORDER BY relname"
        ).fetchall()
    ends = [re.findall(r"'([^']+)'", bound) for (bound,) in bounds]

    assert len(ends) == 12
    assert all(left[1] == right[0] for left, right in pairwise(ends))
    assert all(end.endswith("-01 00:00:00+00") for pair in ends for end in pair)


def test_an_event_outside_every_month_is_kept(governance_database):
    """In the default partition, where /health sees it."""
    with psycopg.connect(governance_database.app) as conn:
        conn.execute(
            "INSERT INTO audit.events (event_id, recorded_at, event_type)"
            " VALUES (gen_random_uuid(), '1999-01-01+00', 'old')"
        )
        assert conn.execute("SELECT count(*) FROM audit.events_default").fetchone() == (1,)


def test_a_month_takes_its_rows_out_of_the_default(governance_database):
    """They would keep it from being made for ever; neighbours stay where they are."""
    told = "INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload) VALUES"
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        conn.execute(
            f"{told} (gen_random_uuid(), '2031-03-31 23:59:59+00', 'lumen', 'in', '{{\"a\": 1}}'),"
            " (gen_random_uuid(), '2031-03-01 00:00:00+00', 'lumen', 'in', '{}'),"
            " (gen_random_uuid(), '2031-02-28 23:59:59+00', 'lumen', 'out', '{}')"
        )
        before = conn.execute("SELECT * FROM audit.events ORDER BY recorded_at").fetchall()
        made = conn.execute("SELECT audit.partition_maintenance('2031-03-15+00')").fetchone()
        after = conn.execute("SELECT * FROM audit.events ORDER BY recorded_at").fetchall()
        where = conn.execute(
            "SELECT tableoid::regclass::text, event_type FROM audit.events ORDER BY recorded_at"
        ).fetchall()

    assert made == (3,)
    assert after == before
    assert where == [
        ("audit.events_default", "out"),
        ("audit.events_2031_03", "in"),
        ("audit.events_2031_03", "in"),
    ]


def test_a_made_month_is_as_the_others(governance_database):
    """The same columns, keys, checks and indexes as the table it belongs to."""
    query = (
        "SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype <> 'n' UNION ALL SELECT 'i', regexp_replace(indexdef, '^.* USING', '')"
        " FROM pg_indexes WHERE schemaname || '.' || tablename = %s ORDER BY 1, 2"
    )
    with psycopg.connect(governance_database.owner) as conn:
        conn.execute("SELECT audit.partition_maintenance('2031-03-15+00')")
        parent, child = (
            conn.execute(query, [table, table]).fetchall()
            for table in ("audit.events", "audit.events_2031_03")
        )

    assert parent == child
    assert len(parent) == 4
