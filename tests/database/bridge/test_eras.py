"""The real client of both eras at our doors: a pause reaches it, and no refusal is a go-ahead."""

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest

client = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("eras.py"))))
eras = pytest.mark.parametrize("era", client.ERAS, ids=lambda era: era.name)
accepts = pytest.mark.parametrize(
    "accept", [client.STREAM, "application/json"], ids=["stream", "json"]
)
STATE = """SELECT action, margin, reason, state_json
  FROM core.agent_state JOIN core.identities USING (identity_id)
 WHERE agent_id = '{}' ORDER BY state_id"""
WHERE = ("action", "margin", "reason", "resolved_agent_id", "success")


@pytest.fixture
def creature():
    """A new one, by the uuid that it goes by."""
    return str(uuid4())


@pytest.fixture
def governance(standing_governance):
    """One for all of them."""
    return standing_governance


def said_by(governance, creature, era, anima, *, accept=client.STREAM, path=None, **changed):
    """One check-in, and what the client makes of the answer."""
    arguments = {**era.arguments(anima), **changed}
    body = client.body_of(era.tool, arguments)
    return client.decision(
        era, *client.post(governance, creature, era, body, accept=accept, path=path)
    )


@eras
@accepts
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_a_calm_creature_may_go_on(governance, creature, era, accept, path):
    """With the reason and the margin that the server gave, not those that the client makes up."""
    told = said_by(governance, creature, era, client.CALM, accept=accept, path=path)
    [(action, margin, reason, state)] = governance.rows(STATE.format(creature))

    assert (told.action, told.margin, told.reason) == (action, margin, reason)
    assert told.action == "proceed"
    assert told.reason != "Governance check completed"
    assert told.agent == creature
    assert state["drawing_eisv"] == client.DRAWING


@eras
@accepts
def test_a_pause_reaches_the_client(governance, creature, era, accept):
    """Where upstream's own server lost it: in the verdict, and in every one after it."""
    said_by(governance, creature, era, client.CALM, accept=accept)
    told = said_by(governance, creature, era, client.UPSET, accept=accept)

    assert (told.action, told.margin) == ("pause", "critical")
    assert told.reason.startswith("High risk")


@eras
@accepts
def test_an_operators_hold_reaches_the_client(governance, creature, era, accept):
    """At the very next check-in and the one after, however calm they are."""
    said_by(governance, creature, era, client.CALM, accept=accept)
    with psycopg.connect(governance.database.admin, autocommit=True) as conn:
        conn.execute("UPDATE core.identities SET status = 'paused' WHERE agent_id = %s", [creature])
    told = [said_by(governance, creature, era, client.CALM, accept=accept) for _ in range(2)]

    assert [(one.action, one.margin) for one in told] == [("pause", "critical")] * 2
    assert "paused" in told[0].reason


def test_the_second_check_in_uses_the_id_it_was_given(governance, creature):
    """At HEAD: identity, then agent-<12 hex> as client_session_id, a row each time."""
    head = client.ERAS[1]
    said_by(governance, creature, head, client.CALM)
    asked = client.body_of("identity", {"client_session_id": f"lumen-{creature}"})
    status, kind, text = client.post(governance, creature, head, asked)
    known = json.loads(client.message(kind, text)["result"]["content"][0]["text"])
    told = said_by(
        governance, creature, head, client.CALM, client_session_id=known["client_session_id"]
    )  # fmt: skip

    assert status == 200
    assert re.fullmatch(r"agent-[0-9a-f]{12}", known["client_session_id"])
    assert known["uuid"] == told.agent == creature
    assert len(governance.rows(STATE.format(creature))) == 2


@eras
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (
            "update_agent_metadata",
            {
                "purpose": "Lumen - embodied digital creature (creature_id: 49e14444...)",
                "tags": ["lumen", "anima", "creature", "embodied", "autonomous"],
                "preferences": {
                    "born_at": "2026-01-11T19:24:16.155012", "total_awakenings": 1,
                    "total_alive_seconds": 0.0, "alive_ratio": 0.0, "name_history": [],
                    "current_awakening_at": None,
                },
                "notes": "Lumen identity: creature_id=49e14444, awakenings=1",
            },
        ),
        ("identity", {}),
        ("record_result", {"outcome_type": "drawing_completed", "outcome_score": 0.7,
                           "is_bad": False, "detail": {"marks": 920}}),
        ("outcome_event", {"outcome_type": "drawing_completed", "outcome_score": None,
                           "is_bad": None, "detail": None}),
    ],
)  # fmt: skip
def test_the_other_calls_of_the_client_are_answered(governance, creature, era, tool, arguments):
    """As it reads them: a result, and no error beside it."""
    arguments = {"client_session_id": f"lumen-{creature}", **arguments}
    status, kind, text = client.post(governance, creature, era, client.body_of(tool, arguments))
    told = client.message(kind, text)
    said = json.loads(told["result"]["content"][0]["text"])

    assert status == 200
    assert told["result"]["isError"] is False
    assert "error" not in told
    assert (said["success"], said["resolved_agent_id"]) == (True, creature)


@eras
def test_the_probe_of_life_needs_no_handshake(governance, creature, era):
    """tools/list as its 51 bytes, with the tools that the client will call."""
    asked = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    status, kind, text = client.post(governance, creature, era, asked)
    names = {tool["name"] for tool in client.message(kind, text)["result"]["tools"]}

    assert status == 200
    assert {era.tool, "update_agent_metadata", "identity", "record_result"} <= names


REFUSED = {
    "above its range": lambda said: said.replace("0.393", "1.393"),
    "a word for a number": lambda said: said.replace("0.906", '"high"').replace('\\"high"', "1.5"),
    "not a number": lambda said: said.replace("0.1189", "NaN"),
    "beyond every range": lambda said: said.replace("0.1189", "1e999"),
    "an unknown key": lambda said: said.replace("agent_name", "agent_nmae"),
    "an unknown block": lambda said: said.replace("environment", "environs"),
    "no block": lambda said: said.replace("sensor_data", "sensor_date").replace(
        "parameters", "perimeters"
    ),
    "half a message": lambda said: said[: len(said) // 2],
    "nothing": lambda said: "",
    "a list": lambda said: f"[{said}]",
    "null": lambda said: "null",
    "arguments as text": lambda said: json.dumps(
        {**json.loads(said), "params": {"name": json.loads(said)["params"]["name"],
                                        "arguments": "all of them"}}),
    "no arguments": lambda said: json.dumps(
        {**json.loads(said), "params": {"name": json.loads(said)["params"]["name"]}}),
    "an unknown tool": lambda said: said.replace("sync_state", "sink_state").replace(
        "process_agent_update", "process_agent_updates"
    ),
    "too long": lambda said: said.replace("Anima state", "x" * 2_000_000),
    "a NUL": lambda said: said.replace("Anima state", "\\u0000"),
    "another JSON-RPC": lambda said: said.replace('"2.0"', '"1.0"'),
}  # fmt: skip


@eras
@accepts
def test_no_refusal_is_a_go_ahead(governance, creature, era, accept):
    """Each is a failure to the client, or a pause; upstream's were read as proceed."""
    calm = client.body_of(era.tool, era.arguments(client.CALM))
    read = {}
    for name, spoilt in REFUSED.items():
        body = spoilt(calm)
        assert body != calm, name
        answer = client.post(governance, creature, era, body, accept=accept)
        try:
            read[name] = client.decision(era, *answer).action
        except client.Failed:
            read[name] = "failed"
        assert read[name] in {"failed", "pause"}, (name, answer)

    assert governance.rows(STATE.format(creature)) == []
    assert set(read) == set(REFUSED)
    if era.name == "february":  # it cannot see a refusal, so it is told to pause
        assert read["above its range"] == read["no arguments"] == "pause"


@eras
def test_a_refused_verdict_has_all_that_a_verdict_has(governance, creature, era):
    """At the top level, where either era looks."""
    arguments = era.arguments({**client.CALM, "warmth": 1.5})
    _, kind, text = client.post(governance, creature, era, client.body_of(era.tool, arguments))
    result = client.message(kind, text)["result"]
    said = json.loads(result["content"][0]["text"])

    assert result["isError"] is True
    assert set(WHERE) <= set(said)
    assert (said["success"], said["action"], said["margin"]) == (False, "pause", "critical")
    assert said["reason"] == said["error"]


@eras
@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_stranger_at_the_lan_door_is_not_told_to_go_on(governance, creature, era, token):
    """401 is a failure to it; with a token it is its agent, whatever its headers claim."""
    body = client.body_of(era.tool, era.arguments(client.CALM))
    stranger = client.post(
        governance, creature, era, body, door="lan", Authorization=f"Bearer {token}"
    )
    with pytest.raises(client.Failed, match="HTTP 401"):
        client.decision(era, *stranger)
    known = client.post(
        governance, creature, era, body, door="lan", Authorization="Bearer token-of-lumen"
    )

    assert client.decision(era, *known).agent == "lumen"


def test_a_store_that_fails_is_no_go_ahead(start, creature):
    """What could not be kept was not judged."""
    broken = start().ready()
    with psycopg.connect(broken.database.admin, autocommit=True) as conn:
        conn.execute("REVOKE INSERT ON core.agent_state FROM governance")
    for era in client.ERAS:
        body = client.body_of(era.tool, era.arguments(client.CALM))
        answer = client.post(broken, creature, era, body)
        try:
            action = client.decision(era, *answer).action
        except client.Failed:
            action = "failed"
        assert action in {"failed", "pause"}, answer


@eras
def test_the_clients_blind_spot_is_in_these_tests(era):
    """Should this fail, the readers above are no longer those of the real client."""
    answer = json.dumps({"result": {"content": [{"type": "text", "text": '{"decision": "pause"}'}],
                                    "isError": False}})  # fmt: skip
    told = client.decision(era, 200, "application/json", answer)

    assert (told.action, told.margin) == ("proceed", "comfortable")
