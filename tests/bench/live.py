"""``make bench-live``: how late an event is in Redis and at a WebSocket, at full write load.

32 writers whisper through one writer; the relay and the hub are in the same process, as in the
container, and three listen in a process of their own. ABODE_SLICE is the seconds of load (10).
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from apps.bridge.door import door
from apps.bridge.listener import Listener, drained
from apps.postgres import PostgresSettings, pool
from apps.redis_line import Line
from apps.soulfra.doors import Doors
from apps.soulfra.live.door import Live
from apps.soulfra.live.hub import Hub
from apps.soulfra.relay import Relay
from apps.soulfra.streams import told_of
from apps.soulfra.tokens import Tokens
from apps.soulfra.writer import Writer
from schemas.server import SOULFRA
from schemas.soulfra.commands import RegisterAgent, RegisterUser, Whisper
from schemas.soulfra.live import PATH, Message, StreamName
from services.redis import SOULFRA as SOULFRA_REDIS
from tests.bench.redis_server import _image
from tests.redis_server import PASSWORD, made
from tests.soulfra.streams import Streams
from tests.stand import Stand, free_port, stand

SLICE: Final = float(os.environ.get("ABODE_SLICE") or 10)
WRITERS: Final = 32
LISTENERS: Final = 3
USERS: Final = 100
TARGET_SECONDS: Final = 1.0
TOKEN: Final = "token-of-the-bench"
LOOPS: Final = StreamName.LOOP_CREATED


def main() -> int:
    """Measure and print."""
    with (
        stand(tenant=SOULFRA) as at,
        made(f"bench-streams-{uuid4().hex[:8]}", _image(), {}, SOULFRA_REDIS, Streams) as own,
    ):
        asyncio.run(_measured(at, own))
    return 0


async def _measured(at: Stand, own: Streams) -> None:
    settings = PostgresSettings(url=at.app, min_conn=2, max_conn=8)
    redis, port = own.line(), free_port()
    async with pool(settings, "soulfra") as store:
        writer, hub, relay = Writer(store), Hub(store), Relay(store, redis)
        running = [asyncio.create_task(work) for work in (hub.run(), relay.run())]
        tokens = Tokens({"bench": sha256(TOKEN.encode()).hexdigest()})
        listener = Listener(Doors(store, writer, tokens, Live(store, hub, tokens), relay).answer)
        for n in range(USERS):
            user = UUID(int=n + 1)
            name = f"u{n}"
            await writer.give(RegisterUser(user_id=user, username=name, email=f"{name}@x.org"))
            await writer.give(RegisterAgent(agent_id=f"a{n}", user_id=user, archetype="x"))
        with door("127.0.0.1", port) as socket:
            await listener.open(socket)
            words = (sys.executable, "-m", "tests.bench.live", str(port), str(own.socket))
            watching = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
            while len(hub) < LISTENERS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            until = time.monotonic() + SLICE
            counts = await asyncio.gather(*(_write(writer, n, until) for n in range(WRITERS)))
            await asyncio.sleep(1)
            said = json.loads((await asyncio.to_thread(watching.communicate))[0])
            await writer.close()
            await drained([listener], 1)
        await hub.close()
        for each in running:
            each.cancel()
    await redis.close()
    _print(sum(counts), said)


async def _write(writer: Writer, n: int, until: float) -> int:
    count = 0
    while time.monotonic() < until:
        await writer.give(Whisper(agent_id=f"a{(n + count * WRITERS) % USERS}", text="it rains"))
        count += 1
    return count


def _print(count: int, said: dict[str, list[float]]) -> None:
    table = Table("what", "events", "p50", "p95", "worst", "target", "met")
    table.add_row("whispers, 32 writers", f"{count / SLICE:,.0f}/s", "", "", "", "", "")
    for name, lags in said.items():
        cuts = statistics.quantiles(lags, n=20)
        met = "yes" if max(lags) < TARGET_SECONDS else "NO"
        row = (f"{value:.3f} s" for value in (cuts[9], cuts[18], max(lags)))
        table.add_row(name, f"{len(lags):,}", *row, f"< {TARGET_SECONDS:g} s", met)
    Console().print(table)


async def _watched(port: int, socket: Path) -> dict[str, list[float]]:
    lags: dict[str, list[float]] = {"in Redis": [], f"at {LISTENERS} WebSockets": []}
    in_redis, at_sockets = lags.values()

    async def listen() -> None:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(f"ws://127.0.0.1:{port}{PATH}", additional_headers=bearer) as one:
            while True:
                message = Message.model_validate_json(await one.recv())
                at_sockets.append(time.time() - message.recorded_at.timestamp())

    async def read() -> None:
        line, last = Line(socket, "soulfra", PASSWORD), "0-0"
        while True:
            found = await line.ask("XRANGE", LOOPS.key.pattern, f"({last}", "+", "COUNT", 1_000)
            now = time.time()
            for name, entry in found:
                at = told_of(LOOPS, name, entry).recorded_at
                in_redis.append(now - at.timestamp())
                last = name
            await asyncio.sleep(0.01)

    with suppress(TimeoutError):
        async with asyncio.timeout(SLICE + 2):
            await asyncio.gather(read(), *(listen() for _ in range(LISTENERS)))
    return lags


if __name__ == "__main__":
    if sys.argv[1:]:
        found = asyncio.run(_watched(int(sys.argv[1]), Path(sys.argv[2])))
        sys.stdout.write(json.dumps(found))
        sys.exit()
    sys.exit(main())
