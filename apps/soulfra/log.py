"""The log, read: gapless for whoever follows it, one life after the other for whoever asks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.upcast import Recorded, recorded
from schemas.errors import Diverged, Refused
from schemas.soulfra.live import LIVE_ID

SQL: Final = load(Path(__file__).with_suffix(".sql"))
PAGE: Final = 1_000
LARGEST: Final = 2**63 - 1
Take = Callable[[Connection, list[Recorded]], Awaitable[None]]


class Place(NamedTuple):
    """Where an event is in the log: (transaction_id, position), in the order of all readers.

    It grows with the log, and so do the ids that are made of it; a physical restore goes on from
    there. A logical restore into another server begins to count anew: it is not one of our ways
    (docs/decisions/0006). Whoever keeps places beside the log has to notice that it is another.
    """

    transaction_id: int = 0
    position: int = 0

    def __str__(self) -> str:
        return f"{self.transaction_id}-{self.position}"

    @classmethod
    def read(cls, said: str) -> "Place":
        """From an id, as somebody sent it."""
        found = LIVE_ID.match(said)
        if found is None or max(map(int, found.groups())) > LARGEST:
            raise Refused(f"{said!r:.60}: is no id of an event", "as 4711-42; 0-0 is before all")
        return cls(int(found[1]), int(found[2]))

    @property
    def before(self) -> "Place":
        """The place right before it."""
        if self.position:
            return Place(self.transaction_id, self.position - 1)
        return Place(max(self.transaction_id - 1, 0), LARGEST)


async def settled(conn: Connection, after: Place, limit: int = PAGE) -> list[Recorded]:
    """The next events, in the one order that every reader sees: none is ever added before them."""
    asked = {"transaction_id": after.transaction_id, "position": after.position, "limit": limit}
    cursor = await conn.execute(SQL["settled"], asked)
    return [recorded(row) for row in await cursor.fetchall()]


async def newest(conn: Connection) -> Place:
    """The place of the last event; readers may have to wait for it."""
    row = await (await conn.execute(SQL["newest"])).fetchone()
    return Place(*row) if row else Place()


async def life(
    conn: Connection, stream: str, until: datetime | None = None
) -> AsyncIterator[Recorded]:
    """All that happened to one, up to an instant."""
    version = 0
    while True:
        asked = {"stream": stream, "version": version, "until": until, "limit": PAGE}
        rows = await (await conn.execute(SQL["life"], asked)).fetchall()
        for row in rows:
            one = recorded(row)
            version = one.version
            yield one
        if len(rows) < PAGE:
            return


async def place_of(conn: Connection, follower: str) -> Place | None:
    """How far a follower is; None if it never began."""
    row = await (await conn.execute(SQL["place"], {"follower": follower})).fetchone()
    return Place(*row) if row else None


async def follow(conn: Connection, follower: str, take: Take, limit: int = PAGE) -> int:
    """Take the next events, and move on with what ``take`` did or not at all; gives how many.

    Until ``take`` writes, the transaction has no number: what it takes its time for holds up nobody
    else who follows the log.
    """
    async with conn.transaction():
        await conn.execute(SQL["hold_follower"], {"follower": follower})
        after = await place_of(conn, follower) or Place()
        found = await settled(conn, after, limit)
        if found:
            await take(conn, found)
            last = found[-1]
            moved = {
                "follower": follower,
                "transaction_id": last.transaction_id,
                "position": last.position,
                "taken": len(found),
                "recorded_at": last.recorded_at,
                "from_transaction_id": after.transaction_id,
                "from_position": after.position,
            }
            if (await conn.execute(SQL["move_follower"], moved)).rowcount != 1:
                raise Diverged(f"follower {follower}: was moved by somebody else meanwhile")
        return len(found)
