"""What answers at ``/soulfra/v1``: commands in, entities and lives out."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from apps.bridge import body, web
from apps.bridge.refusals import NotAllowed, NotFound, Unsupported
from apps.bridge.web import JSON, Answer, Request
from apps.postgres import Connection, Pool
from apps.queries import load
from apps.soulfra.decisions.decision import Missing
from apps.soulfra.log import life
from apps.soulfra.shards.router import Router
from apps.soulfra.tokens import Tokens
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.soulfra.commands import COMMANDS
from schemas.soulfra.log import Stream
from schemas.soulfra.words import Entity, EntityId

log = logging.getLogger("soulfra")
T = TypeVar("T")
SQL: Final = load(Path(__file__).with_name("reads.sql"))
AT: Final = "/soulfra/v1"
PLURALS: Final = {
    "users": Entity.USER,
    "agents": Entity.AGENT,
    "loops": Entity.LOOP,
    "guilds": Entity.GUILD,
    "votings": Entity.VOTING,
    "prophecies": Entity.PROPHECY,
    "clusters": Entity.CLUSTER,
}
IDS: Final[dict[Entity, TypeAdapter[Any]]] = {
    Entity.USER: TypeAdapter(UUID),
    Entity.PROPHECY: TypeAdapter(int),
}
"""What is no plain id."""
PLAIN: Final[TypeAdapter[str]] = TypeAdapter(EntityId)
STREAM: Final[TypeAdapter[str]] = TypeAdapter(Stream)
LONGEST_ID: Final = 2**63 - 1


class Doors:
    """One process's answers."""

    def __init__(self, pool: Pool, router: Router, tokens: Tokens) -> None:
        self._pool = pool
        self._router = router
        self._tokens = tokens

    async def answer(self, asked: Request) -> Answer:
        """Answer one request, whatever becomes of it."""
        try:
            return await self._handled(asked)
        except HouseError as error:
            return web.refusal(error, "GET" if "/commands" not in asked.path else "POST")
        except (psycopg.OperationalError, TimeoutError) as error:
            log.warning("%.80r: %s", asked.path, type(error).__name__)
            return web.refusal(Unreachable("postgres: does not answer", "ask again later"))
        except Exception:
            log.exception("%.80r: a fault of ours", asked.path)
            return web.refusal(Diverged("a fault of ours", "please report it"))

    async def _handled(self, asked: Request) -> Answer:
        if asked.path == "/health":
            return await self._health()
        by = self._tokens.who(asked.header(b"authorization"))
        below, _, rest = asked.path.removeprefix(f"{AT}/").partition("/")
        handlers: dict[str, tuple[str, Callable[[], Awaitable[Any]]]] = {
            "commands": ("POST", lambda: self._command(asked, rest, by)),
            "lives": ("GET", lambda: self._life(rest)),
            **{each: ("GET", lambda: self._entity(below, rest)) for each in PLURALS},
        }
        if not asked.path.startswith(f"{AT}/") or below not in handlers or not rest:
            known = ", ".join(f"{AT}/{each}/..." for each in handlers)
            raise NotFound(f"{asked.path!r:.80}: nothing lives here", f"try {known}, /health")
        method, handle = handlers[below]
        if asked.method != method:
            raise NotAllowed(f"{asked.path!r:.80}: takes {method}, not {asked.method!r:.20}")
        return Answer(to_json(await handle()))

    async def _command(self, asked: Request, name: str, by: str) -> Any:
        kind = COMMANDS.get(name)
        if kind is None:
            raise NotFound(f"no command {name!r:.80}", f"commands are {', '.join(COMMANDS)}")
        said = (asked.header(b"content-type") or "").partition(";")[0].strip().lower()
        if said != JSON:
            raise Unsupported(f"Content-Type {said!r:.80}: is not {JSON}")
        key = asked.header(b"idempotency-key")
        try:
            command_id = None if key is None else UUID(key)
        except ValueError:
            raise Refused("Idempotency-Key: is not a UUID") from None
        body.decode(asked.body, name)
        done = await self._router.give(body.read(kind, asked.body, name), command_id, by)
        return {**done.answer.model_dump(mode="json"), "repeated": done.repeated}

    async def _entity(self, plural: str, name: str) -> Any:
        entity = PLURALS[plural]
        try:
            found = IDS.get(entity, PLAIN).validate_python(name)
        except ValidationError:
            raise Refused(f"{entity} {name!r:.80}: is no id") from None
        if isinstance(found, int) and not 0 < found <= LONGEST_ID:
            raise Refused(f"{entity} {name!r:.80}: is no id")

        async def ask(conn: Connection) -> tuple[Any, ...] | None:
            return await (await conn.execute(SQL[entity], {"id": str(found)})).fetchone()

        row = await self._asked(entity, str(found), ask)
        if row is None:
            raise Missing(f"{entity} {name!r:.80}: is not there")
        return row[0]

    async def _life(self, stream: str) -> Any:
        try:
            STREAM.validate_python(stream)
        except ValidationError:
            raise Refused(f"{stream!r:.80}: is no stream", "as loop:ID") from None

        async def ask(conn: Connection) -> list[dict[str, Any]]:
            return [
                {
                    "version": each.version,
                    "type": each.type,
                    "recorded_at": each.recorded_at,
                    "data": each.what.model_dump(mode="json"),
                    "by": each.metadata.get("by", ""),
                }
                async for each in life(conn, stream)
            ]

        entity, _, name = stream.partition(":")
        found = await self._asked(Entity(entity), name, ask)
        if not found:
            raise Missing(f"{stream!r:.80}: nothing happened")
        return found

    async def _asked(
        self, entity: Entity, name: str, ask: Callable[[Connection], Awaitable[T]]
    ) -> T:
        """An agent's own shard, or home."""
        if entity is Entity.AGENT:
            return await self._router.read(name, ask)
        async with self._pool.connection() as conn:
            return await ask(conn)

    async def _health(self) -> Answer:
        try:
            async with self._pool.connection(2) as conn:
                await conn.execute(SQL["alive"])
        except (psycopg.Error, TimeoutError) as error:
            said = {"status": "unhealthy", "postgres": type(error).__name__}
            return Answer(to_json(said), 503)
        return Answer(
            to_json(
                {
                    "status": "healthy",
                    "decided_anew": self._router.home.writer.again,
                    "moved": self._router.moved,
                }
            )
        )
