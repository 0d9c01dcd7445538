"""The follower that writes transformations: whole transactions of the log, in their order."""

from typing import Final

from apps.postgres import Connection
from apps.soulfra.log import SQL
from apps.soulfra.projections import followed

FOLLOWER: Final = "transformations"
AT_ONCE: Final = 5_000
"""Events of one transaction, about."""
POLL_SECONDS: Final = 0.1


async def follow_changes(conn: Connection, limit: int = AT_ONCE) -> int:
    """Take the next transactions, and move on with what follows or not at all; how many events."""
    async with conn.transaction():
        await conn.execute(SQL["take_changes"])
        await conn.execute(SQL["begin_follower"], {"follower": FOLLOWER})
        cursor = await conn.execute(SQL["follower"], {"follower": FOLLOWER})
        row = await cursor.fetchone()
        after = row[0] if row else 0
        horizon = await (await conn.execute(SQL["horizon"])).fetchone()
        asked = {"after": after, "horizon": horizon and horizon[0], "limit": limit}
        last, count = await (await conn.execute(SQL["chunk"], asked)).fetchone() or (None, 0)
        if last is None:
            return 0
        await conn.execute(followed(), {"first": after + 1, "last": last})
        await conn.execute(SQL["move_follower_to"], {"follower": FOLLOWER, "transaction_id": last})
        return int(count)
