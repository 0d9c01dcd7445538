"""The two doors: the LAN's needs a token, the local one does not. Everything else is the same."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from apps.bridge import tools, web
from apps.bridge.body import decode, read
from apps.bridge.refusals import Forbidden, Malformed, NotAllowed, NotFound
from apps.bridge.tools import Tool
from apps.bridge.web import Answer, Receive, Scope, Send
from apps.governance import VERSION
from apps.governance.calls import tools_for
from apps.governance.checkins import Checkins
from apps.governance.health import Health, Standing
from apps.governance.identities import Identities
from apps.governance.report import report
from apps.governance.sessions import Sessions
from apps.governance.tokens import Tokens
from schemas.bridge import AgentName, CheckIn
from schemas.errors import HouseError, Refused, Unreachable

AGENT: TypeAdapter[str] = TypeAdapter(AgentName)
SESSION_ID_LIMIT = 200
INDEX = b"""governance of abode
GET  /health        how it stands
POST /v1/checkins   a check-in (JSON), answered with a verdict
POST /mcp           the same as MCP tools
"""
METHODS = {"/": "GET", "/health": "GET", "/v1/checkins": "POST", "/mcp": "POST", "/mcp/": "POST"}
SERVER = {"name": "governance", "version": VERSION}


class Doors:
    """The ASGI application behind both sockets."""

    def __init__(
        self,
        *,
        local_port: int,
        tokens: Tokens,
        checkins: Checkins,
        identities: Identities,
        sessions: Sessions,
        health: Health,
    ) -> None:
        self._local_port = local_port
        self._tokens = tokens
        self._checkins = checkins
        self._identities = identities
        self._sessions = sessions
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except web.HungUp:
            return
        except HouseError as error:
            answer = web.refusal(error, METHODS.get(scope["path"], ""))
        except (psycopg.Error, TimeoutError) as error:
            away = Unreachable(f"postgres: {type(error).__name__}", "send it again later")
            answer = web.refusal(away)
        await web.reply(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        allowed = METHODS.get(path)
        if allowed is None:
            raise NotFound(f"{path!r:.80}: nothing lives here", f"try {', '.join(METHODS)}")
        if method != allowed:
            raise NotAllowed(f"{path}: takes {allowed}, not {method!r:.20}")
        if path == "/":
            return Answer(INDEX, kind="text/plain; charset=utf-8")
        if path == "/health":
            seen = await self._health.look()
            return Answer(to_json(seen), 503 if seen["status"] == Standing.CRITICAL else 200)
        known = None if self._is_local(scope) else self._known(scope)
        body = await web.body(scope, receive)
        if path == "/v1/checkins":
            return await self._check_in(scope, body, known)
        return await self._mcp(scope, body, known)

    async def _check_in(self, scope: Scope, body: bytes, known: str | None) -> Answer:
        decode(body, "check-in")
        said = read(CheckIn, body, "check-in")
        session_id = _session_id(scope)
        agent = known or said.agent or await self._named(scope, None, session_id)
        if known and said.agent not in (None, known):
            raise Forbidden(
                f"check-in: agent {said.agent!r} is not the token's agent",
                "each agent has its own token",
            )
        heard = report(agent, said, datetime.now(UTC), session_id=session_id)
        return Answer((await self._checkins.handle(heard)).model_dump_json().encode())

    async def _mcp(self, scope: Scope, body: bytes, known: str | None) -> Answer:
        try:
            request = decode(body, "request")
        except Malformed as error:
            return Answer(to_json(tools.failure(None, tools.PARSE_ERROR, error.message)), 400)
        session_id = _session_id(scope)

        async def bound(name: Any) -> Mapping[str, Tool]:
            agent = known or await self._named(scope, name, session_id)
            return tools_for(agent, session_id, self._checkins, self._identities)

        said = await tools.dispatch(request, bound, SERVER)
        return _spoken(scope, said) if said is not None else Answer(b"", 202)

    def _is_local(self, scope: Scope) -> bool:
        server: tuple[str, int] | None = scope.get("server")
        return server is not None and server[1] == self._local_port

    def _known(self, scope: Scope) -> str:
        return self._tokens.agent(web.header(scope, "authorization"))

    async def _named(self, scope: Scope, name: Any, session_id: str | None) -> str:
        """Who calls at the local door: X-Agent-Id, agent_name, or whose session it is."""
        given = web.header(scope, "x-agent-id") or name
        if given is None and session_id:
            given = await self._sessions.agent(session_id)
        if given is None:
            raise Refused("check-in: agent: is missing", "name it in the body or as X-Agent-Id")
        try:
            return AGENT.validate_python(given, strict=True)
        except ValidationError:
            raise Refused(f"agent {given!r:.80}: is not a name") from None


def _session_id(scope: Scope) -> str | None:
    given = web.header(scope, "x-session-id")
    if given is not None and not (0 < len(given) <= SESSION_ID_LIMIT and given.isprintable()):
        raise Refused(f"X-Session-ID: is not 1 to {SESSION_ID_LIMIT} printable characters")
    return given


def _spoken(scope: Scope, said: dict[str, Any]) -> Answer:
    """JSON, or a stream of one message for whoever takes streams."""
    if "text/event-stream" in (web.header(scope, "accept") or ""):
        stream = b"event: message\ndata: " + to_json(said) + b"\n\n"
        return Answer(stream, kind="text/event-stream", headers={"cache-control": "no-store"})
    return Answer(to_json(said))
