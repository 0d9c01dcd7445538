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
from apps.soulfra.kept import kept
from apps.soulfra.settings import Settings, settings
from apps.soulfra.tokens import Tokens
from apps.soulfra.upkeep import upkeep
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
        tasks = await stack.enter_async_context(kept(upkeep(store, told)))
        listener = Listener(Doors(store, writer, tokens, tasks).answer)
        await listener.open(made)
        log.info("soulfra: at %s:%d, %s", told.host, told.port, place(told.postgres))
        await _until(ending, writer)
        await drained([listener], DRAIN_SECONDS)
        await writer.close()
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
