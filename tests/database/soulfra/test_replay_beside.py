"""A replay beside followers: no transaction of ours writes for longer than a chunk takes."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from apps.soulfra import recount
from apps.soulfra.instant import asked_at
from apps.soulfra.rebuild import rebuild
from schemas.errors import Diverged, Refused
from tests.database.soulfra.test_drift import connected

EVENTS = 50_000
LOOK_SECONDS = 0.01
LONGEST = 1 / 3
"""Of all the time: a chunk is a tenth of it."""
USER = """
SELECT log.append(jsonb_build_array(jsonb_build_object(
    'stream', 'user:00000000-0000-0000-0000-000000000001', 'version', 1, 'type', 'user_registered',
    'schema_version', 1, 'metadata', '{}'::jsonb, 'data', jsonb_build_object(
        'username', 's1.' || repeat('a', 20), 'email', 's1.' || repeat('b', 20), 'tier', 'free'))))
"""
AGENTS = """
SELECT log.append(jsonb_agg(jsonb_build_object(
           'stream', 'agent:a' || n, 'version', 1, 'type', 'agent_registered',
           'schema_version', 1, 'metadata', '{}'::jsonb, 'data', jsonb_build_object(
               'owner_id', '00000000-0000-0000-0000-000000000001', 'archetype',
               's1.' || repeat('c', 20),
               'tone', 'joy', 'slot', n %% 4096))))
  FROM generate_series(%(low)s::integer, %(high)s::integer) AS n
"""
SHIFTS = """
SELECT log.append(jsonb_agg(jsonb_build_object(
           'stream', 'agent:a' || n, 'version', 2, 'type', 'tone_shifted',
           'schema_version', 1, 'metadata', '{}'::jsonb,
           'data', '{"before": "joy", "after": "grief"}'::jsonb)))
  FROM generate_series(%(low)s::integer, %(high)s::integer) AS n
"""
HOLDING = """
SELECT a.backend_xid::text, left(a.query, 60) FROM pg_stat_activity AS a
 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_xid IS NOT NULL
   AND a.backend_type = 'client backend'
"""


@pytest.fixture
def owner(soulfra_database):
    """Who may replace tables; 50,000 things happened."""
    with psycopg.connect(
        soulfra_database.owner, autocommit=True, options="-c timezone=UTC"
    ) as conn:
        conn.execute(USER)
        for query in (AGENTS, SHIFTS):
            for low in range(0, EVENTS // 2, 1_000):
                conn.execute(query, {"low": low, "high": low + 999})
        yield conn


@contextmanager
def watched(database):
    """Which share of the time a transaction that writes was seen, by what it did last."""
    seen, ended = {}, threading.Event()

    def look():
        with psycopg.connect(database.admin, autocommit=True) as conn:
            while not ended.wait(LOOK_SECONDS):
                now = time.monotonic()
                for xid, query in conn.execute(HOLDING).fetchall():
                    began = seen.get(xid, (now,))[0]
                    seen[xid] = (began, now, query)

    watching = threading.Thread(target=look)
    watching.start()
    held, began = {}, time.monotonic()
    try:
        yield held
    finally:
        ended.set()
        watching.join()
        whole = time.monotonic() - began
        for first, last, query in seen.values():
            held[query] = max(held.get(query, 0), (last - first) / whole)
        assert len(seen) > 1


def test_an_instant_is_asked_without_holding_followers(soulfra_database, owner):
    """All of it is committed in chunks; the query only reads."""
    with watched(soulfra_database) as held:
        found = asked_at(owner, datetime.now(UTC), "SELECT count(*) FROM agents", chunk=5_000)
    assert found[1] == [(EVENTS // 2,)]
    assert max(held.values()) < LONGEST, held


def test_a_rebuild_compares_without_holding_followers(soulfra_database, owner):
    """Replay, indexes, comparison and swap: each is short."""
    rebuild(owner, mend=True)
    with watched(soulfra_database) as held:
        assert rebuild(owner, chunk=5_000).differing == ()
    assert max(held.values()) < LONGEST, held
    assert not [query for query in held if "hashtext" in query]


def test_drift_is_counted_anew_without_holding_followers(run, soulfra_database, owner):
    """Beside what is told, which is told until it takes its place."""

    async def anew():
        async with await connected(soulfra_database, "owner") as conn:
            return await recount.anew(conn)

    with watched(soulfra_database) as held:
        assert run(anew()) == EVENTS + 1
    assert max(held.values()) < LONGEST, held


def test_an_instant_is_asked_once_at_a_time_and_changes_nothing(soulfra_database, owner):
    """What a killed one left goes; two do not meet; a query that writes is refused."""
    asked = "SELECT count(*) FROM users"
    now = datetime.now(UTC)
    with psycopg.connect(soulfra_database.owner, autocommit=True) as other:
        other.execute("CREATE SCHEMA soulfra_then; CREATE TABLE soulfra_then.left_over (a integer)")
        other.execute("SELECT pg_advisory_lock(hashtext('soulfra_then'))")
        with pytest.raises(Diverged, match="soulfra_then: somebody else"):
            asked_at(owner, now, asked)
        other.execute("SELECT pg_advisory_unlock_all()")
    for query in ("DELETE FROM soulfra.users", "SELECT nextval('soulfra.blessings_id_seq')"):
        with pytest.raises(Refused, match="changes something"):
            asked_at(owner, now, query)
    with pytest.raises(psycopg.errors.SyntaxError):
        asked_at(owner, now, "COMMIT; DROP TABLE soulfra.transformations")
    assert asked_at(owner, now, asked)[1] == [(1,)]
    assert owner.execute("SELECT to_regnamespace('soulfra_then')").fetchone() == (None,)
