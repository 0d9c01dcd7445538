"""What the real client sends and what it reads, in February 2026 and at its newest.

Written from captured messages and observed behaviour, not from its code. Both eras are blind in
the same spot: an answer without an ``action`` is leave to go on.
"""

import http.client
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

CALM = {"warmth": 0.393, "clarity": 0.786, "stability": 0.906, "presence": 0.883}
UPSET = {"warmth": 0.05, "clarity": 0.05, "stability": 0.05, "presence": 0.2}
DRAWING = {
    "E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47, "marks": 142, "phase": "developing",
    "era": "gestural", "energy": 0.6, "curiosity": 0.8, "engagement": 0.5, "fatigue": 0.1,
    "arc_phase": "developing", "i_momentum": 0.3, "coherence_settled": False,
    "attention_exhausted": False, "narrative_complete": False,
    "compositional_satisfaction": 0.41,
}  # fmt: skip
STREAM = "application/json, text/event-stream"


class Failed(Exception):
    """The client takes it for a failure and decides by itself."""


@dataclass(frozen=True)
class Decision:
    """What the client believes it was told."""

    action: str
    margin: str
    reason: str
    agent: str | None


def block(anima: dict[str, float], void: float) -> dict[str, Any]:
    """The sensor block. A sensor that is not there is null."""
    return {
        "eisv": {"E": anima["warmth"], "I": anima["clarity"],
                 "S": round(1 - anima["stability"], 3), "V": void},
        "anima": anima,
        "environment": {"cpu_temp_c": 53.07, "ambient_temp_c": None, "humidity_pct": 20.0,
                        "light_lux": 416.7, "cpu_percent": 12.0, "memory_percent": 41.0},
        "identity": {"total_awakenings": 1, "total_alive_seconds": 0.0, "alive_ratio": 0.0,
                     "age_seconds": 1.35},
        "drawing_eisv": DRAWING,
    }  # fmt: skip


def _common(anima: dict[str, float]) -> dict[str, Any]:
    return {
        "client_session_id": "lumen-49e14444", "agent_name": "Lumen",
        "complexity": 0.1189, "confidence": 0.8414, "ethical_drift": [0.0, 0.0, 0.0],
        "response_text": "Anima state: content. EISV: E=0.39, I=0.79, S=0.09, V=-0.39.",
    }  # fmt: skip


class February:
    """process_agent_update at /mcp, the block as JSON text; it sees neither isError nor success."""

    name, path, tool, closes = "february", "/mcp", "process_agent_update", False

    def arguments(self, anima: dict[str, float]) -> dict[str, Any]:
        """Of one check-in."""
        said = block(anima, round((1 - anima["presence"]) * 0.3, 3))
        wrapped = [{"key": "sensor_data", "value": json.dumps(said)}]
        return {**_common(anima), "parameters": wrapped}

    def refuses(self, result: dict[str, Any], said: dict[str, Any]) -> bool:
        """Whether it sees that it was refused."""
        return False


class Head:
    """sync_state at /mcp/, the block as an object; it closes each connection."""

    name, path, tool, closes = "head", "/mcp/", "sync_state", True

    def arguments(self, anima: dict[str, float]) -> dict[str, Any]:
        """Of one check-in."""
        said = block(anima, round(anima["warmth"] - anima["clarity"], 3))
        return {**_common(anima), "sensor_data": said, "response_mode": "minimal"}

    def refuses(self, result: dict[str, Any], said: dict[str, Any]) -> bool:
        """Whether it sees that it was refused."""
        return bool(
            result.get("isError")
            or said.get("status") == "identity_required"
            or said.get("error_code") == "SESSION_ERROR"
            or said.get("error_category") == "auth_error"
            or said.get("success") is False
        )


Era = February | Head
ERAS: tuple[Era, ...] = (February(), Head())


def body_of(name: str, arguments: object) -> str:
    """The JSON-RPC text, as the client writes it. No initialize goes before it."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                       "params": {"name": name, "arguments": arguments}})  # fmt: skip


def post(
    governance: Any,
    creature: str,
    era: Era,
    body: str,
    *,
    accept: str = STREAM,
    path: str | None = None,
    door: str = "local",
    **headers: str,
) -> tuple[int, str, str]:
    """Status, content type and text of one request with the client's own headers."""
    told = {"Content-Type": "application/json", "Accept": accept, "X-Session-ID": creature,
            "X-Agent-Id": creature, "User-Agent": "Python/3.11 aiohttp/3.14.5"}  # fmt: skip
    if era.closes:
        told["Connection"] = "close"
    port = governance.local if door == "local" else governance.lan
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        with suppress(BrokenPipeError):  # it may answer before it has heard all
            conn.request("POST", path or era.path, body, told | headers)
        answer = conn.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    finally:
        conn.close()


def message(kind: str, text: str) -> dict[str, Any]:
    """The JSON, or the first line of a stream that holds any."""
    if "text/event-stream" not in kind:
        return dict(json.loads(text))
    for line in text.split("\n"):
        if line.startswith("data: "):
            try:
                return dict(json.loads(line[6:]))
            except json.JSONDecodeError:
                continue
    raise Failed("no message in the stream")


def decision(era: Era, status: int, kind: str, text: str) -> Decision:
    """What the client of an era reads out of an answer; what is absent it takes for good news."""
    if status != 200:
        raise Failed(f"HTTP {status}")
    try:
        told = message(kind, text)
    except ValueError as error:
        raise Failed(str(error)) from None
    if "result" not in told:
        raise Failed(str(told.get("error")))
    result = said = told["result"]
    if result.get("content"):
        try:
            said = json.loads(result["content"][0]["text"])
        except json.JSONDecodeError:
            said = result
    if era.refuses(result, said):
        raise Failed(said.get("error", "refused"))
    signature = said.get("agent_signature", {})
    return Decision(
        said.get("action", "proceed"),
        said.get("margin", "comfortable"),
        said.get("reason", "Governance check completed"),
        said.get("resolved_agent_id") or signature.get("uuid"),
    )
