"""JSON-RPC and the MCP tools of the real client, over the same handlers as the plain door."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import to_json

from apps.bridge.web import told
from schemas.errors import HouseError, Refused, Unreachable

PROTOCOLS = ("2025-06-18", "2025-03-26", "2024-11-05")
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602

Arguments = dict[str, Any]
Reply = dict[str, Any]
Tool = Callable[[Arguments], Awaitable[dict[str, Any]]]
Bind = Callable[[Any], Awaitable[Mapping[str, Tool]]]
"""The tools of whoever calls; takes the name that the arguments give."""

DESCRIPTIONS: Mapping[str, str] = {
    "sync_state": "Check in: sensor_data with anima, and what else was measured.",
    "process_agent_update": "Check in, as clients of February 2026 call it.",
    "update_agent_metadata": "Say who you are: purpose, tags, preferences, notes, label.",
    "identity": "Ask as whom governance knows you.",
    "record_result": "Report what came of something you did.",
    "outcome_event": "The same, under its later name.",
}


def failure(request_id: Any, code: int, message: str) -> dict[str, Any]:
    """A JSON-RPC error."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


async def dispatch(request: Any, bind: Bind, server: Mapping[str, str]) -> Reply | None:
    """The reply to one message; None to a notification. Unreachable goes through to the door."""
    if (wrong := _invalid(request)) is not None:
        return wrong
    if "id" not in request:
        return None
    request_id, method, params = request["id"], request["method"], request.get("params") or {}
    if method == "tools/call":
        return await _call(request_id, params, bind)
    results: dict[str, dict[str, Any]] = {
        "initialize": _hello(params, server),
        "tools/list": {"tools": [_listed(name) for name in DESCRIPTIONS]},
        "ping": {},
    }
    if method in results:
        return _success(request_id, results[method])
    return failure(request_id, NO_METHOD, f"no method {method!r:.80}")


def _invalid(request: Any) -> Reply | None:
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        return failure(None, INVALID_REQUEST, "not a JSON-RPC 2.0 request")
    request_id = request.get("id", 0)
    if isinstance(request_id, bool) or not isinstance(request_id, str | int | float):
        return failure(None, INVALID_REQUEST, "id: is neither text nor a number")
    if not isinstance(request.get("method"), str):
        return failure(request_id, INVALID_REQUEST, "method: is missing")
    if not isinstance(request.get("params") or {}, dict):
        return failure(request_id, INVALID_PARAMS, "params: is not an object")
    return None


async def _call(request_id: Any, params: Arguments, bind: Bind) -> Reply:
    name, arguments = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or name not in DESCRIPTIONS:
        known = ", ".join(DESCRIPTIONS)
        return failure(request_id, INVALID_PARAMS, f"no tool {name!r:.80}; tools are {known}")
    if not isinstance(arguments, dict):
        return failure(request_id, INVALID_PARAMS, "arguments: is not an object")
    try:
        tools = await bind(arguments.get("agent_name"))
        return _success(request_id, content(await tools[name](arguments), is_error=False))
    except Unreachable:
        raise
    except HouseError as error:
        return _success(request_id, content(told(error), is_error=True))


def content(said: dict[str, Any], *, is_error: bool) -> dict[str, Any]:
    """A tool's result: one text that holds JSON, as the real client reads it."""
    return {"content": [{"type": "text", "text": to_json(said).decode()}], "isError": is_error}


def optional(arguments: Arguments, name: str, kind: type, limit: int = 4_000) -> Any:
    """An argument of one kind, or None if it is absent."""
    value = arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, kind):
        raise Refused(f"arguments: {name}: is not {kind.__name__}")
    if isinstance(value, str | list | dict) and len(value) > limit:
        raise Refused(f"arguments: {name}: longer than {limit}")
    return value


def _hello(params: Arguments, server: Mapping[str, str]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in PROTOCOLS else PROTOCOLS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": dict(server),
    }


def _listed(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": DESCRIPTIONS[name],
        "inputSchema": {"type": "object"},
    }


def _success(request_id: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}
