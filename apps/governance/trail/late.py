"""What a crash kept from the audit log: rows of before this start that no line tells of.

A check-in is committed a moment before its line is on the disk, and so is any other change. Whoever
is killed in between has acknowledged nothing; the row is there all the same, and gets its line.
"""

from datetime import UTC, datetime
from typing import Any

from apps.governance.audit import event
from apps.governance.trail.follow import SQL, Connection, Follower

WINDOW = 5_000
"""Rows looked through at a time; at most as many lines."""
BACK = 10_000
"""Check-ins before the newest that is told: a commit whose answer was lost may be among them."""
Events = list[dict[str, Any]]


class Late:
    """Looks through each row once, in the order of its table.

    Whether a line tells of it audit.events says, so the lines of before are indexed first. Until
    all is told the follower holds the place to look from: killed, the next start begins there.
    """

    def __init__(self, conn: Connection, follower: Follower) -> None:
        """The journal is open; nothing was written to it since."""
        self._follower = follower
        self._lines = follower.journal.tip.seq
        at = follower.position or follower.look(conn)
        state_id, lifecycle_id, untold_id = conn.execute(SQL["newest"]).fetchone() or (0, 0, 0)
        self.newest = {"state_id": state_id, "lifecycle_id": lifecycle_id}
        """How far the tables were."""
        self._places = [
            ("untold_events", 0, untold_id),
            ("untold_identities", at.lifecycle_id, lifecycle_id),
            ("untold_check_ins", max(0, at.state_id - BACK), state_id),
        ]
        if not self._lines:
            del self._places[1:]  # of the time before there was a trail
        self.told = 0
        """Lines so far."""
        self._settle()

    @property
    def left(self) -> int:
        """Rows that are still to be looked through."""
        return sum(upto - after for _, after, upto in self._places)

    @property
    def is_level(self) -> bool:
        """Whether all is indexed that could tell of the next rows."""
        position = self._follower.position
        return position is not None and position.seq >= self._lines

    def events(self, conn: Connection) -> Events:
        """What the next lines are to say; none if all of the next rows are told."""
        name, after, upto = self._places[0]
        asked = {"after": after, "upto": min(upto, after + WINDOW)}
        return [KINDS[name](row) for row in conn.execute(SQL[name], asked)]

    def passed(self, events: Events) -> None:
        """They are lines, or will be: on to the next rows."""
        name, after, upto = self._places.pop(0)
        if after + WINDOW < upto:
            self._places.insert(0, (name, after + WINDOW, upto))
        else:
            self._lines = self._follower.journal.tip.seq
        self.told += len(events)
        self._settle()

    def _settle(self) -> None:
        """On to where there are rows; when there are none any more, let go."""
        self._places = [place for place in self._places if place[1] < place[2]]
        self._follower.holds = bool(self._places)


def _change(row: tuple[Any, ...]) -> dict[str, Any]:
    """As it was kept, under its own id."""
    event_id, at, agent, kind, payload = row
    return {**_late(agent, kind, at, payload), "event_id": str(event_id)}


def _identity(row: tuple[Any, ...]) -> dict[str, Any]:
    agent, at = row
    return _late(agent, "identity_created", at, {})


def _check_in(row: tuple[Any, ...]) -> dict[str, Any]:
    agent, at, *rest = row
    names = ("state_id", "boot_id", "seq", "sha256", "action", "margin", "risk")
    return _late(agent, "check_in", at, dict(zip(names, rest, strict=True)))


KINDS = {
    "untold_events": _change,
    "untold_identities": _identity,
    "untold_check_ins": _check_in,
}
"""Query to what one of its rows becomes."""


def _late(agent: str | None, kind: str, at: datetime, said: dict[str, Any]) -> dict[str, Any]:
    """An event of another time; its line says so."""
    return event(agent, kind, {**said, "told_late": True}, at.astimezone(UTC))
