"""The two doors: the LAN's needs a token, the local one does not in a lab. All else is the same."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

import psycopg

from apps.bridge import web
from apps.bridge.refusals import Conflict, NotAllowed, NotFound
from apps.bridge.tool import Caller
from apps.bridge.web import Answer
from apps.governance import caller
from apps.governance.lives import Lives
from apps.governance.sessions import Sessions
from apps.governance.tokens import Tokens
from apps.postgres import is_gone
from schemas.errors import Diverged, HouseError, Refused, Unreachable

log = logging.getLogger("governance")
QUERY_LIMIT = 4_096


class Request(NamedTuple):
    """What somebody asks at a door, and who it is as far as the door knows."""

    asked: web.Request
    known: Caller | None
    """By the token; None at a lab's local door, where whoever is there may do everything."""
    sessions: Sessions
    lives: Lives
    tail: str = ""
    """The rest of a path whose route ends in a slash."""

    def header(self, name: bytes) -> str | None:
        """The header of this name, or None."""
        return self.asked.header(name)

    def body(self) -> bytes:
        """The whole body, which says that it is JSON."""
        caller.is_json(self.asked)
        return self.asked.body

    def query(self) -> dict[str, str]:
        """The question behind the path; a name that is there twice is refused."""
        text = self.asked.query
        if len(text) > QUERY_LIMIT:
            raise Refused(f"query: longer than {QUERY_LIMIT} bytes")
        try:
            pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise Refused("query: is not UTF-8, percent-encoded") from None
        asked = dict(pairs)
        if len(asked) < len(pairs):
            raise Refused("query: a name is there twice")
        return asked

    async def caller(
        self, hint: Any = None, in_body: str | None = None, *, checks_in: bool = False
    ) -> Caller:
        """Who asks: by token, by body, X-Agent-Id or ``hint``, or by a living session.

        Whether a token's agent has ended is asked unless it checks in: the writer knows that.
        """
        session_id = caller.session_id(self.asked)
        token = self.known
        agent = caller.named(self.asked, in_body, token.agent if token else None)
        agent = agent or caller.name(hint)
        if agent is None and session_id:
            agent = await self.sessions.agent(session_id)
        if token is None or agent is None:
            return Caller(agent, session_id)
        ended = None if checks_in else await self.lives.ended(agent)
        return Caller(agent, session_id, token.rights, ended)


Handler = Callable[[Request], Awaitable[Answer]]


class Gatherer(Protocol):
    """A handler of all that comes in one turn of the event loop."""

    def take(
        self,
        asked: web.Request,
        opened: Callable[[web.Request], Awaitable[Request]],
        refused: Callable[[web.Request, Exception], Answer],
    ) -> Awaitable[Answer]:
        """The answer to come; ``opened`` lets its caller in, ``refused`` says why not."""
        ...


Routes = Mapping[str, Mapping[str, Handler | Gatherer]]
"""Path, then method. A path that ends in ``/*`` takes everything below it."""


class Doors:
    """What answers behind both sockets."""

    def __init__(
        self,
        *,
        local_open: bool,
        tokens: Tokens,
        sessions: Sessions,
        lives: Lives,
        routes: Routes,
        is_open: frozenset[str],
    ) -> None:
        self._local_open = local_open
        self._tokens = tokens
        self._sessions = sessions
        self._lives = lives
        self._routes = routes
        self._is_open = is_open
        """Paths that need no token at either door."""

    def answer(self, asked: web.Request) -> Awaitable[Answer]:
        """Answer one request, whatever becomes of it."""
        handler = self._routes.get(asked.path, {}).get(asked.method)
        if handler is None or callable(handler):
            return self._answer(asked)
        return handler.take(asked, self._open, refused)

    async def _answer(self, asked: web.Request) -> Answer:
        try:
            return await self._handled(asked)
        except Exception as error:  # noqa: BLE001  told to the caller, and what is new to the log
            methods, _ = self._found(asked.path)
            return refused(asked, error, ", ".join(methods or ()))

    async def _handled(self, asked: web.Request) -> Answer:
        path, method = asked.path, asked.method
        caller.no_web_page(asked)
        methods, tail = self._found(path)
        if methods is None:
            raise NotFound(f"{path!r:.80}: nothing lives here", f"try {', '.join(self._routes)}")
        handler = methods.get(method)
        if handler is None or not callable(handler):
            raise NotAllowed(f"{path!r:.80}: takes {', '.join(methods)}, not {method!r:.20}")
        return await handler(await self._let_in(asked, tail))

    async def _open(self, asked: web.Request) -> Request:
        """Let a caller in who comes by a path that is there."""
        caller.no_web_page(asked)
        return await self._let_in(asked)

    async def _let_in(self, asked: web.Request, tail: str = "") -> Request:
        """Whoever may come in here, as the door knows them."""
        known = None
        if not (asked.path in self._is_open or (asked.is_local and self._local_open)):
            agent, rights = await self._tokens.who(asked.header(b"authorization"))
            known = Caller(agent, rights=rights)
        return Request(asked, known, self._sessions, self._lives, tail)

    def _found(self, path: str) -> tuple[Mapping[str, Handler | Gatherer] | None, str]:
        """What a path takes, and what of it is below its route."""
        if path in self._routes:
            return self._routes[path], ""
        above, _, tail = path.rpartition("/")
        return self._routes.get(f"{above}/*") if tail else None, tail


def refused(asked: web.Request, error: Exception, allow: str = "") -> Answer:
    """Whatever went wrong, as an answer; what is our own fault goes to the log, too."""
    if isinstance(error, HouseError):
        return web.refusal(error, allow)
    if isinstance(error, psycopg.Error):
        return web.refusal(_of_postgres(error))
    if isinstance(error, TimeoutError):
        return web.refusal(Unreachable("postgres: does not answer", "send it again later"))
    # The caller is told so much, and the log the rest.
    log.error("%.80r: a fault of ours", asked.path, exc_info=error)
    return web.refusal(Diverged("a fault of ours", "please report it"))


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
