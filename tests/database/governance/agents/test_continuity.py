"""An agent that was away comes back as who it was, and nobody comes back as another."""

import asyncio
import json

import psycopg
import pytest

from apps.bridge.refusals import Conflict, Forbidden, Unauthorized
from apps.bridge.tool import Caller
from apps.governance.keyring import KEPT
from apps.governance.tokens import Tokens
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.agents import ArchiveAgent, RegisterAgent
from schemas.governance.tables import Purpose

OPERATOR = Caller("boss")
PLAIN = frozenset({Right.CHECK_IN, Right.READ, Right.WRITE})
LUMEN = Caller("lumen", rights=PLAIN)


def ask(database, query: str) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        return conn.execute(query).fetchall()


def events(folder, agent: str) -> list[str]:
    """What the trail says of an agent, in order."""
    lines = "".join(file.read_text() for file in folder.glob("audit-*.jsonl")).splitlines()
    told = [each for each in map(json.loads, lines) if each["agent_id"] == agent]
    return [each["event_type"] for each in told]


async def archived(here, agent, caller=OPERATOR):
    """Ended."""
    return await here.registry.archive(caller, ArchiveAgent(agent=agent, reason="done"))


def test_an_agent_comes_back_by_its_continuity_token(room, governance_database, tmp_path):
    """From nowhere, to its own session; with the token, not with its name."""

    async def run():
        async with room() as here:
            _, token = await here.continuity.tell("lumen")
            stranger = Caller(session_id="s-new")
            agent = await here.continuity.resume(stranger, "lumen", token)
            return agent, await here.sessions.agent("s-new")

    assert asyncio.run(run()) == ("lumen", "lumen")
    assert events(tmp_path, "lumen") == ["identity_created", "identity_resumed"]


def test_nobody_comes_back_as_another(room, tmp_path):
    """A token of another, an access token, none, a wrong one; each is told of."""

    async def run():
        async with room() as here:
            _, mine = await here.continuity.tell("lumen")
            _, other = await here.continuity.tell("ember")
            access = await here.registry.register(OPERATOR, RegisterAgent(new_agent="spark"))
            nobody = Caller(session_id="s-1")
            for agent, token in (("lumen", other), ("lumen", mine[:-1] + "_"), ("ghost", mine),
                                 ("spark", access.token), ("lumen", "é")):  # fmt: skip
                with pytest.raises(Unauthorized):
                    await here.continuity.resume(nobody, agent, token)
            for agent, token in (("lumen", None), (None, mine), (None, None)):
                with pytest.raises(Refused):
                    await here.continuity.resume(nobody, agent, token)
            with pytest.raises(Forbidden):
                await here.continuity.resume(Caller("ember", rights=PLAIN), "lumen", mine)
            await here.sessions.bind("s-1", "ember")
            with pytest.raises(Conflict):
                await here.continuity.resume(nobody, "lumen", mine)
            with pytest.raises(Unauthorized):
                await Tokens({}, here.keyring).who(f"Bearer {mine}")
            return await here.sessions.agent("s-1")

    assert asyncio.run(run()) == "ember"
    kinds = [
        events(tmp_path, agent).count("resume_refused") for agent in ("lumen", "ghost", "spark")
    ]
    assert kinds == [3, 1, 1]


def test_the_newest_eight_continuity_tokens_live(room, governance_database):
    """Whoever asks every day fills no table; the last ones asked for work."""

    async def run():
        async with room() as here:
            tokens = [(await here.continuity.tell("lumen"))[1] for _ in range(20)]
            opened = [await here.keyring.opened(t.encode(), Purpose.CONTINUITY) for t in tokens]
            return [held is not None for held in opened]

    assert asyncio.run(run()) == [False] * 12 + [True] * 8
    assert KEPT[Purpose.CONTINUITY] == 8
    assert ask(governance_database, "SELECT count(*) FROM core.tokens") == [(8,)]


def test_an_agent_that_ended_does_not_come_back(room):
    """Its token opens nothing, and it gets no other."""

    async def run():
        async with room() as here:
            _, token = await here.continuity.tell("lumen")
            await archived(here, "lumen")
            with pytest.raises(Unauthorized):
                await here.continuity.resume(Caller(), "lumen", token)
            return await here.continuity.tell("lumen")

    said, token = asyncio.run(run())
    assert (said["status"], token) == ("archived", None)


def test_the_real_client_saves_what_it_is_given_and_comes_back_with_it(governance):
    """``identity`` as it calls it: first to harvest, then with resume=true."""
    headers = {"X-Agent-Id": "49e14444-b59e-48f1-83b8-000000000001", "X-Session-ID": "creature"}
    _, first = governance.call("identity", {"client_session_id": "lumen-49e14444"}, headers)
    saved = {key: first[key] for key in ("uuid", "continuity_token", "client_session_id")}
    back = {"client_session_id": saved["client_session_id"], "agent_uuid": saved["uuid"],
            "continuity_token": saved["continuity_token"], "resume": True}  # fmt: skip
    refused, second = governance.call("identity", back, {"X-Session-ID": "another"})
    _, third = governance.call("identity", {}, {"X-Session-ID": "another"})
    wrong, said = governance.call("identity", back | {"continuity_token": "abode-1-x"})

    assert not refused
    assert second["resumed"] is True
    assert first["resumed"] is False
    assert second["uuid"] == third["uuid"] == second["resolved_agent_id"] == headers["X-Agent-Id"]
    assert second["continuity_token"] != first["continuity_token"]
    assert (wrong, said["success"]) == (True, False)
    assert governance.rows("SELECT count(*) FROM core.identities") == [(1,)]


def test_a_wipe_makes_no_ghosts(start, redis, tmp_path):
    """1,074 duplicates came of one upstream. Here a session that is nobody's makes nobody."""
    (tmp_path / "redis").write_text(redis.password)
    living = start(
        REDIS_SOCKET=str(redis.socket),
        REDIS_USER="governance",
        REDIS_PASSWORD_FILE=str(tmp_path / "redis"),
    ).ready()
    calm = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}

    def check_in(agent, session, seq):
        who = {"agent": agent} if agent else {}
        body = {**who, "anima": calm, "boot_id": f"boot-{session}", "seq": seq}
        return living.ask("POST", "/v1/checkins", json.dumps(body), {"X-Session-ID": session})[0]

    for n in range(5):
        assert check_in(f"agent-{n}", f"session-{n}", 1) == 200
    for seq in range(2, 5):
        redis.cli("FLUSHALL")
        assert [check_in(None, f"session-{n}", seq) for n in range(5)] == [200] * 5
        assert check_in(None, f"stranger-{seq}", seq) == 422

    assert living.rows("SELECT agent_id FROM core.identities ORDER BY 1") == [
        (f"agent-{n}",) for n in range(5)
    ]
    assert living.rows("SELECT count(*) FROM core.agent_state") == [(20,)]
