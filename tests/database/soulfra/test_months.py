"""Loops in their months, agents in their parts: made ahead, and looked into one by one."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from psycopg import errors

LOOP = """
INSERT INTO soulfra.loops (loop_id, creator_id, agent_id, created_at)
SELECT %s, u.id, 'oracle', %s FROM soulfra.users AS u
"""


@pytest.fixture
def owner(soulfra_database):
    """Its own clock, a user and an agent."""
    with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
        conn.execute("INSERT INTO soulfra.users (username, email) VALUES ('ada', 'ada@x.org')")
        conn.execute(
            "INSERT INTO soulfra.agents (agent_id, owner_id, archetype, slot)"
            " SELECT 'oracle', id, 'oracle', 7 FROM soulfra.users"
        )
        yield conn


def months(conn):
    """The months there are."""
    found = conn.execute(
        "SELECT right(inhrelid::regclass::text, 7) FROM pg_catalog.pg_inherits"
        " WHERE inhparent = 'soulfra.loops'::regclass ORDER BY 1"
    )
    return [name for (name,) in found]


def test_this_month_and_six_more_are_there(owner):
    """Made by the migration; a second call makes nothing."""
    now = datetime.now(UTC)
    ahead = [divmod(now.year * 12 + now.month - 1 + n, 12) for n in range(7)]

    assert months(owner) == [f"{year}_{month + 1:02}" for year, month in ahead]
    assert owner.execute("SELECT soulfra.create_loop_months(now())").fetchone() == (0,)


def test_a_month_that_is_not_made_refuses_and_then_takes(owner):
    """No loop is lost in a default partition from which nothing could be moved."""
    late = datetime(2031, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    with pytest.raises(errors.CheckViolation, match="no partition of relation"):
        owner.execute(LOOP, ("a", late))
    assert owner.execute("SELECT soulfra.create_loop_months(%s)", (late,)).fetchone() == (7,)
    owner.execute(LOOP, ("a", late))
    owner.execute(LOOP, ("b", late + timedelta(microseconds=1)))

    found = owner.execute(
        "SELECT right(tableoid::regclass::text, 7), loop_id FROM soulfra.loops ORDER BY 2"
    ).fetchall()
    assert found == [("2031_03", "a"), ("2031_04", "b")]


def test_the_process_makes_the_months_of_today_only(soulfra_database, owner):
    """Else whoever has its password could make tables without end."""
    there = months(owner)
    with psycopg.connect(soulfra_database.app, autocommit=True) as app:
        assert app.execute("SELECT soulfra.create_loop_months('2040-01-01+00')").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("CREATE TABLE soulfra.loops_2040_01 (a integer)")

    assert months(owner) == there


@pytest.mark.parametrize("zone", ["UTC", "America/Denver", "Asia/Kolkata"])
def test_months_have_no_hole_whatever_the_zone(soulfra_database, zone):
    """Each begins where the one before ends, at midnight UTC."""
    with psycopg.connect(
        soulfra_database.owner, autocommit=True, options=f"-c timezone={zone}"
    ) as conn:
        conn.execute("SELECT soulfra.create_loop_months('2033-11-15+00')")
        conn.execute("SET timezone = 'UTC'")
        bounds = conn.execute(
            "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_catalog.pg_inherits AS i"
            " JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'soulfra.loops'::regclass"
            " AND c.relname >= 'loops_2033' ORDER BY c.relname"
        ).fetchall()
    edges = [text.split("'")[1::2] for (text,) in bounds]

    assert len(edges) == 7
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert all(edge.endswith("-01 00:00:00+00") for pair in edges for edge in pair)


def scanned(conn, query, *values):
    """Which partitions a plan looks into."""
    conn.execute("SET plan_cache_mode = force_custom_plan")
    (plan,) = conn.execute(f"EXPLAIN (FORMAT JSON) {query}", values).fetchone()
    return set(re.findall(r'"Relation Name": "(\w+)"', json.dumps(plan)))


def test_a_question_looks_into_one_part(owner):
    """By the day a loop began; by the name of an agent."""
    day = datetime.now(UTC).replace(day=2)
    loops = scanned(owner, "SELECT loop_id FROM soulfra.loops WHERE created_at = %s", day)
    agents = scanned(owner, "SELECT archetype FROM soulfra.agents WHERE agent_id = %s", "oracle")

    assert loops == {f"loops_{day:%Y_%m}"}
    assert len(agents) == 1
