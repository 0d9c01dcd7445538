"""Whoever was archived or disabled does nothing any more, whichever token it brings."""

import asyncio
import json

import pytest

from apps.governance.desk import Desk
from apps.governance.lives import Lives
from apps.postgres import PostgresSettings, pool

CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
CHECK_IN = json.dumps({"anima": CALM})
HTML = {"Accept": "text/html"}
READS = [
    ("GET", "/v1/where?term=void", None),
    ("GET", "/page/audit", None),
    ("GET", "/page/events", None),
    ("POST", "/v1/tools/list_agents", "{}"),
    ("POST", "/v1/tools/call", '{"name": "get_agent"}'),
    ("POST", "/v1/tools/identity", "{}"),
    ("POST", "/v1/tools/update_agent_metadata", '{"purpose": "to go on"}'),
    ("POST", "/v1/tools/record_result", '{"outcome_type": "x"}'),
]


def bearer(governance, agent: str, kind: str) -> dict[str, str]:
    """A token of the deploy, or one that governance gave."""
    if kind == "deploy":
        return {"Authorization": f"Bearer token-of-{agent}"}
    asked = json.dumps({"agent": agent, "rights": ["check-in", "read", "write"]})
    _, _, body = governance.ask("POST", "/v1/tools/issue_token", asked)
    return {"Authorization": f"Bearer {json.loads(body)['token']}"}


def become(governance, agent: str, status: str) -> None:
    """What an operator does by hand."""
    governance.rows(
        f"UPDATE core.identities SET status = '{status}' WHERE agent_id = '{agent}' RETURNING 1"
    )


@pytest.mark.parametrize(("kind", "status"), [("deploy", "archived"), ("ours", "disabled")])
def test_who_has_ended_reads_and_writes_nothing(governance, eventually, kind, status):
    """It is told so, and what to do; its check-ins are answered with pause, until it is back."""
    governance.ask("POST", "/v1/checkins", CHECK_IN, {"X-Agent-Id": "lumen"})
    become(governance, "lumen", status)
    token = bearer_of_ended(governance, kind, status)

    def ask(method, path, body):
        return governance.ask(method, path, body, HTML | token, "lan")

    for method, path, body in READS:
        got, _, said = ask(method, path, body)
        assert got == 403, (path, said)
        assert f"is {status}, and may only check in" in said.replace("&#39;", "'"), path
        assert "an operator may bring it back" in said, path
    wrong, said = governance.call("get_agent", {}, token, door="lan")
    assert (wrong, said["error"]) == (True, f"agent 'lumen': is {status}, and may only check in")
    got, _, said = ask("POST", "/v1/checkins", CHECK_IN)
    assert (got, json.loads(said)["action"]) == (200, "pause")
    wrong, said = governance.call("sync_state", {"sensor_data": {"anima": CALM}}, token, door="lan")
    assert (wrong, said["action"]) == (False, "pause")
    assert governance.rows("SELECT purpose FROM core.identities") == [(None,)]

    become(governance, "lumen", "active")
    back = eventually(lambda: ask("POST", "/v1/tools/list_agents", "{}")[0] == 200, 10, 0.2)
    assert back


def bearer_of_ended(governance, kind, status):
    """Its token; ours was given while it lived."""
    if kind == "deploy":
        return bearer(governance, "lumen", kind)
    become(governance, "lumen", "active")
    token = bearer(governance, "lumen", kind)
    become(governance, "lumen", status)
    return token


def test_who_archives_itself_is_refused_at_once(governance):
    """Though a moment ago it was known to live."""
    token = bearer(governance, "lumen", "deploy")
    governance.ask("POST", "/v1/checkins", CHECK_IN, token, "lan")
    before = governance.ask("POST", "/v1/tools/list_agents", "{}", token, "lan")[0]
    ended = governance.ask(
        "POST", "/v1/tools/archive_agent", '{"reason": "done"}', token, "lan"
    )[0]  # fmt: skip
    after = governance.ask("POST", "/v1/tools/list_agents", "{}", token, "lan")[0]

    assert (before, ended, after) == (200, 200, 403)


def test_a_thousand_calls_ask_postgres_once(governance_database):
    """What was found is believed for some seconds."""
    asked = []

    async def run():
        told = PostgresSettings(url=governance_database.app, min_conn=2, max_conn=4)
        async with pool(told) as store:
            lives = Lives(Desk(store))
            load = lives._load

            async def noted(agents):
                asked.append(agents)
                return await load(agents)

            lives._believed._gather._load = noted
            for _ in range(500):
                await lives.ended("lumen")
            await asyncio.gather(*(lives.ended("lumen") for _ in range(500)))

    asyncio.run(run())
    assert asked == [["lumen"]]
