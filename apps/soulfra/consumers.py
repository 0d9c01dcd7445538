"""A group of consumers of one stream: each event is handled by one of them, at least once.

How far the group is stands in Redis, and now and then in Postgres: a flushed Redis goes on from
there. What was trimmed before the group had it is read from the log, then the stream is joined at
the very next event. An event that is handled again was handled by somebody who died before saying
so: handlers go by its id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError

from apps.postgres import Connection, Pool
from apps.queries import load
from apps.redis_line import Line, Script
from apps.soulfra.feed import Told, page, settled_until
from apps.soulfra.log import Place, place_of
from apps.soulfra.relay import AWAY, AWAY_SECONDS
from apps.soulfra.streams import told_of
from schemas.errors import Refused
from schemas.soulfra.keys import STREAM_ASIDE, STREAM_SECONDS
from schemas.soulfra.live import Message, StreamName
from schemas.soulfra.words import EntityId

log = logging.getLogger("soulfra")
SQL: Final = load(Path(__file__).with_suffix(".sql"))
TAKE: Final = Script.load(Path(__file__).with_name("take.lua"))
AT_ONCE: Final = 100
TRIES: Final = 3
"""So often an event is given to a handler that fails; then it is set aside."""
IDLE_SECONDS: Final = 30.0
"""What a consumer did not answer for in so long is given to another, or to itself again."""
SAVE_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.05
ASIDE_ENTRIES: Final = 1_000
GROUP: Final[TypeAdapter[str]] = TypeAdapter(Annotated[EntityId, StringConstraints(max_length=60)])
Entry = tuple[str, list[str]]
Handle = Callable[[Message], Awaitable[None]]
"""Whatever it raises means: not handled."""


@dataclass(slots=True)
class Handled:
    """What a consumer did since it began."""

    handled: int = 0
    from_log: int = 0
    """Of them those that were not in the stream any more."""
    taken_over: int = 0
    """Given before, to somebody who did not answer for it."""
    failed: int = 0
    aside: int = 0
    away: int = 0
    """How often Redis or Postgres did not answer."""


class Consumer:
    """One of a group; its name is its own."""

    def __init__(
        self,
        pool: Pool,
        redis: Line,
        stream: StreamName,
        *,
        group: str,
        name: str,
        handle: Handle,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._pool, self._redis, self._stream = pool, redis, stream
        self._group, self._name, self._handle = group, name, handle
        try:
            GROUP.validate_python(group)
        except ValidationError:
            raise Refused(f"group {group!r:.60}: is no name", "letters and digits, . _ -") from None
        self._key = stream.key.pattern
        self._follower = f"group:{stream}:{group}"
        self._idle_ms = int(idle_seconds * 1_000)
        self._seam = ("", "")
        """Two ids between which there is nothing: the group's last one, the stream's first."""
        self._saved_at = 0.0
        self._since_saved = 0
        self.counts = Handled()

    async def begin(self, after: Place | None = None) -> None:
        """Have the group: where it was, else after an event, else from now on."""
        self._seam = ("", "")
        async with self._pool.connection() as conn:
            place = await place_of(conn, self._who["follower"])
            if place is None:
                place = await settled_until(conn) if after is None else after
                await conn.execute(SQL["move"], {**self._who, **place._asdict(), "taken": 0})
        try:
            await self._redis.ask("XGROUP", "CREATE", self._key, self._group, str(place))
        except Refused as error:
            # Without a stream there is nothing to read; the relay makes it.
            if "BUSYGROUP" not in error.message and "key to exist" not in error.message:
                raise

    async def run(self) -> None:
        """Handle until cancelled; whoever is away is waited for."""
        while True:
            try:
                pause = 0.0 if await self.step() else POLL_SECONDS
            except (*AWAY, Refused) as error:  # of Redis, as while it is loading
                self.counts.away += 1
                log.warning("%s: %.200s", self._follower, error)
                pause = AWAY_SECONDS
            await asyncio.sleep(pause)

    async def step(self) -> int:
        """Handle what there is to be taken at once; gives how many events that were."""
        words = (self._group, self._name, AT_ONCE, self._idle_ms, *self._seam)
        try:
            what, *more = await self._redis.run(TAKE, [self._key], words)
        except Refused as error:
            if "NOGROUP" not in error.message and "no such key" not in error.message:
                raise
            await self.begin()
            return 0
        done = 0
        if what == "new":
            done = await self._entries(more[0], {})
        elif what == "held":
            given = dict(zip(more[1][::2], map(int, more[1][1::2]), strict=True))
            self.counts.taken_over += len(more[0])
            done = await self._entries(more[0], given)
        elif what in {"gap", "trimmed"}:
            done = await self._alone(what, more)
        self._since_saved += done
        await self.save(SAVE_SECONDS)
        return done

    async def save(self, seconds: float = 0.0) -> None:
        """Note in Postgres before which event all are handled, if it was not noted lately."""
        now = asyncio.get_running_loop().time()
        if not self._since_saved or now - self._saved_at < seconds:
            return
        last = await self._last()
        # Asked for after: whatever is given to somebody meanwhile comes after the last one.
        pending, oldest, *_ = await self._redis.ask("XPENDING", self._key, self._group)
        place = min(last, Place.read(oldest).before) if pending else last
        moved = {**self._who, **place._asdict(), "taken": self._since_saved}
        async with self._pool.connection() as conn:
            await conn.execute(SQL["move"], moved)
        self._since_saved, self._saved_at = 0, now

    @property
    def _who(self) -> dict[str, Any]:
        return {"follower": self._follower}

    async def _entries(
        self, entries: Sequence[tuple[str, list[str]]], given: dict[str, int]
    ) -> int:
        """Handle and answer for each, but for those that fail."""
        done = []
        try:
            for name, said in entries:
                told = told_of(self._stream, name, said)
                if given.get(name, 0) >= TRIES:
                    await self._set_aside(told)
                elif not await self._handled(told):
                    continue
                done.append(name)
        finally:
            if done:
                await self._redis.ask("XACK", self._key, self._group, *done)
        return len(done)

    async def _handled(self, told: Told) -> bool:
        message = Message.model_validate_json(told.message)
        try:
            await self._handle(message)
        except Exception:
            self.counts.failed += 1
            log.exception("%s: %s: not handled", self._follower, told.place)
            return False
        self.counts.handled += 1
        return True

    async def _set_aside(self, told: Told) -> None:
        self.counts.aside += 1
        key = STREAM_ASIDE.of(group=self._group)
        said = ("id", str(told.place), "stream", self._stream)
        await self._redis.ask("XADD", key, "MAXLEN", "~", ASIDE_ENTRIES, "*", *said)
        await self._redis.ask("EXPIRE", key, STREAM_SECONDS)
        log.error("%s: %s: set aside after %d tries", self._follower, told.place, TRIES)

    async def _alone(self, what: str, more: list[Any]) -> int:
        """What is in the log only, handled by one of the group while the others wait."""
        async with self._pool.connection() as conn:
            row = await (await conn.execute(SQL["hold"], self._who)).fetchone()
            if not (row and row[0]):
                return 0
            try:
                if what == "trimmed":
                    return await self._trimmed(conn, more[0])
                return await self._gap(conn, Place.read(more[0]), Place.read(more[1]))
            finally:
                await conn.execute(SQL["let_go"], self._who)

    async def _trimmed(self, conn: Connection, ids: Sequence[str]) -> int:
        """Given to somebody who did not answer for it, and not in the stream any more."""
        for name in ids:
            place = Place.read(name)
            found = await page(conn, place.before, 1, (self._stream,))
            await self._surely([told for told in found.told if told.place == place])
            await self._redis.ask("XACK", self._key, self._group, name)
        return len(ids)

    async def _gap(self, conn: Connection, last: Place, first: Place) -> int:
        """What the group never had of what is before the first entry."""
        if await self._last() != last:
            return 0  # another one was faster
        done, after = 0, last
        while after < first.before:
            found = await page(conn, after, AT_ONCE * 10, (self._stream,))
            missed = [told for told in found.told if told.place < first]
            await self._surely(missed)
            done += len(missed)
            after = min(found.place, first.before) if found.looked_at else first.before
            await self._redis.ask("XGROUP", "SETID", self._key, self._group, str(after))
        self._seam = (str(after), str(first))
        return done

    async def _last(self) -> Place:
        for told in await self._redis.ask("XINFO", "GROUPS", self._key):
            said = dict(zip(told[::2], told[1::2], strict=True))
            if said["name"] == self._group:
                return Place.read(said["last-delivered-id"])
        raise Refused(f"{self._follower}: is not there")

    async def _surely(self, missed: Sequence[Told]) -> None:
        """Handle each, or set it aside."""
        for told in missed:
            for _ in range(TRIES):
                if await self._handled(told):
                    self.counts.from_log += 1
                    break
                await asyncio.sleep(POLL_SECONDS)
            else:
                await self._set_aside(told)
