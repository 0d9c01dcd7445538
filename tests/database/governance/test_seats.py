"""Nobody who looks takes the seats of those who work, nor locks anybody out."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

READER = {"Authorization": "Bearer token-of-lumen", "Accept": "text/html"}
SEATS = 10
"""Of the pool, all in all."""


@contextmanager
def held(governance, table: str):
    """Whoever reads a table waits meanwhile."""
    with psycopg.connect(governance.database.admin) as conn:
        conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        conn.rollback()


@pytest.fixture
def strangers(governance):
    """Headers of agents whose tokens this process has never seen."""
    told = []
    for n in range(8):
        asked = json.dumps({"new_agent": f"agent-{n}", "rights": ["read", "check-in"]})
        _, _, body = governance.ask("POST", "/v1/tools/register_agent", asked)
        told.append({"Authorization": f"Bearer {json.loads(body)['token']}"})
    return told


def test_readers_at_ten_times_the_seats_lock_no_agent_out(governance, strangers):
    """A token is looked up in time; the surplus of pages is told to come later."""

    def look(_):
        status, headers, _ = governance.ask("GET", "/page/verdicts", None, READER, "lan")
        return status, int(headers.get("retry-after", 0))

    with held(governance, "core.agent_state"), ThreadPoolExecutor(10 * SEATS) as crowd:
        pages = [crowd.submit(look, n) for n in range(10 * SEATS)]
        time.sleep(0.7)
        took = []
        for headers in strangers:
            begun = time.monotonic()
            said = governance.ask("POST", "/v1/tools/get_thresholds", "{}", headers, "lan")
            took.append((said[0], time.monotonic() - begun))
        found = [page.result() for page in pages]

    assert [status for status, _ in took] == [200] * len(strangers)
    assert max(seconds for _, seconds in took) < 1.0
    assert {status for status, _ in found} == {503}
    assert all(seconds > 0 for _, seconds in found)
    assert governance.ask("GET", "/page/verdicts", None, READER, "lan")[0] == 200


def test_tools_at_ten_times_the_seats_lock_no_agent_out_either(governance, strangers):
    """Who knocks is found out on a connection that no caller gets."""

    def work(_):
        return governance.ask("POST", "/v1/tools/list_agents", "{}", {"X-Agent-Id": "op"})[0]

    with held(governance, "core.agent_state"), ThreadPoolExecutor(10 * SEATS) as crowd:
        calls = [crowd.submit(work, n) for n in range(10 * SEATS)]
        time.sleep(0.7)
        begun = time.monotonic()
        knocked = governance.ask("GET", "/v1/tools", None, strangers[0], "lan")[0]
        took = time.monotonic() - begun
        found = {call.result() for call in calls}

    assert (knocked, took < 1.0) == (200, True)
    assert found == {503}


def test_where_is_asked_no_more_often_than_any_tool(start):
    """Sixty times a minute by each agent, then later."""
    governance = start(GOVERNANCE_LOCAL_OPEN="false").ready()
    asked = [governance.ask("GET", "/v1/where?term=void", None, READER, "lan") for _ in range(61)]

    assert [status for status, _, _ in asked] == [200] * 60 + [429]
    assert 0 < int(asked[-1][1]["retry-after"]) <= 60


def test_who_listens_for_news_is_refused_before_anything_is_answered(governance):
    """While Postgres does not answer: an answer that had begun would have no end."""
    with held(governance, "core.agent_state"):
        status, headers, _ = governance.ask("GET", "/page/events", None, READER, "lan")

    assert (status, "retry-after" in headers) == (503, True)
