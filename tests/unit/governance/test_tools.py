"""The real client's calls, in both shapes, and JSON-RPC's own refusals."""

import asyncio
import json

import pytest

from apps.bridge import envelope
from apps.bridge.tool import Caller, Tool
from apps.bridge.tools import dispatch
from apps.governance.calls import toolbox
from schemas.bridge import Verdict
from schemas.errors import Diverged, Refused, Unreachable
from schemas.governance.calls import Reply, Right
from schemas.governance.calls.checkin import SyncState
from schemas.governance.calls.identity import AskIdentity

DRAWING = {
    "E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47, "marks": 142, "phase": "developing",
    "era": "gestural", "energy": 0.6, "curiosity": 0.8, "engagement": 0.5, "fatigue": 0.1,
    "arc_phase": "developing", "i_momentum": 0.3, "coherence_settled": False,
    "attention_exhausted": False, "narrative_complete": False,
    "compositional_satisfaction": 0.41,
}  # fmt: skip
BLOCK = {
    "eisv": {"E": 0.393, "I": 0.786, "S": 0.094, "V": -0.393},
    "anima": {"warmth": 0.393, "clarity": 0.786, "stability": 0.906, "presence": 0.883},
    "environment": {
        "cpu_temp_c": 53.07, "ambient_temp_c": 24.0, "humidity_pct": 20.0, "light_lux": 416.7,
        "cpu_percent": 12.0, "memory_percent": 41.0,
    },
    "identity": {
        "total_awakenings": 1, "total_alive_seconds": 0.0, "alive_ratio": 0.0, "age_seconds": 1.35,
    },
    "drawing_eisv": DRAWING,
}  # fmt: skip
HEAD = {
    "client_session_id": "lumen-49e14444", "agent_name": "Lumen", "complexity": 0.1189,
    "confidence": 0.8414, "ethical_drift": [0.0, 0.0, 0.0],
    "response_text": "Anima state: content.", "sensor_data": BLOCK, "response_mode": "minimal",
}  # fmt: skip
FEB = {
    **{key: HEAD[key] for key in ("client_session_id", "agent_name", "complexity", "confidence")},
    "parameters": [{"key": "sensor_data", "value": json.dumps(BLOCK)}],
}


def call(name: str, arguments: object) -> dict:
    """A tools/call."""
    return {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }  # fmt: skip


def ask(request: object, run: object = None, rights: frozenset = frozenset(Right)) -> dict | None:
    """The reply, with ``run`` behind one tool that gives verdicts and one that does not."""

    async def bind(tool: Tool, name: object) -> Caller:
        return Caller("lumen", None, rights)

    tools = (
        Tool("sync_state", "Check in.", SyncState, Verdict, Right.CHECK_IN, run, is_verdict=True),
        Tool("identity", "Who am I.", AskIdentity, Reply, Right.READ, run),
    )
    server = {"name": "governance", "version": "0"}
    return asyncio.run(dispatch(request, toolbox([tools]), bind, server))


@pytest.mark.parametrize("arguments", [HEAD, FEB], ids=["head", "february"])
def test_both_shapes_mean_the_same_check_in(arguments):
    """sensor_data as an object, and as JSON text among the parameters."""
    said = envelope.check_in(arguments)

    assert said.sensor_data.drawing_eisv.model_dump(mode="json", exclude_unset=True) == DRAWING
    assert said.sensor_data.cpu_temp_c == 53.07
    assert said.identity.awakenings == 1
    assert said.eisv.V == -0.393
    assert envelope.complexity(arguments) == 0.1189


def test_februarys_void_is_taken():
    """V = 0.3 (1 - presence) then."""
    block = {**BLOCK, "eisv": {**BLOCK["eisv"], "V": 0.035}}

    assert envelope.check_in({"sensor_data": block}).eisv.V == 0.035


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "sensor_data: is missing"),
        ({"sensor_data": []}, "sensor_data: is not an object"),
        ({"sensor_data": {}}, "sensor_data: anima: is missing"),
        ({"sensor_data": {**BLOCK, "moods": {}}}, "unknown key 'moods'"),
        ({"sensor_data": BLOCK, "mood": 1}, "unknown key 'mood'"),
        ({"parameters": [{"key": "other"}]}, "no entry has the key 'sensor_data'"),
        ({"parameters": [{"key": "sensor_data", "value": "{"}]}, "not JSON"),
        ({"sensor_data": {**BLOCK, "identity": {"total_awakenings": 1}}}, "identity/alive_seconds"),
    ],
)
def test_what_a_call_lacks_is_said(arguments, said):
    """Never guessed, never dropped."""
    with pytest.raises(Refused) as caught:
        envelope.check_in(arguments)

    assert said in caught.value.message


@pytest.mark.parametrize("value", [True, "0.1", -0.1, 1.1, [0.1]])
def test_complexity_is_a_ratio(value):
    """Anything else is refused."""
    with pytest.raises(Refused, match="complexity"):
        envelope.complexity({"complexity": value})


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ([], -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, -32602),
        (call("make_tea", {}), -32602),
        (call("sync_state", [1]), -32602),
    ],
)
def test_what_is_not_a_request_is_an_error(request_, code):
    """With JSON-RPC's own code."""
    assert ask(request_)["error"]["code"] == code


def test_a_notification_is_not_answered():
    """It has no id."""
    assert ask({"jsonrpc": "2.0", "method": "notifications/initialized"}) is None


def test_the_handshake_speaks_the_clients_version():
    """Or ours, if we do not know it."""
    asked = [
        ask({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": v}})
        for v in ("2024-11-05", "1999-01-01")
    ]

    assert [a["result"]["protocolVersion"] for a in asked] == ["2024-11-05", "2025-11-25"]


def test_every_tool_is_listed_with_both_its_models():
    """tools/list is also the client's probe of life."""
    tools = ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})["result"]["tools"]

    assert [tool["name"] for tool in tools] == ["sync_state", "identity"]
    assert "sensor_data" in tools[0]["inputSchema"]["properties"]
    assert {"action", "margin", "reason"} <= set(tools[0]["outputSchema"]["required"])


def test_what_a_tool_gives_is_text_and_structure():
    """The real client reads the text, the official one the structure: they say the same."""

    async def run(caller: Caller, _: AskIdentity) -> Reply:
        return Reply(resolved_agent_id=caller.agent)

    result = ask(call("identity", {}), run)["result"]

    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert result["structuredContent"] == {"success": True, "resolved_agent_id": "lumen"}
    assert result["isError"] is False


def test_a_refused_check_in_is_never_leave_to_go_on():
    """February's client takes a missing action for proceed, whatever else it hears."""

    async def run(_: Caller, __: SyncState) -> Verdict:
        raise Refused("anima/warmth: 2.0 is above 1")

    result = ask(call("sync_state", {}), run)["result"]

    assert result["isError"] is True
    assert json.loads(result["content"][0]["text"]) == {
        "success": False,
        "error": "anima/warmth: 2.0 is above 1",
        "action": "pause",
        "margin": "critical",
        "reason": "anima/warmth: 2.0 is above 1",
        "resolved_agent_id": "lumen",
    }


def test_another_refusal_has_no_action():
    """Nobody asked for a verdict."""

    async def run(_: Caller, __: AskIdentity) -> Reply:
        raise Refused("no")

    result = ask(call("identity", {}), run)["result"]

    assert json.loads(result["content"][0]["text"]) == {"success": False, "error": "no"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"mood": 1}, "arguments: mood: unknown key 'mood'"),
        ({"complexity": "0.1"}, "arguments: complexity: Input should be a valid number"),
        ({"complexity": 1.5}, "arguments: complexity: 1.5 is above 1"),
        ({"agent_name": "x" * 201}, "arguments: agent_name: String should have at most 200"),
    ],
)
def test_arguments_are_as_declared(arguments, said):
    """Before the tool hears of them."""
    result = ask(call("sync_state", arguments))["result"]

    assert json.loads(result["content"][0]["text"])["error"].startswith(said)


def test_a_tool_needs_its_right():
    """A token that may only check in cannot read."""
    result = ask(call("identity", {}), rights=frozenset({Right.CHECK_IN}))["result"]

    assert "identity: needs the right 'read'" in result["content"][0]["text"]


def test_a_store_that_is_away_is_the_doors_business():
    """503 and Retry-After, not a reply that looks like one."""

    async def run(_: Caller, __: SyncState) -> Verdict:
        raise Unreachable("postgres: does not answer")

    with pytest.raises(Unreachable):
        ask(call("sync_state", {}), run)


def test_two_rooms_cannot_call_their_tools_alike():
    """One would hide the other."""

    async def run(_: Caller, __: AskIdentity) -> Reply:
        return Reply()

    tool = Tool("identity", "Who am I.", AskIdentity, Reply, Right.READ, run)

    with pytest.raises(Diverged, match="two are called 'identity'"):
        toolbox([(tool,), (tool,)])
