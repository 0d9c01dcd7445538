"""Soulfra from the operator's machine: give a command, follow a life, prove and replay the log."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.postgres import Connection as AsyncConnection
from apps.postgres import Pool, PostgresSettings, pool
from apps.queries import load
from apps.soulfra.given import Done
from apps.soulfra.instant import asked_at
from apps.soulfra.log import SQL, life
from apps.soulfra.privacy.forgetting import forgotten
from apps.soulfra.privacy.keys import House
from apps.soulfra.privacy.opening import Opening
from apps.soulfra.rebuild import Rebuilt, rebuild
from apps.soulfra.replay import Say
from apps.soulfra.shards.router import Router
from apps.soulfra.upcast import Recorded
from apps.soulfra.writer import Writer
from schemas.errors import Diverged, Refused, Unreachable
from schemas.soulfra.commands import Asked, ForgetUser
from schemas.soulfra.log import UNSHOWN
from schemas.soulfra.server import APP, MASTER_KEY, READER
from schemas.soulfra.shards import HOME
from schemas.soulfra.words import Entity

READS: Final = load(Path(__file__).parents[1] / "soulfra" / "reads.sql")
FINISH_SECONDS: Final = 30.0
T = TypeVar("T")
FAULTS: Final = 1_000
"""As many are told."""


def give(root: Path, body: Asked, command_id: UUID | None) -> Done:
    """Have one command done, as the process does it."""

    async def run(router: Router) -> Done:
        return await router.give(body, command_id, by="operator")

    return asyncio.run(routed(root, APP, run))


def house_of(root: Path) -> House:
    """With the master key that the deploy made, in the vault on this machine."""
    _, state = in_force(root)
    return House.load(state / "secrets" / MASTER_KEY)


def forget(root: Path, user_id: UUID, say: Say) -> dict[str, Any]:
    """Have a person forgotten, and wait for the process to finish; what was done in each place."""
    give(root, ForgetUser(user_id=user_id), None)

    async def run(url: str) -> dict[str, Any]:
        end = time.monotonic() + FINISH_SECONDS
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            while True:
                found = await forgotten(conn, user_id)
                if found is None:
                    raise Diverged(f"user {user_id}: has no key that could be destroyed")
                if found["finished_at"] is not None or time.monotonic() > end:
                    return found
                say(f"{len(found['places'])} places")
                await asyncio.sleep(0.2)

    with reached(*in_force(root), "soulfra", APP) as url, answering():
        return asyncio.run(run(url))


def meant(root: Path, entity: Entity, name: str) -> dict[str, Any]:
    """What somebody said, with what its tokens stand for."""

    async def run(url: str) -> dict[str, Any]:
        settings = PostgresSettings(url=url, min_conn=1, max_conn=3)
        async with pool(settings, "soulfra") as there:
            async with there.connection() as conn:
                row = await (await conn.execute(READS[entity], {"id": name})).fetchone()
            if row is None:
                raise Refused(f"{entity} {name!r}: is not there")
            return await Opening(there, house).entity(entity, name, row[0], None, may=True)

    house = house_of(root)
    with reached(*in_force(root), "soulfra", APP) as url, answering():
        try:
            return asyncio.run(run(url))
        except psycopg.DataError:
            raise Refused(f"{entity} {name!r}: is no id") from None


def lived(root: Path, stream: str, until: datetime | None) -> list[Recorded]:
    """All that happened to one, but for what would say whose an unsigned loop is."""
    entity, _, name = stream.partition(":")

    async def asked(conn: AsyncConnection) -> list[Recorded]:
        return [each async for each in life(conn, stream, until) if each.type not in UNSHOWN]

    async def run(router: Router) -> list[Recorded]:
        if entity == Entity.AGENT:
            return await router.read(name, asked)
        async with router.home.pool.connection() as conn:
            return await asked(conn)

    # Reports may not count a life's events: as the process, then.
    return asyncio.run(routed(root, APP, run))


async def routed(root: Path, role: str, do: Callable[[Router], Awaitable[T]]) -> T:
    """With a router to the shards of the hosts in force; each is reached when it is needed."""
    hosts, state = in_force(root)
    house = house_of(root)
    with ExitStack() as stack, answering():

        def store(name: str, _: str) -> Pool:
            port = hosts.mac.soulfra_shards.get(name)
            if port is None and name != HOME:
                raise Refused(f"shard {name}: is not in hosts.toml", "mac.soulfra_shards")
            url = stack.enter_context(reached(hosts, state, "soulfra", role, port))
            return pool(PostgresSettings(url=url, min_conn=1, max_conn=3), "soulfra")

        async with store(HOME, "") as home:
            router = Router(home, store, lambda there: Writer(there, house))
            try:
                await router.learn()
                return await do(router)
            finally:
                await router.close()


def verified(root: Path, stream: str | None) -> list[tuple[str, int, str]]:
    """Events that are not as they were added, on any shard."""
    asked = {"stream": stream, "limit": FAULTS}
    hosts, state = in_force(root)
    found: list[tuple[str, int, str]] = []
    for port in (None, *hosts.mac.soulfra_shards.values()):
        with (
            reached(hosts, state, "soulfra", READER, port) as url,
            answering(),
            psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn,
        ):
            found += conn.execute(SQL["verify"], asked).fetchall()
    return found


def rebuilt(root: Path, say: Say, *, mend: bool) -> Rebuilt:
    """Make anew what follows from the log, and put it in its place."""
    with _connected(root) as conn:
        return rebuild(conn, say, mend=mend)


def then(
    root: Path, until: datetime, query: str, say: Say
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a query answers of how everything stood at an instant."""
    with _connected(root) as conn:
        try:
            return asked_at(conn, until, query, say)
        except psycopg.ProgrammingError as error:
            raise Refused(f"the query: {error.diag.message_primary}") from None


@contextmanager
def _connected(root: Path, role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """As the owner unless a role is named."""
    with (
        reached(*in_force(root), "soulfra", role) as url,
        answering(),
        psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn,
    ):
        yield conn


@contextmanager
def answering() -> Iterator[None]:
    """What a Postgres that is away comes to."""
    try:
        yield
    except psycopg.OperationalError as error:
        said = str(error).strip().partition("\n")[0]
        raise Unreachable(f"soulfra: {said}", "abode status") from None
