"""The two doors: the LAN's needs a token, the local one does not. Everything else is the same."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic_core import to_json

from apps.bridge import tools, web
from apps.bridge.body import decode, read
from apps.bridge.refusals import Conflict, Malformed, NotAllowed, NotFound
from apps.bridge.tools import Tool
from apps.bridge.web import Answer, Receive, Scope, Send
from apps.governance import VERSION, caller
from apps.governance.calls import tools_for
from apps.governance.checkins import Checkins
from apps.governance.health import Health, Standing
from apps.governance.identities import Identities
from apps.governance.report import report
from apps.governance.sessions import Sessions
from apps.governance.tokens import Tokens
from apps.postgres import is_gone
from schemas.bridge import CheckIn
from schemas.errors import Diverged, HouseError, Refused, Unreachable

log = logging.getLogger("governance")
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
        except psycopg.Error as error:
            answer = web.refusal(_of_postgres(error))
        except TimeoutError:
            answer = web.refusal(Unreachable("postgres: does not answer", "send it again later"))
        await web.reply(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method, is_local = scope["path"], scope["method"], self._is_local(scope)
        caller.no_web_page(scope, is_local=is_local)
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
        known = None if is_local else self._tokens.agent(web.header(scope, "authorization"))
        caller.is_json(scope)
        body = await web.body(scope, receive)
        if path == "/v1/checkins":
            return await self._check_in(scope, body, known)
        return await self._mcp(scope, body, known)

    async def _check_in(self, scope: Scope, body: bytes, known: str | None) -> Answer:
        decode(body, "check-in")
        said = read(CheckIn, body, "check-in")
        session_id = caller.session_id(scope)
        agent = caller.named(scope, said.agent, known) or await self._of_session(session_id)
        heard = report(agent, said, datetime.now(UTC), session_id=session_id)
        answer = (await self._checkins.handle(heard)).spoken_in(said.contract)
        return Answer(answer.model_dump_json().encode())

    async def _mcp(self, scope: Scope, body: bytes, known: str | None) -> Answer:
        try:
            request = decode(body, "request")
        except Malformed as error:
            return Answer(to_json(tools.failure(None, tools.PARSE_ERROR, error.message)), 400)
        session_id = caller.session_id(scope)

        async def bound(hint: Any) -> Mapping[str, Tool]:
            agent = caller.named(scope, None, known) or caller.name(hint)
            agent = agent or await self._of_session(session_id)
            return tools_for(agent, session_id, self._checkins, self._identities)

        said = await tools.dispatch(request, bound, SERVER)
        return _spoken(scope, said) if said is not None else Answer(b"", 202)

    def _is_local(self, scope: Scope) -> bool:
        server: tuple[str, int] | None = scope.get("server")
        return server is not None and server[1] == self._local_port

    async def _of_session(self, session_id: str | None) -> str:
        agent = await self._sessions.agent(session_id) if session_id else None
        if agent is None:
            raise Refused("check-in: agent: is missing", "name it in the body or as X-Agent-Id")
        return agent


def _of_postgres(error: psycopg.Error) -> HouseError:
    """Only what may pass is worth sending again."""
    kind = type(error).__name__
    if isinstance(error, psycopg.OperationalError) or is_gone(error):
        return Unreachable(f"postgres: {kind}", "send it again later")
    if isinstance(error, psycopg.IntegrityError):
        return Conflict(f"postgres: {error.diag.constraint_name or kind}: is not kept")
    if isinstance(error, psycopg.DataError):
        return Refused(f"postgres: {kind}: it cannot be stored")
    log.error("postgres: %s: %s", kind, error.diag.message_primary)
    return Diverged(f"postgres: {kind}", "this is a fault of ours; please report it")


def _spoken(scope: Scope, said: dict[str, Any]) -> Answer:
    """JSON, or a stream of one message for whoever takes streams."""
    if "text/event-stream" in (web.header(scope, "accept") or ""):
        stream = b"event: message\ndata: " + to_json(said) + b"\n\n"
        return Answer(stream, kind="text/event-stream", headers={"cache-control": "no-store"})
    return Answer(to_json(said))
