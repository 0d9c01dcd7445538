"""What answers at ``/soulfra/v1``: commands in, entities and lives out."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from apps.bridge import body, web
from apps.bridge.refusals import Forbidden, NotAllowed, NotFound, Unsupported
from apps.bridge.web import JSON, Answer, Request
from apps.postgres import Connection, Pool
from apps.queries import load
from apps.soulfra import drift, kept, lags
from apps.soulfra.cache.doors import Reads
from apps.soulfra.decisions.decision import Missing
from apps.soulfra.given import id_of
from apps.soulfra.live.door import Live
from apps.soulfra.log import life
from apps.soulfra.memory.doors import METHODS, Remembering
from apps.soulfra.privacy.forgetting import Forgetting, forgotten
from apps.soulfra.privacy.opening import Opening
from apps.soulfra.privacy.persons import allowed, in_the_name_of, owns
from apps.soulfra.relay import Relay
from apps.soulfra.shards import drift as everywhere
from apps.soulfra.shards.persons import Persons
from apps.soulfra.shards.router import Router
from apps.soulfra.tokens import Client, Tokens
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.soulfra.clients import May
from schemas.soulfra.commands import COMMANDS, Asked, ForgetUser
from schemas.soulfra.live import PATH
from schemas.soulfra.log import UNSHOWN, Stream
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
GET: Final = ("GET",)
LONGEST_ID: Final = 2**63 - 1
OWN: Final = ("emotional_credits", "version")
"""Of a user: who asks again and again would see who pays, or is paid, for an unsigned loop."""


class Doors:
    """One process's answers."""

    def __init__(
        self,
        pool: Pool,
        router: Router,
        tokens: Tokens,
        reads: Reads,
        *,
        opening: Opening,
        forgetting: Forgetting,
        persons: Persons | None = None,
        live: Live | None = None,
        relay: Relay | None = None,
        tasks: Sequence[kept.Task] = (),
        remembering: Remembering | None = None,
    ) -> None:
        self._pool, self._persons = pool, persons
        self._router = router
        self._reads = reads
        self._tokens = tokens
        self._opening, self._forgetting = opening, forgetting
        self._live = live
        self._relay = relay
        self._tasks = tasks
        self._remembering = remembering

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
        if asked.path == PATH and self._live:
            return await self._live.answer(asked)
        if asked.path == "/metrics":
            said = self._reads.metrics() + await lags.metrics(self._pool)
            return Answer(said.encode(), kind="text/plain; version=0.0.4")
        by = self._tokens.who(asked.header(b"authorization"))
        client = self._tokens.client(by)
        below, _, rest = asked.path.removeprefix(f"{AT}/").partition("/")
        handlers: dict[str, tuple[Sequence[str], Callable[[], Awaitable[Any]]]] = {
            "commands": (("POST",), lambda: self._command(asked, rest, by)),
            "lives": (GET, lambda: self._life(rest, client)),
            "forgotten": (GET, lambda: self._forgotten(rest, client)),
            "drift": (GET, lambda: self._drift(rest, client)),
            **{each: (GET, lambda: self._entity(below, rest, client, asked)) for each in PLURALS},
            **{
                each: (methods, lambda: self._remembered(below, rest, client, asked))
                for each, methods in METHODS.items()
            },
        }
        if (
            not asked.path.startswith(f"{AT}/")
            or below not in handlers
            or not (rest or below == "drift")
        ):
            known = ", ".join(f"{AT}/{each}/..." for each in handlers)
            raise NotFound(f"{asked.path!r:.80}: nothing lives here", f"try {known}, /health")
        methods, handle = handlers[below]
        if asked.method not in methods:
            known = " and ".join(methods)
            raise NotAllowed(f"{asked.path!r:.80}: takes {known}, not {asked.method!r:.20}")
        done = await handle()
        return done if isinstance(done, Answer) else Answer(to_json(done))

    async def _command(self, asked: Request, name: str, by: str) -> Any:
        kind = COMMANDS.get(name)
        if kind is None:
            raise NotFound(f"no command {name!r:.80}", f"commands are {', '.join(COMMANDS)}")
        _is_json(asked)
        command_id = id_of(asked)
        body.decode(asked.body, name)
        given = body.read(kind, asked.body, name)
        await self._allowed(self._tokens.client(by), given)
        done = await self._router.give(given, command_id, by)
        if isinstance(given, ForgetUser):
            self._forgetting.hurry()
        return {**done.answer.model_dump(mode="json"), "repeated": done.repeated}

    async def _allowed(self, client: Client, given: Asked) -> None:
        if client.user is not None:
            await allowed(self._of_persons().home, client.user, given)
        elif isinstance(given, ForgetUser) and May.FORGET not in client.may:
            raise Forbidden(f"{given.name}: not with this token", "its client may not forget")

    async def _remembered(self, what: str, agent_id: str, client: Client, asked: Request) -> Any:
        if self._remembering is None:
            raise Unreachable("memories: are not kept here")
        if client.user is not None:
            may = await owns(self._of_persons().home, client.user, agent_id)
        else:
            may = May.REMEMBER in client.may
        if not may:
            raise Forbidden(
                f"{what} of {agent_id!r:.80}: not with this token", "it may not remember"
            )
        if asked.method == "POST":
            _is_json(asked)
        return await self._remembering.answer(what, agent_id, asked)

    async def _entity(self, plural: str, rest: str, client: Client, asked: Request) -> Any:
        entity = PLURALS[plural]
        name, _, part = rest.partition("/")
        try:
            found = IDS.get(entity, PLAIN).validate_python(name)
        except ValidationError:
            raise Refused(f"{entity} {name!r:.80}: is no id") from None
        if isinstance(found, int) and not 0 < found <= LONGEST_ID:
            raise Refused(f"{entity} {name!r:.80}: is no id")

        may = May.DETOKENISE in client.may
        # What another shard has changes where nobody tells the cache.
        if client.user is None and not self._is_away(entity, str(found)):
            answer = await self._reads.answer(entity, str(found), part, asked)
            if answer is not None:
                said = await self._opening.kept(entity, str(found), part, answer.body, may=may)
                return answer._replace(body=said)
        elif part:
            raise Forbidden(f"{part}: not with a person's token, nor of an agent on another shard")

        async def ask(conn: Connection) -> tuple[Any, ...] | None:
            return await (await conn.execute(SQL[entity], {"id": str(found)})).fetchone()

        row = await self._asked(entity, str(found), client, ask)
        if row is None:
            raise Missing(f"{entity} {name!r:.80}: is not there")
        told = row[0]
        if entity is Entity.USER and client.user is None and not may:
            told = {name: value for name, value in told.items() if name not in OWN}
        return await self._opening.entity(entity, str(found), told, client.user, may=may)

    def _is_away(self, entity: Entity, name: str) -> bool:
        return entity is Entity.AGENT and self._router.away(name)

    async def _asked(
        self,
        entity: Entity,
        name: str,
        client: Client,
        ask: Callable[[Connection], Awaitable[T]],
    ) -> T:
        """Of an agent its own shard, else home; in a person's name if it is a person's token."""
        if entity is Entity.AGENT:
            if client.user is not None:
                return await self._of_persons().agent(client.user, name, ask)
            return await self._router.read(name, ask)
        async with self._reading(client) as conn:
            return await ask(conn)

    def _reading(self, client: Client) -> AbstractAsyncContextManager[Connection]:
        if client.user is None:
            return self._pool.connection()
        return in_the_name_of(self._of_persons().home, client.user)

    def _of_persons(self) -> Persons:
        if self._persons is None:
            raise Diverged("SOULFRA_PERSON_POSTGRES_URL: is not set, and a client is a person's")
        return self._persons

    async def _forgotten(self, name: str, client: Client) -> Any:
        try:
            user_id = UUID(name)
        except ValueError:
            raise Refused(f"user {name!r:.80}: is no id") from None
        if client.user not in {None, user_id}:
            raise Forbidden("forgotten: not with a person's token", "of itself it may ask")
        async with self._pool.connection() as conn:
            found = await forgotten(conn, user_id)
        if found is None:
            raise Missing(f"user {name!r:.80}: is not forgotten")
        if client.user is None and not client.may & {May.FORGET, May.DETOKENISE}:
            # How many loops were rewritten counts the unsigned ones, too.
            del found["places"]
        return found

    async def _life(self, stream: str, client: Client) -> Any:
        try:
            STREAM.validate_python(stream)
        except ValidationError:
            raise Refused(f"{stream!r:.80}: is no stream", "as loop:ID") from None
        if client.user is not None:
            raise Forbidden("lives: not with a person's token", "it reads entities")
        may = May.DETOKENISE in client.may

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
                if may or each.type not in UNSHOWN
            ]

        entity, _, name = stream.partition(":")
        found = await self._asked(Entity(entity), name, client, ask)
        if not found:
            raise Missing(f"{stream!r:.80}: nothing happened")
        for each in found:
            each["data"] = await self._opening.event(stream, each["data"], may=may)
            if entity == Entity.USER and not may:
                del each["version"]  # it counts what is not shown
        return found

    async def _drift(self, stream: str, client: Client) -> Any:
        """Of all together, or of one: ``agent:ID``, ``loop:ID``."""
        if client.user is not None:
            raise Forbidden("drift: not with a person's token", "it reads entities")
        if not stream:
            return (await everywhere.told(self._router)).model_dump(mode="json")
        entity, name = drift.named(stream)
        found = await everywhere.told_of(self._router, entity, name)
        if found is None:
            raise Missing(f"{stream!r:.80}: is not there")
        return found.model_dump(mode="json")

    async def _health(self) -> Answer:
        try:
            async with self._pool.connection(2) as conn:
                await conn.execute(SQL["alive"])
            behind = await lags.lags(self._pool)
        except (psycopg.Error, TimeoutError) as error:
            said = {"status": "unhealthy", "postgres": type(error).__name__}
            return Answer(to_json(said), 503)
        told: dict[str, Any] = {
            "status": "healthy",
            "decided_anew": self._router.home.writer.again,
            "moved": self._router.moved,
            "forgetting_failed": self._forgetting.failed,
            "tasks": kept.told(self._tasks),
            "followers": lags.health(behind),
        }
        if self._relay:
            told["streams"] = self._relay.told()
        if self._live:
            told["live"] = self._live.told()
        if self._remembering:
            told["memory"] = self._remembering.health()
        return Answer(to_json({**told, **self._reads.health()}))


def _is_json(asked: Request) -> None:
    said = (asked.header(b"content-type") or "").partition(";")[0].strip().lower()
    if said != JSON:
        raise Unsupported(f"Content-Type {said!r:.80}: is not {JSON}")
