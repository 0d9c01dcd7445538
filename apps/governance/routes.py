"""What lives where: check-ins, tools over REST and MCP, health, and what describes them."""

from typing import Any, NamedTuple

from pydantic_core import to_json

from apps.bridge import tools
from apps.bridge.body import decode
from apps.bridge.refusals import BadVersion, Malformed, NotFound, status_of
from apps.bridge.tool import Caller, Tool
from apps.bridge.tools import Toolbox
from apps.bridge.web import Answer, refusal
from apps.governance import VERSION
from apps.governance.checkins import Checkins
from apps.governance.intake import Intake
from apps.governance.numbers import Numbers
from apps.governance.openapi import document
from apps.governance.parcels import Parcels
from apps.governance.web import Request, Routes
from schemas.bridge import BATCH_PATH
from schemas.errors import HouseError, Refused, Unreachable

INDEX = b"""governance of abode
GET  /                 the same as a page, for a browser
GET  /health           how it stands; /health/live, /health/ready
GET  /v1/where?term=   where a piece of data lives
GET  /metrics          health in numbers, for Prometheus
POST /v1/checkins      a check-in (JSON), answered with a verdict
POST /v1/checkins/batch  several (a line of JSON each), each answered on a line of its own
GET  /v1/tools         every tool; POST /v1/tools/NAME uses one
POST /mcp              the same as MCP tools
GET  /v1/openapi.json  all of it, described
"""
SERVER = {"name": "governance", "version": VERSION}
OPEN = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Paths that need no token at either door."""


class Parts(NamedTuple):
    """What answers."""

    checkins: Checkins
    numbers: Numbers
    toolbox: Toolbox


def routes(parts: Parts, *rooms: Routes) -> Routes:
    """Path, method, handler; those of the rooms come last."""
    described = to_json(document(parts.toolbox, VERSION))
    listed = to_json({"success": True, "tools": [tools.listed(t) for t in parts.toolbox.values()]})

    async def mcp(asked: Request) -> Answer:
        return await _mcp(asked, parts.toolbox)

    async def use(asked: Request) -> Answer:
        return await _use(asked, parts.toolbox)

    return {
        "/v1/checkins": {"POST": Intake(parts.checkins, parts.numbers)},
        BATCH_PATH: {"POST": Parcels(parts.checkins, parts.numbers).take},
        "/v1/tools": {"GET": _always(listed)},
        "/v1/tools/*": {"POST": use},
        "/v1/openapi.json": {"GET": _always(described)},
        "/mcp": {"POST": mcp},
        "/mcp/": {"POST": mcp},
        **{path: methods for room in rooms for path, methods in room.items()},
    }


def _always(body: bytes) -> Any:
    async def answer(_: Request) -> Answer:
        return Answer(body)

    return answer


async def _mcp(asked: Request, toolbox: Toolbox) -> Answer:
    """One message of a client; stateless, so that nothing is lost with a restart."""
    version = asked.header(b"mcp-protocol-version")
    body = asked.body()
    if version is not None and version not in tools.PROTOCOLS:
        raise BadVersion(
            f"MCP-Protocol-Version {version!r:.40}: is not spoken here",
            f"spoken are {', '.join(tools.PROTOCOLS)}",
        )
    try:
        request = decode(body, "request")
    except Malformed as error:
        return Answer(to_json(tools.failure(None, tools.PARSE_ERROR, error.message)), 400)

    async def bind(tool: Tool, hint: Any) -> Caller:
        return await asked.caller(hint, checks_in=tool.is_verdict)

    said = await tools.dispatch(request, toolbox, bind, SERVER)
    return _spoken(asked, said) if said is not None else Answer(b"", 202)


async def _use(asked: Request, toolbox: Toolbox) -> Answer:
    """One tool by its path, or by its name in the body as upstream's /v1/tools/call has it."""
    given = decode(asked.body() or b"{}", "arguments")
    name: Any = asked.tail
    if name == "call" and isinstance(given, dict):
        name, given = given.get("name"), given.get("arguments") or {}
    tool = toolbox.get(name) if isinstance(name, str) else None
    if tool is None:
        raise NotFound(f"no tool {name!r:.80}", f"tools are {', '.join(toolbox)}")
    if not isinstance(given, dict):
        raise Refused("arguments: is not an object")
    agent = None
    try:
        who = await asked.caller(given.get("agent_name"), checks_in=tool.is_verdict)
        agent = who.agent
        answer = await tools.use(tool, who, given)
    except Unreachable:
        raise
    except HouseError as error:
        return _refused(tool, error, agent)
    return Answer(answer.model_dump_json().encode())


def _refused(tool: Tool, error: HouseError, agent: str | None) -> Answer:
    plain = refusal(error)
    body = to_json(tools.refused(tool, error, agent))
    return Answer(body, status_of(error), headers=plain.headers)


def _spoken(asked: Request, said: dict[str, Any]) -> Answer:
    """JSON, or a stream of one message for whoever takes streams."""
    if "text/event-stream" in (asked.header(b"accept") or ""):
        stream = b"event: message\ndata: " + to_json(said) + b"\n\n"
        return Answer(stream, kind="text/event-stream", headers={"cache-control": "no-store"})
    return Answer(to_json(said))
