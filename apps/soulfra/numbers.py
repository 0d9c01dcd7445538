"""Numbers that the database made ahead: a sequence may not be asked within a transaction of events.

To take one would give the transaction its own number before the events are looked at.
"""

from collections import deque
from pathlib import Path
from typing import Final

from apps.postgres import Connection
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("log.sql"))
AHEAD: Final = 50
"""At least so many at once; what is left over at the end of a process is a gap."""


class Ahead:
    """Enough of each for the next batch."""

    def __init__(self) -> None:
        self._blessings: deque[int] = deque()
        self._prophecies: deque[int] = deque()

    async def fill(self, conn: Connection, *, blessings: int, prophecies: int) -> None:
        """Have at least so many."""
        for name, there, wanted in (
            ("blessing_numbers", self._blessings, blessings),
            ("prophecy_numbers", self._prophecies, prophecies),
        ):
            if len(there) < wanted:
                cursor = await conn.execute(SQL[name], {"count": max(wanted, AHEAD)})
                there.extend(number for (number,) in await cursor.fetchall())

    def blessing(self) -> int:
        """The next one of a blessing."""
        return self._blessings.popleft()

    def prophecy(self) -> int:
        """The next one of a prophecy."""
        return self._prophecies.popleft()
