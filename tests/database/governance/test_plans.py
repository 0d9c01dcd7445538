"""The last state of one agent is found in its own index, however few rows it has among all.

With an equality Postgres may read the primary key backwards instead: it takes the rows of an
agent for evenly spread, and reads ten million of them for one that was never heard.
"""

import re
from pathlib import Path

import psycopg
import pytest

from apps import governance
from apps.queries import load

ROOM = Path(governance.__file__).parent
QUERIES = {
    f"{file.relative_to(ROOM)}: {name}": sql
    for file in sorted(ROOM.rglob("*.sql"))
    for name, sql in load(file).items()
}
OF_ONE = re.compile(
    r"(\w+)\.identity_id (=|BETWEEN) \S+(?: AND \S+)? AND NOT \1\.late"
    r"(?:\s+AND \S+ \S+ \S+)?\s+ORDER BY [^;]{0,40}?state_id DESC"
)
ASKED = '[{"place": 0, "agent": "silent", "boot_id": "boot-00000001", "seq": 1}]'
VALUES = {"asked": ASKED, "agent": "silent", "limit": 100, "before": 2**63 - 1, "identity_id": 3,
          "everyone": True, "silent": True, "sought": "", "skip": 0}  # fmt: skip
PLANNED = [
    "queries.sql: standing", "health.sql: steady_agents", "outcomes.sql: last_two",
    "page/page.sql: agents", "page/page.sql: agent", "page/page.sql: verdicts_of",
]  # fmt: skip


@pytest.fixture(scope="module")
def crowd(shared_database):
    """Two agents that said all there is, and one that never said a word."""
    with psycopg.connect(shared_database.admin, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO core.identities (agent_id, last_activity_at)"
            " SELECT * FROM (VALUES ('one', now()), ('other', now()), ('silent', now())) AS v"
        )
        conn.execute("""
            INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256, recorded_at,
                   received_at, late, energy, integrity, entropy, void, coherence, regime, health,
                   risk, action, margin, nearest_edge, reason, warmth, clarity, stability,
                   presence, state_json)
            SELECT i.identity_id, 'boot-00000001', n, sha256('x'), now(), now(), false, 0.7, 0.8,
                   0.1, 0, 0.5, 'STABLE', 'healthy', 0.2, 'proceed', 'tight', 'risk', 'x', 0.5,
                   0.5, 0.5, 0.5, '{}'
              FROM generate_series(1, 20000) AS n
              JOIN core.identities AS i ON i.agent_id = CASE n % 2
                   WHEN 0 THEN 'one' ELSE 'other' END
        """)  # fmt: skip
        conn.execute("VACUUM ANALYZE core.agent_state")
    with psycopg.connect(shared_database.app, autocommit=True) as conn:
        conn.execute("SET search_path = pg_catalog")
        yield conn


@pytest.mark.parametrize("name", PLANNED)
def test_nobody_s_last_state_is_looked_for_among_everybody_s(crowd, name):
    """The plan never walks the primary key."""
    plan = "\n".join(row[0] for row in crowd.execute(f"EXPLAIN {QUERIES[name]}", VALUES))

    assert "agent_state_identity_id_state_id_idx" in plan
    assert "agent_state_pkey" not in plan


def test_a_plan_of_the_first_day_serves_later(governance_database):
    """Nothing is known of the table yet, and what is prepared now is kept when it has grown."""
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        lines = conn.execute(f"EXPLAIN {QUERIES['queries.sql: standing']}", VALUES).fetchall()

    assert not [line for (line,) in lines if "Seq Scan on agent_state" in line]


@pytest.mark.parametrize("name", [n for n, sql in QUERIES.items() if OF_ONE.search(sql)])
def test_every_query_for_the_last_of_one_agent_says_it_so(name):
    """As a range of one, ordered as the index is."""
    found = [one[2] for one in OF_ONE.finditer(QUERIES[name])]

    assert found == ["BETWEEN"] * len(found)
