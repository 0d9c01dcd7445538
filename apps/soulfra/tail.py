"""``python -m apps.soulfra.tail STREAM --group NAME [--from ID]``: one of a group, shown here.

Each event is a line of JSON; it is answered for once it is printed. It ends when its input does.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

from apps.postgres import opened, pool
from apps.redis_line import connect
from apps.soulfra.consumers import Consumer
from apps.soulfra.ending import ended
from apps.soulfra.log import Place
from apps.soulfra.settings import Settings, settings
from schemas.errors import HouseError
from schemas.soulfra.live import Message, StreamName

NAME: Final = "tail"
START_SECONDS: Final = 10.0
CONNECTIONS: Final = 3


async def tail(told: Settings, stream: StreamName, group: str, after: Place | None) -> None:
    """Print what the group has not handled, and what comes, until the input ends."""

    async def shown(message: Message) -> None:
        sys.stdout.write(message.model_dump_json() + "\n")
        sys.stdout.flush()

    postgres = told.postgres.model_copy(update={"min_conn": 1, "max_conn": CONNECTIONS})
    redis = connect(told.redis)
    store = pool(postgres, "soulfra")
    try:
        await opened(store, postgres, START_SECONDS)
        one = Consumer(store, redis, stream, group=group, name=NAME, handle=shown)
        await one.begin(after)
        both = [asyncio.create_task(work) for work in (one.run(), _input())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in both:
            await ended(each)
        await one.save()
    finally:
        await redis.close()
        await store.close()


async def _input() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1_024):
        pass


def main(words: Sequence[str]) -> int:
    """Exit 0 at the end of the input, else the error's own code."""
    asked = argparse.ArgumentParser(prog="apps.soulfra.tail")
    asked.add_argument("stream", choices=list(StreamName), type=StreamName)
    asked.add_argument("--group", required=True)
    asked.add_argument("--from", dest="after")
    said = asked.parse_args(words)
    try:
        after = Place.read(said.after) if said.after else None
        asyncio.run(tail(settings(os.environ), said.stream, said.group, after))
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
