"""The process: open the stores, open both doors, drain when told to stop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from pydantic import ValidationError

from apps.bridge.door import door
from apps.bridge.listener import Listener, drained
from apps.bridge.process import run
from apps.governance import VERSION
from apps.governance.desk import Desk
from apps.governance.health import require_schema
from apps.governance.lives import Lives
from apps.governance.rooms import Stores, furnished
from apps.governance.routes import OPEN
from apps.governance.sessions import Sessions
from apps.governance.settings import Settings, settings
from apps.governance.tokens import Tokens
from apps.governance.trails import Trails
from apps.governance.web import Doors
from apps.governance.writer import SQL
from apps.postgres import Pool, opened, place, pool
from apps.redis_line import connect
from schemas.errors import Diverged, Unreachable
from schemas.governance.thresholds import Thresholds

log = logging.getLogger("governance")
START_SECONDS = 10.0
DRAIN_SECONDS = 10
SWITCH_SECONDS = 0.0005
"""So long the index's thread may keep the event loop waiting; Python's own 5 ms are a check-in."""


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

        ending = asyncio.Event()

        def on_lost(why: str) -> None:
            if not lost:
                lost.append(why)
                ending.set()

        lives = Lives(desk)
        stores = Stores(told, store, desk, trails, line, sessions, lives)
        rooms = furnished(stores, thresholds, tokens, on_lost)
        app = Doors(
            local_open=told.local_open,
            tokens=tokens,
            sessions=sessions,
            lives=lives,
            routes=rooms.routes,
            is_open=OPEN,
        )
        listeners = [Listener(app.answer), Listener(app.answer, is_local=True)]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        writer, *tellers = [_supervised(name, work, broken, ending) for name, work in rooms.works()]
        for listener, made in zip(listeners, doors, strict=True):
            await listener.open(made)
        log.info(
            "governance %s: doors %s:%d (token) and %s:%d (%s)",
            VERSION, told.host, told.port, told.local_host, told.local_port,
            "open: a lab" if told.local_open else "token",
        )  # fmt: skip
        await ending.wait()
        rooms.pages.close()
        await drained(listeners, DRAIN_SECONDS)
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
    name: str, work: Coroutine[Any, Any, None], broken: list[str], ending: asyncio.Event
) -> asyncio.Task[None]:
    """A task whose fault ends the process instead of leaving callers to wait."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            broken.append(f"{name}: {type(error).__name__}")
            ending.set()

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    return task


async def _open(told: Settings, stack: AsyncExitStack) -> Pool:
    store = pool(told.postgres)
    log.info("postgres at %s: opening, for at most %.0f s", place(told.postgres), START_SECONDS)
    stack.push_async_callback(store.close)
    await opened(store, told.postgres, START_SECONDS)
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
    sys.setswitchinterval(SWITCH_SECONDS)
    return run("governance", lambda: serve(settings(os.environ)))


if __name__ == "__main__":
    sys.exit(main())
