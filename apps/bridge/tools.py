"""JSON-RPC and MCP over the tools of whoever serves them: stateless, one reply to one request."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import to_json

from apps.bridge.body import read
from apps.bridge.refusals import Forbidden
from apps.bridge.tool import Caller, Tool
from apps.bridge.web import told
from schemas.bridge import Action, Margin
from schemas.errors import HouseError, Unreachable
from schemas.governance.calls import Right
from schemas.quantity import Closed

PROTOCOLS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602

Arguments = dict[str, Any]
Reply = dict[str, Any]
Toolbox = Mapping[str, Tool]
Bind = Callable[[Tool, Any], Awaitable[Caller]]
"""Who calls a tool; takes the name that the arguments give."""


def failure(request_id: Any, code: int, message: str) -> dict[str, Any]:
    """A JSON-RPC error."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


async def dispatch(
    request: Any, toolbox: Toolbox, bind: Bind, server: Mapping[str, str]
) -> Reply | None:
    """The reply to one message; None to a notification. Unreachable goes through to the door."""
    if (wrong := _invalid(request)) is not None:
        return wrong
    if "id" not in request:
        return None
    request_id, method, params = request["id"], request["method"], request.get("params") or {}
    if method == "tools/call":
        return await _call(request_id, params, toolbox, bind)
    results: dict[str, Callable[[], dict[str, Any]]] = {
        "initialize": lambda: _hello(params, server),
        "tools/list": lambda: {"tools": [listed(tool) for tool in toolbox.values()]},
        "ping": dict,
    }
    if method in results:
        return _success(request_id, results[method]())
    return failure(request_id, NO_METHOD, f"no method {method!r:.80}")


async def use(tool: Tool, caller: Caller, arguments: Arguments) -> Closed:
    """What the tool answers to arguments that are as declared, from a caller who may."""
    try:
        require(caller, tool.needs, tool.name)
        asked = read(tool.takes, to_json(arguments), "arguments")
    except HouseError as error:
        tool.turned_away(caller, error)
        raise
    return await tool.run(caller, asked)


def require(caller: Caller, right: Right, what: str) -> None:
    """Forbidden to a caller who has not the right, or has ended."""
    if caller.ended is not None:
        raise Forbidden(
            f"agent {caller.agent!r}: is {caller.ended}, and may only check in",
            "an operator may bring it back",
        )
    if right not in caller.rights:
        raise Forbidden(f"{what}: needs the right {right.value!r}", "ask an operator for a token")


def refused(tool: Tool, error: HouseError, agent: str | None) -> dict[str, Any]:
    """Why a tool did not do it. Where a verdict was asked for, it is pause.

    Clients of February 2026 take an answer without an action for leave to go on.
    """
    said = told(error)
    if tool.is_verdict:
        said |= {
            "action": Action.PAUSE,
            "margin": Margin.CRITICAL,
            "reason": error.message,
            "resolved_agent_id": agent,
        }
    return said


def listed(tool: Tool) -> dict[str, Any]:
    """A tool as MCP lists it."""
    return {
        "name": tool.name,
        "description": tool.says,
        "inputSchema": tool.takes.model_json_schema(),
        "outputSchema": tool.gives.model_json_schema(mode="serialization"),
    }


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


async def _call(request_id: Any, params: Arguments, toolbox: Toolbox, bind: Bind) -> Reply:
    name, arguments = params.get("name"), params.get("arguments") or {}
    tool = toolbox.get(name) if isinstance(name, str) else None
    if tool is None:
        known = ", ".join(toolbox)
        return failure(request_id, INVALID_PARAMS, f"no tool {name!r:.80}; tools are {known}")
    if not isinstance(arguments, dict):
        return failure(request_id, INVALID_PARAMS, "arguments: is not an object")
    agent = None
    try:
        caller = await bind(tool, arguments.get("agent_name"))
        agent = caller.agent
        said = (await use(tool, caller, arguments)).model_dump(mode="json")
        return _success(request_id, content(said, is_error=False) | {"structuredContent": said})
    except Unreachable:
        raise
    except HouseError as error:
        return _success(request_id, content(refused(tool, error, agent), is_error=True))


def content(said: dict[str, Any], *, is_error: bool) -> dict[str, Any]:
    """A tool's result: one text that holds JSON, as the real client reads it."""
    return {"content": [{"type": "text", "text": to_json(said).decode()}], "isError": is_error}


def _hello(params: Arguments, server: Mapping[str, str]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in PROTOCOLS else PROTOCOLS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": dict(server),
    }


def _success(request_id: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}
