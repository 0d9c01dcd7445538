"""How all drift, counted anew from nothing: beside what is told, until it takes its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from apps.declared import postgres
from apps.declared.everything import tables
from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.drift import counted
from apps.soulfra.log import SQL as LOG
from schemas.errors import Diverged
from schemas.server import SOULFRA
from schemas.soulfra.drift import FOLLOWER

SQL: Final = load(Path(__file__).with_suffix(".sql"))
ANEW: Final = "drift_anew"
"""Who counts from nothing, and the schema of what it counts."""


async def anew(conn: Connection) -> int:
    """Count all from nothing, and put it in the place of what was counted; how many events.

    Page by page beside what is told: whoever reads meanwhile sees what was before, and nobody who
    follows the log waits. ``conn`` is the owner's, in autocommit.
    """
    row = await (await conn.execute(SQL["hold"])).fetchone()
    if row is None or not row[0]:
        raise Diverged("drift: somebody else counts it anew", "let it finish, then run again")
    events = 0
    try:
        async with conn.transaction():
            await conn.execute(SQL["make"])
            await conn.execute(SQL["forget_follower"], {"follower": ANEW})
        while found := await counted(conn, of=ANEW):
            events += found
        async with conn.transaction():
            # The follower waits from here on.
            for query in ("hold_follower", "begin_follower"):
                await conn.execute(LOG[query], {"follower": FOLLOWER})
            while found := await counted(conn, of=ANEW):
                events += found
            await conn.execute(SQL["swap"])
            for statement in _declared():
                await conn.execute(statement)
            await conn.execute(SQL["move"], {"anew": ANEW, "follower": FOLLOWER})
    finally:
        if not conn.broken:
            await conn.execute(SQL["drop"])
            await conn.execute(SQL["forget_follower"], {"follower": ANEW})
            await conn.execute(SQL["let_go"])
    return events


def _declared() -> Iterator[str]:
    """What a table of ours has beside its columns: what it is, and who may do what."""
    ours = [table for table in tables("soulfra") if table.table.startswith(f"{FOLLOWER}.")]
    yield from postgres.comments(ours, {})
    yield from (text for text in postgres.grants(SOULFRA.grants) if f"TABLE {FOLLOWER}." in text)
