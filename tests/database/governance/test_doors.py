"""The process itself, on loopback: both doors, both protocols, and its limits."""

import json
import time
from base64 import b64encode

import psycopg
import pytest

BEARER = {"Authorization": "Bearer token-of-lumen"}
SEED = """{
  "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
  "eisv": {"E": 0.4, "I": 0.8, "S": 0.1, "V": 0.08},
  "sensor_data": {
    "cpu_temp_c": 53.0, "humidity_pct": 20.0, "light_lux": 424.8,
    "drawing_eisv": {"E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47,
                     "marks": 142, "phase": "building", "era": "expressive"}
  },
  "identity": {"awakenings": 2052, "alive_seconds": 1234567}
}"""
SAID = json.loads(SEED)
BLOCK = {
    "anima": SAID["anima"], "eisv": SAID["eisv"],
    "environment": {"cpu_temp_c": 53.07}, "drawing_eisv": SAID["sensor_data"]["drawing_eisv"],
    "identity": {"total_awakenings": 1, "total_alive_seconds": 0.0, "alive_ratio": 0.0,
                 "age_seconds": 1.35},
}  # fmt: skip
ARGUMENTS = {"client_session_id": "lumen-49e14444", "agent_name": "Lumen", "complexity": 0.1189}
BOTH = {"Accept": "application/json, text/event-stream"}


def test_the_seeds_message_becomes_a_row(governance):
    """The literal text of the first seed, at the door that needs no token."""
    status, _, body = governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen"})
    verdict = json.loads(body)
    [(agent, energy, reported, state)] = governance.rows(
        "SELECT agent_id, energy, reported_energy, state_json"
        " FROM core.agent_state JOIN core.identities USING (identity_id)"
    )

    assert status == 200, body
    assert verdict["action"] == "proceed"
    assert {"margin", "reason"} <= set(verdict)
    assert (agent, energy, reported) == ("lumen", verdict["eisv"]["E"], 0.4)
    assert state["drawing_eisv"] == SAID["sensor_data"]["drawing_eisv"]
    assert state["environment"] == {"cpu_temp_c": 53.0, "humidity_pct": 20.0, "light_lux": 424.8}
    assert state["identity"] == SAID["identity"]


@pytest.mark.parametrize(
    ("headers", "agent", "status"),
    [
        ({}, None, 401),
        ({"Authorization": "Bearer wrong"}, None, 401),
        ({"Authorization": "Basic !!"}, None, 401),
        (BEARER, None, 200),
        (BEARER, "lumen", 200),
        (BEARER, "ember", 403),
        ({"Authorization": "Basic " + b64encode(b"x:token-of-ember").decode()}, "ember", 200),
        ({**BEARER, "X-Agent-Id": "ember"}, None, 200),
    ],
)
def test_the_lan_door_believes_tokens_only(governance, headers, agent, status):
    """And the row is the token's agent's, whatever else is claimed."""
    body = json.dumps({**SAID, "agent": agent} if agent else SAID)
    got, answer, text = governance.ask("POST", "/v1/checkins", body, headers, "lan")
    rows = governance.rows("SELECT agent_id FROM core.identities")

    assert got == status, text
    assert ("www-authenticate" in answer) is (status == 401)
    assert rows == ([(agent or "lumen",)] if status == 200 else [])


def test_mcp_at_the_lan_door_needs_a_token_too(governance):
    """The name in the arguments is only a name."""
    arguments = {**ARGUMENTS, "sensor_data": BLOCK}
    refused, _, _ = governance.ask("POST", "/mcp", "{}", door="lan")
    _, said = governance.call("sync_state", arguments, BEARER, door="lan")

    assert refused == 401
    assert said["resolved_agent_id"] == "lumen"


def test_the_local_door_wants_a_name(governance):
    """In the body, as X-Agent-Id, or by a session that is known."""
    nameless, _, text = governance.ask("POST", "/v1/checkins", SEED)
    named = {**SAID, "agent": "ember"}
    governance.ask("POST", "/v1/checkins", json.dumps(named), {"X-Session-ID": "s-1"})
    _, _, body = governance.ask("POST", "/v1/checkins", SEED, {"X-Session-ID": "s-1"})

    assert (nameless, json.loads(text)["success"]) == (422, False)
    assert json.loads(body)["resolved_agent_id"] == "ember"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("accept", [{}, BOTH], ids=["json", "stream"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("sync_state", {"sensor_data": BLOCK, "response_mode": "minimal"}),
        (
            "process_agent_update",
            {"parameters": [{"key": "sensor_data", "value": json.dumps(BLOCK)}]},
        ),
    ],
    ids=["head", "february"],
)
def test_both_shapes_of_the_real_client_end_in_a_row(governance, path, accept, tool, arguments):
    """With action and margin at the top level, where the client reads them."""
    headers = {"X-Agent-Id": "49e14444-b59e-48f1-83b8-000000000001", **accept}
    is_error, said = governance.call(tool, {**ARGUMENTS, **arguments}, headers, path)
    rows = governance.rows("SELECT state_json->'drawing_eisv' FROM core.agent_state")

    assert not is_error
    assert {"success", "action", "margin", "reason", "resolved_agent_id"} <= set(said)
    assert said["resolved_agent_id"] == headers["X-Agent-Id"]
    assert rows == [(BLOCK["drawing_eisv"],)]


def test_the_stream_is_one_message(governance):
    """As the real server answers when both types are accepted."""
    ping = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"})
    _, headers, body = governance.ask("POST", "/mcp", ping, BOTH)

    assert headers["content-type"] == "text/event-stream"
    assert body == 'event: message\ndata: {"jsonrpc":"2.0","id":7,"result":{}}\n\n'


def test_the_clients_other_calls_are_answered(governance, eventually):
    """Metadata and identity are kept, outcomes are audited."""
    who = {"X-Agent-Id": "lumen"}
    described = governance.call(
        "update_agent_metadata",
        {"client_session_id": "x", "purpose": "to draw", "tags": ["a"], "preferences": {"b": 1}},
        who,
    )
    known = governance.call("identity", {"client_session_id": "x"}, who)
    outcome = governance.call("outcome_event", {"outcome_type": "drawing", "is_bad": False}, who)

    assert [is_error for is_error, _ in (described, known, outcome)] == [False] * 3
    assert (known[1]["uuid"], known[1]["purpose"]) == ("lumen", "to draw")
    assert governance.rows("SELECT purpose, tags, metadata FROM core.identities") == [
        ("to draw", ["a"], {"b": 1})
    ]
    query = "SELECT payload->>'outcome_type' FROM audit.events WHERE event_type = 'outcome'"
    assert eventually(lambda: governance.rows(query), 10, 0.05) == [("drawing",)]


def test_a_refused_call_is_never_leave_to_go_on(governance):
    """isError, success false, and no row."""
    block = {**BLOCK, "anima": {**BLOCK["anima"], "warmth": 1.5}}
    is_error, said = governance.call("sync_state", {**ARGUMENTS, "sensor_data": block})

    assert is_error
    why = "sensor_data: anima/warmth: 1.5 is above 1"
    refused = {"success": False, "error": why, "action": "pause", "margin": "critical"}
    assert said == refused | {"reason": why, "resolved_agent_id": "Lumen"}
    assert governance.rows("SELECT count(*) FROM core.agent_state") == [(0,)]


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (("POST", "/v1/checkins", "x" * 65_537), 413, "65537 bytes are above 65536"),
        (("POST", "/v1/checkins", SEED.replace("0.4", "NaN", 1)), 400, "NaN"),
        (("POST", "/v1/checkins", SEED.replace("0.4", "1e999", 1)), 400, "1e999"),
        (("POST", "/v1/checkins", '{"a": 1, "a": 2}'), 400, "'a' is there twice"),
        (("POST", "/v1/checkins", b'"\xff"'), 400, "not UTF-8"),
        (("POST", "/v1/checkins", "[" * 40), 400, "nested deeper"),
        (
            ("POST", "/v1/checkins", SEED.replace("0.4", "1.4", 1)),
            422,
            "anima/warmth: 1.4 is above",
        ),
        (
            ("POST", "/v1/checkins", SEED.replace("drawing_eisv", "drawing_eisvv")),
            422,
            "unknown key",
        ),
        (("GET", "/v1/checkins", None), 405, "takes POST"),
        (("POST", "/health", None), 405, "takes GET"),
        (("GET", "/admin", None), 404, "nothing lives here"),
        (("POST", "/mcp", "{"), 400, "not JSON"),
        (
            (
                "POST",
                "/v1/checkins",
                SEED.replace("{", '{"recorded_at": "0001-01-01T00:00+14:00",', 1),
            ),
            422,
            "recorded_at: is not in the calendar",
        ),
        (("POST", "/v1/checkins", SEED.replace("{", '{"agent": "ember",', 1)), 403, "X-Agent-Id"),
    ],
)
def test_what_is_not_welcome_is_turned_away(governance, request_, status, said):
    """With a status and a sentence."""
    got, _, text = governance.ask(*request_, {"X-Agent-Id": "lumen"})

    assert got == status, text
    assert said in text
    assert governance.rows("SELECT count(*) FROM core.agent_state") == [(0,)]


def test_a_body_without_a_length_is_bounded_too(governance):
    """Chunks are counted as they come."""
    chunks = (b"x" * 8_192 for _ in range(20))
    status, _, text = governance.ask("POST", "/v1/checkins", chunks, {"X-Agent-Id": "lumen"})

    assert status == 413, text


def test_a_key_taken_by_another_body_is_409(governance):
    """The same key and body is the same answer, repeated."""
    keyed = {**SAID, "agent": "lumen", "boot_id": "boot-0001", "seq": 1}
    other = {**keyed, "anima": {**SAID["anima"], "warmth": 0.5}}
    answers = [governance.ask("POST", "/v1/checkins", json.dumps(b)) for b in (keyed, keyed, other)]

    assert [status for status, *_ in answers] == [200, 200, 409]
    assert json.loads(answers[1][2])["repeated"] is True
    assert governance.rows("SELECT count(*) FROM core.agent_state") == [(1,)]


def test_health_tells_what_is_so(governance):
    """Redis is not there, so it is moderate; the age is that of the last check-in."""
    before = json.loads(governance.ask("GET", "/health", door="lan")[2])
    governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen"})
    time.sleep(1.0)
    status, _, body = governance.ask("GET", "/health")
    after = json.loads(body)

    assert before["ages"]["check_in_seconds"] is None
    assert status == 200
    assert after["status"] == "moderate"
    assert 0 <= after["ages"]["check_in_seconds"] < 10
    states = {name: check["status"] for name, check in after["checks"].items()}
    assert {name for name, state in states.items() if state != "healthy"} == {"redis"}
    assert states["redis"] == "unavailable"
    assert after["status_breakdown"] == {
        "healthy": len(states) - 1, "warning": 0, "unavailable": 1, "error": 0,
    }  # fmt: skip


def test_a_missing_column_is_critical(governance):
    """Found by looking, not by failing."""
    with psycopg.connect(governance.database.admin) as conn:
        conn.execute("ALTER TABLE core.sessions DROP COLUMN metadata")
    status, _, body = governance.ask("GET", "/health")

    assert status == 503
    assert "core.sessions.metadata" in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "text/plain", "Origin": "http://evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost:8767"}, 200),
    ],
)
def test_no_web_page_writes_through_the_local_door(governance, headers, status):
    """What a browser can send for any page is not enough; neither is a name that leads here."""
    got, _, text = governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen", **headers})

    assert got == status, text
    assert governance.rows("SELECT count(*) FROM core.agent_state") == [(int(status == 200),)]


def test_what_postgres_refuses_is_not_to_be_sent_again(governance):
    """Only what may pass is 503: a fault of ours is 500, and is in the log."""
    with psycopg.connect(governance.database.admin) as conn:
        conn.execute("REVOKE UPDATE (label, purpose, notes, tags, metadata, updated_at)"
                     " ON core.identities FROM governance")  # fmt: skip
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "update_agent_metadata", "arguments": {"purpose": "x"}}}  # fmt: skip
    status, headers, body = governance.ask("POST", "/mcp", json.dumps(call), {"X-Agent-Id": "a"})
    _, log = governance.end()

    assert status == 500, body
    assert "retry-after" not in headers
    assert "postgres: InsufficientPrivilege" in log
    assert "Traceback" not in log


def test_outside_of_a_lab_the_local_door_wants_a_token_too(start):
    """Whoever runs a program on that Mac reaches its loopback."""
    closed = start(GOVERNANCE_LOCAL_OPEN="false").ready()

    status, headers, _ = closed.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen"})
    assert (status, "www-authenticate" in headers) == (401, True)
    status, _, _ = closed.ask("POST", "/v1/checkins", SEED, BEARER)
    assert status == 200
    assert closed.ask("GET", "/health")[0] == 200


def test_an_agent_may_call_sixty_times_a_minute(start):
    """Tools and live check-ins together; what a Pi has waiting comes in whatever it is."""
    governance = start(GOVERNANCE_LOCAL_OPEN="false").ready()
    live = json.loads(SEED)
    backlog = json.dumps(live | {"recorded_at": "2026-02-20T12:00:00Z"})
    asked = [governance.ask("POST", "/v1/checkins", SEED, BEARER, "lan") for _ in range(30)]
    told = [governance.ask("POST", "/v1/tools/identity", "{}", BEARER, "lan") for _ in range(31)]

    assert [status for status, _, _ in (*asked, *told)] == [200] * 60 + [429]
    _, headers, body = told[-1]
    assert 0 < int(headers["retry-after"]) <= 60
    assert json.loads(body)["error"].startswith("agent 'lumen': above 60 in 60 s")
    assert governance.ask("POST", "/v1/checkins", SEED, BEARER, "lan")[0] == 429
    assert governance.ask("POST", "/v1/checkins", backlog, BEARER, "lan")[0] == 200
    assert governance.call("sync_state", ARGUMENTS, BEARER, door="lan")[1]["action"] == "pause"


def test_every_way_in_asks_for_its_right(start):
    """A token that may only read checks in nowhere, one that may only check in reads nothing."""
    governance = start().ready()
    shown = {}
    for right in ("read", "check-in"):
        _, _, body = governance.ask(
            "POST", "/v1/tools/register_agent",
            json.dumps({"new_agent": f"only-{right}", "rights": [right]}), {"X-Agent-Id": "lumen"},
        )  # fmt: skip
        shown[right] = {"Authorization": f"Bearer {json.loads(body)['token']}"}

    def status(right, method, path, body=None):
        return governance.ask(method, path, body, shown[right], "lan")[0]

    assert status("read", "POST", "/v1/checkins", SEED) == 403
    assert status("check-in", "POST", "/v1/checkins", SEED) == 200
    assert status("read", "POST", "/v1/tools/list_agents", "{}") == 200
    assert status("check-in", "POST", "/v1/tools/list_agents", "{}") == 403
    assert status("check-in", "GET", "/page/agents") == 403
    assert status("read", "GET", "/page/agents") == 200
    is_error, said = governance.call("sync_state", ARGUMENTS, shown["read"], door="lan")
    assert (is_error, said["action"]) == (True, "pause")


def test_a_name_of_the_deploy_is_nobody_s_child(governance):
    """Even before its Pi was heard for the first time; else its parent could speak for it."""
    governance.ask("POST", "/v1/checkins", SEED, BEARER, "lan")  # a parent has to be known itself
    asked = json.dumps({"new_agent": "ember", "rights": ["read"]})
    status, _, body = governance.ask("POST", "/v1/tools/register_agent", asked, BEARER, "lan")

    assert status == 409
    assert "'ember': is one of the deploy's" in json.loads(body)["error"]


def test_a_reader_sees_its_own_trail_on_the_page_and_nobody_else_s(governance):
    """As with query_audit_events; who sits at a lab's own door is its operator."""
    for agent in ("lumen", "stranger"):
        governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": agent})
    until = time.monotonic() + 10
    while governance.rows("SELECT count(*) FROM audit.events") < [(4,)]:
        assert time.monotonic() < until
        time.sleep(0.1)

    def page(path, headers, door):
        return governance.ask("GET", path, None, headers | {"Accept": "text/html"}, door)[2]

    for path in ("/page/audit", "/page/audit?id=stranger"):
        assert "stranger" not in page(path, BEARER, "lan").split("<main", 1)[1]
    assert "stranger" in page("/page/audit", {}, "local")
