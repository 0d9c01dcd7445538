"""One governance that strangers may try, and a caller who knows how to ask it properly."""

import http.client
import json
import runpy
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).parents[2]
ALIVE = runpy.run_path(str(TESTS / "database" / "governance" / "conftest.py"))
CALM = {
    "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
    "eisv": {"E": 0.4, "I": 0.8, "S": 0.1, "V": 0.08},
    "sensor_data": {
        "cpu_temp_c": 53.0, "light_lux": 424.8,
        "drawing_eisv": {"E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47, "marks": 142,
                         "phase": "building", "era": "expressive"},
    },
    "identity": {"awakenings": 2052, "alive_seconds": 1234567},
}  # fmt: skip
BLOCK = {
    "anima": CALM["anima"], "eisv": CALM["eisv"], "environment": {"cpu_temp_c": 53.0},
    "drawing_eisv": CALM["sensor_data"]["drawing_eisv"],
    "identity": {"total_awakenings": 1, "total_alive_seconds": 0.0, "alive_ratio": 0.0,
                 "age_seconds": 1.35},
}  # fmt: skip
TOOL = {"agent_name": "stranger", "complexity": 0.1, "sensor_data": BLOCK}
STORED = """SELECT (SELECT count(*) FROM core.identities), (SELECT count(*) FROM core.sessions),
       (SELECT count(*) FROM core.agent_state), (SELECT count(*) FROM audit.events)"""


_NUMBERS = count()


def somebody_new() -> str:
    """A name that was not used before: each may ask sixty times a minute only."""
    return f"stranger-{next(_NUMBERS)}"


class Door:
    """A kept connection to the local door, renewed when governance ends it."""

    def __init__(self, governance) -> None:
        self.governance = governance
        self._conn = self._new()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.governance.local, timeout=15)

    def post(self, path, body, **headers):
        """Status and body; the whole answer is read, even if governance hung up early."""
        told = {"Content-Type": "application/json", "X-Agent-Id": somebody_new()} | headers
        for again in (True, False):
            try:
                with suppress(BrokenPipeError):
                    self._conn.request("POST", path, body, told)
                answer = self._conn.getresponse()
                said = answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError):
                self.close()
                if not again:
                    raise
            else:
                if answer.will_close:
                    self.close()
                return said
        raise AssertionError

    def close(self) -> None:
        """And begin anew."""
        self._conn.close()
        self._conn = self._new()


def call(arguments, tool="sync_state"):
    """A tools/call."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments}}  # fmt: skip


VALID = {
    "/v1/checkins": json.dumps(CALM),
    "/v1/tools/sync_state": json.dumps(TOOL),
    "/mcp": json.dumps(call(TOOL)),
}
"""By path: a body that is welcome."""


def verdict_of(path, status, said):
    """The verdict in an answer; None if it is a refusal, which must be whole and precise."""
    text = said.decode()
    assert "Traceback" not in text
    told = json.loads(text)
    assert isinstance(told, dict), told
    assert status in {200, 400, 403, 404, 405, 409, 413, 415, 422}, (status, text)
    if path.startswith("/mcp") and status == 200:
        if "error" in told:
            assert len(told["error"]["message"]) > 3
            return None
        result = told["result"]
        if "content" not in result:
            return None
        told, refused = json.loads(result["content"][0]["text"]), result["isError"]
        assert told["success"] is not refused
    elif path.startswith("/mcp") and "error" in told and isinstance(told["error"], dict):
        assert len(told["error"]["message"]) > 3
        return None
    else:
        assert told["success"] is (status == 200)
    if told["success"]:
        return told
    assert len(told["error"]) > 3
    assert len(text) < 2_000
    assert told.get("action") in {None, "pause"}
    return None


@pytest.fixture(scope="session")
def strangers():
    """What they send, and what an answer to it means."""
    return SimpleNamespace(CALM=CALM, TOOL=TOOL, VALID=VALID, call=call, verdict_of=verdict_of,
                           STORED=STORED, somebody_new=somebody_new)  # fmt: skip


@pytest.fixture(scope="module")
def governance(shared_database, tmp_path_factory):
    """One for a whole file; at its end it must have had nothing to say."""
    made = ALIVE["Governance"](tmp_path_factory.mktemp("governance"), shared_database)
    try:
        made.ready()
        yield made
    finally:
        code, log = made.end()
    assert code == 0, log
    assert len(log.splitlines()) <= 10, log
    assert "Traceback" not in log


@pytest.fixture
def door(governance):
    """A caller at the local door."""
    made = Door(governance)
    yield made
    made.close()


@pytest.fixture
def raw(governance):
    """Send bytes to the local door; gives what comes back within two seconds."""

    def send(lines: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", governance.local), timeout=5) as caller:
            caller.sendall(lines)
            caller.settimeout(2)
            said = b""
            with suppress(OSError):
                while piece := caller.recv(65_536):
                    said += piece
                    if b"\r\n\r\n" in said and said.endswith((b"}", b"\n")):
                        break
            return said

    return send
