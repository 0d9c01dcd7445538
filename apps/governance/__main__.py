"""The process: open the stores, open both doors, drain when told to stop."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import psycopg
import uvicorn
import uvloop
from pydantic import ValidationError

from apps.governance import VERSION
from apps.governance.checkins import SQL
from apps.governance.desk import Desk
from apps.governance.door import door
from apps.governance.health import require_schema
from apps.governance.patience import Patient
from apps.governance.rooms import Stores, furnished
from apps.governance.routes import OPEN
from apps.governance.sessions import Sessions, connect
from apps.governance.settings import Settings, settings
from apps.governance.tokens import Tokens
from apps.governance.trails import Trails
from apps.governance.web import Doors
from apps.postgres import Pool, place, pool
from schemas.errors import Diverged, HouseError, Unreachable
from schemas.governance.thresholds import Thresholds

log = logging.getLogger("governance")
START_SECONDS = 10.0
DRAIN_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn, with its signals left to us: it would raise them again and skip the drain."""

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_drain = on_drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, then wait for the rest."""
        self._on_drain()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(told: Settings) -> None:
    """Run until SIGTERM, or until Postgres is lost (Unreachable)."""
    lost: list[str] = []
    broken: list[str] = []
    tokens = Tokens.load(told.tokens_file)
    async with AsyncExitStack() as stack:
        doors = [
            stack.enter_context(door(told.host, told.port)),
            stack.enter_context(door(told.local_host, told.local_port, is_local=True)),
        ]
        store = await _open(told, stack)
        thresholds = await _ready(store)
        trails = Trails(told.postgres, told.audit_log)
        await trails.begin()
        line = connect(told.redis)
        desk = Desk(store)
        sessions = Sessions(desk, line)
        stack.push_async_callback(sessions.close)

        def on_lost(why: str) -> None:
            if not lost:
                lost.append(why)
                server.should_exit = True

        stores = Stores(told, store, desk, trails, line, sessions)
        rooms = furnished(stores, thresholds, tokens, on_lost)
        app = Doors(
            local_port=told.local_port,
            local_open=told.local_open,
            tokens=tokens,
            sessions=sessions,
            routes=rooms.routes,
            is_open=OPEN,
        )
        server = Server(
            uvicorn.Config(
                app,
                http=Patient,
                ws="none",
                lifespan="off",
                log_level="error",  # a stranger's bad HTTP is no news
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            ),
            rooms.pages.close,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        writer, *tellers = [_supervised(name, work, broken, server) for name, work in rooms.works()]
        log.info(
            "governance %s: doors %s:%d (token) and %s:%d (%s)",
            VERSION, told.host, told.port, told.local_host, told.local_port,
            "open: a lab" if told.local_open else "token",
        )  # fmt: skip
        await server.serve(sockets=doors)
        rooms.checkins.close(Unreachable("governance: is stopping", "send it again later"))
        await asyncio.wait([writer])
        # Whoever still changes something tells of it: the trails come last.
        rooms.maintenance.close()
        for task in tellers[3:]:
            task.cancel()
        await asyncio.wait(tellers[3:])
        await trails.close(*tellers[:3])
    if broken:
        raise Diverged(f"governance: {broken[0]}", "this is a fault of ours; please report it")
    if lost:
        raise Unreachable(
            f"postgres at {place(told.postgres)}: lost, {lost[0]}",
            "is the container up?  abode status",
        )
    log.info("governance: stopped; everything acknowledged is on disk")


def _supervised(
    name: str, work: Coroutine[Any, Any, None], broken: list[str], server: Server
) -> asyncio.Task[None]:
    """A task whose fault ends the process instead of leaving callers to wait."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            broken.append(f"{name}: {type(error).__name__}")
            server.should_exit = True

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task


async def _open(told: Settings, stack: AsyncExitStack) -> Pool:
    store = pool(told.postgres)
    log.info("postgres at %s: opening, for at most %.0f s", place(told.postgres), START_SECONDS)
    stack.push_async_callback(store.close)
    try:
        await store.open(wait=True, timeout=START_SECONDS)
    except psycopg.OperationalError:
        raise Unreachable(
            f"postgres at {place(told.postgres)}: no answer for {START_SECONDS:.0f} s",
            "is the container up, and the password the right one?  abode status",
        ) from None
    return store


async def _ready(store: Pool) -> Thresholds:
    """The thresholds, from a database that is as declared."""
    async with store.connection() as conn:
        await require_schema(conn)
        row = await (await conn.execute(SQL["calibration"])).fetchone()
    try:
        return Thresholds.model_validate(row[0] if row else None)
    except ValidationError as error:
        where = "/".join(str(part) for part in error.errors()[0]["loc"])
        raise Diverged(
            f"core.calibration: data/{where}: is not as declared",
            f"it holds {', '.join(Thresholds.model_fields)}",
        ) from None


def main() -> int:
    """Exit 0 after a drain, else the error's own code and one clear line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    # As a container's first process we would be deaf to SIGTERM until the doors are open.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvloop.run(serve(settings(os.environ)))
    except HouseError as error:
        log.critical("%s", error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
