"""How work that runs for ever is ended."""

import asyncio
from contextlib import suppress
from typing import Final

AGAIN_SECONDS: Final = 1.0


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it until it is over: Python 3.11 may lose a cancellation that meets an answer.

    Raises the fault that ended it before.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=AGAIN_SECONDS)
    with suppress(asyncio.CancelledError):
        await task
