"""The process: open the store, open the door, drain when told to stop."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import Final

from apps.bridge.door import door
from apps.bridge.listener import Listener, drained
from apps.bridge.process import run
from apps.postgres import PostgresSettings, opened, place, pool
from apps.redis_line import connect
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.doors import Reads
from apps.soulfra.cache.drifting import rate_of
from apps.soulfra.cache.follower import Follower
from apps.soulfra.cache.forget import Forget
from apps.soulfra.doors import Doors
from apps.soulfra.ending import ended
from apps.soulfra.kept import kept
from apps.soulfra.live.door import Live
from apps.soulfra.live.hub import Hub
from apps.soulfra.memory.doors import Remembering
from apps.soulfra.memory.handles import Handles
from apps.soulfra.privacy.forgetting import Forgetting
from apps.soulfra.privacy.keys import House
from apps.soulfra.privacy.memories import AGENTS, Keys, Memories
from apps.soulfra.privacy.opening import Opening
from apps.soulfra.relay import Relay
from apps.soulfra.settings import Settings, settings
from apps.soulfra.shards.forget import Forget as ShardsForget
from apps.soulfra.shards.persons import Persons
from apps.soulfra.shards.place import shard
from apps.soulfra.shards.router import Router
from apps.soulfra.tokens import Tokens
from apps.soulfra.tree.forget import Documents
from apps.soulfra.upkeep import upkeep
from apps.soulfra.writer import Writer
from schemas.errors import Refused
from schemas.soulfra.commands import MeasureAgent
from schemas.soulfra.server import PERSON_CONNECTIONS

log = logging.getLogger("soulfra")
START_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 10
MONTHS_SECONDS: Final = 86_400.0
"""How often the months ahead are looked after; a loop whose month is missing makes it anyway."""


async def serve(told: Settings) -> None:
    """Run until SIGTERM; whoever asked before is answered."""
    tokens = Tokens.load(told.tokens_file)
    house = House.load(told.master_key_file)
    if tokens.of_persons and told.persons is None:
        raise Refused("SOULFRA_PERSON_POSTGRES_URL: is not set, and a client is a person's")
    async with AsyncExitStack() as stack:
        made = stack.enter_context(door(told.host, told.port))
        store = pool(told.postgres, "soulfra")
        stack.push_async_callback(store.close)
        await opened(store, told.postgres, START_SECONDS)
        cache = Cache(store, connect(told.redis))
        stack.push_async_callback(cache.close)
        follower = Follower(cache)
        handles = Handles(told.data_dir / AGENTS, Keys(told.postgres, house))
        stack.callback(handles.close)
        router = Router(
            store,
            lambda name, at: pool(shard(told.postgres, at), f"soulfra-{name}"),
            lambda there: Writer(there, house, cache.changed),
        )
        stack.push_async_callback(router.close)
        forgetting = Forgetting(
            store,
            {
                "redis": Forget(cache),
                "documents": Documents(told.data_dir),
                "memories": Memories(told.data_dir / AGENTS, handles),
                "shards": ShardsForget(router),
            },
        )
        persons = await _persons(told.persons, router, stack)
        writer = router.home.writer
        follower.mended = writer.doubt
        await writer.make_months()
        await router.learn()
        following = asyncio.create_task(follower.run())
        stack.push_async_callback(ended, following)
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        redis = connect(told.redis)
        stack.push_async_callback(redis.close)
        hub, relay = Hub(store), Relay(store, redis)
        for work in (hub.run(), relay.run(), router.keep(), forgetting.keep_on()):
            running = asyncio.create_task(work)
            running.add_done_callback(lambda _: ending.set())
            stack.push_async_callback(ended, running)  # with its fault, if it had one
        tasks = await stack.enter_async_context(kept(upkeep(told, cache, router)))
        doors = Doors(
            store,
            router,
            tokens,
            Reads(cache, follower, rate_of(router)),
            live=Live(store, hub, tokens),
            relay=relay,
            opening=Opening(store, house),
            forgetting=forgetting,
            persons=persons,
            tasks=tasks,
            remembering=Remembering(
                handles,
                lambda agent_id, depth: router.give(
                    MeasureAgent(agent_id=agent_id, memory_depth=depth)
                ),
            ),
        )
        listener = Listener(doors.answer)
        await listener.open(made)
        log.info("soulfra: at %s:%d, %s", told.host, told.port, place(told.postgres))
        following.add_done_callback(lambda _: ending.set())
        await _until(ending, writer)
        await drained([listener], DRAIN_SECONDS)
        await writer.close()
        await hub.close()
    log.info("soulfra: stopped; everything acknowledged is on disk")


async def _persons(
    told: PostgresSettings | None, router: Router, stack: AsyncExitStack
) -> Persons | None:
    """What reads in the name of persons, if a client is one's."""
    if told is None:
        return None
    sized = told.model_copy(update={"min_conn": 1, "max_conn": PERSON_CONNECTIONS})
    store = pool(sized, "soulfra of persons")
    stack.push_async_callback(store.close)
    await opened(store, sized, START_SECONDS)
    made = Persons(store, router, lambda name, at: pool(shard(sized, at), f"persons-{name}"))
    stack.push_async_callback(made.close)
    return made


async def _until(ending: asyncio.Event, writer: Writer) -> None:
    while not ending.is_set():
        try:
            async with asyncio.timeout(MONTHS_SECONDS):
                await ending.wait()
        except TimeoutError:
            await writer.make_months()


def main() -> int:
    """Exit 0 after a drain, else the error's own code and one clear line."""
    return run("soulfra", lambda: serve(settings(os.environ)))


if __name__ == "__main__":
    sys.exit(main())
