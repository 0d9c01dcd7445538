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
from apps.postgres import opened, place, pool
from apps.redis_line import connect
from apps.soulfra.changes import keep_following
from apps.soulfra.doors import Doors
from apps.soulfra.ending import ended
from apps.soulfra.live.door import Live
from apps.soulfra.live.hub import Hub
from apps.soulfra.relay import Relay
from apps.soulfra.settings import Settings, settings
from apps.soulfra.tokens import Tokens
from apps.soulfra.writer import Writer

log = logging.getLogger("soulfra")
START_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 10
MONTHS_SECONDS: Final = 86_400.0
"""How often the months ahead are looked after; a loop whose month is missing makes it anyway."""


async def serve(told: Settings) -> None:
    """Run until SIGTERM; whoever asked before is answered."""
    tokens = Tokens.load(told.tokens_file)
    async with AsyncExitStack() as stack:
        made = stack.enter_context(door(told.host, told.port))
        store = pool(told.postgres, "soulfra")
        stack.push_async_callback(store.close)
        await opened(store, told.postgres, START_SECONDS)
        writer = Writer(store)
        await writer.make_months()
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        redis = connect(told.redis)
        stack.push_async_callback(redis.close)
        hub, relay = Hub(store), Relay(store, redis)
        for work in (hub.run(), relay.run()):
            running = asyncio.create_task(work)
            running.add_done_callback(lambda _: ending.set())
            stack.push_async_callback(ended, running)  # with its fault, if it had one
        listener = Listener(Doors(store, writer, tokens, Live(store, hub, tokens), relay).answer)
        await listener.open(made)
        followers = [asyncio.create_task(keep_following(store, ending))]
        log.info("soulfra: at %s:%d, %s", told.host, told.port, place(told.postgres))
        await _until(ending, writer)
        await drained([listener], DRAIN_SECONDS)
        await writer.close()
        await hub.close()
        await asyncio.gather(*followers)
    log.info("soulfra: stopped; everything acknowledged is on disk")


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
