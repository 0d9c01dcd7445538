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
from apps.soulfra.doors import Doors
from apps.soulfra.settings import Settings, settings
from apps.soulfra.shards.place import shard
from apps.soulfra.shards.router import Router
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
        router = Router(store, lambda name, at: pool(shard(told.postgres, at), f"soulfra-{name}"))
        stack.push_async_callback(router.close)
        writer = router.home.writer
        await writer.make_months()
        await router.learn()
        keeping = asyncio.create_task(router.keep())
        stack.callback(keeping.cancel)
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        listener = Listener(Doors(store, router, tokens).answer)
        await listener.open(made)
        log.info("soulfra: at %s:%d, %s", told.host, told.port, place(told.postgres))
        await _until(ending, writer)
        await drained([listener], DRAIN_SECONDS)
        keeping.cancel()
        await router.close()
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
