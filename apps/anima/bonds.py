"""Whom the creature meets: governance, each time that it answers a check-in."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from apps.anima.instants import as_instant
from apps.sqlite import as_text

AGENT = "governance"
MEETING = timedelta(minutes=10)
"""Answers within it are one meeting."""
SILENCE = timedelta(hours=6)
"""A gap between two meetings that is remembered."""
SHARE = 0.05
"""How far how it feels to meet moves towards the last meeting: 1 for proceed, -1 for pause."""
MOMENTS = 10

STEPS = (
    (4320, "companion"), (1008, "friend"), (144, "familiar"), (6, "acquaintance"), (0, "stranger"),
)  # fmt: skip
"""Meetings that each bond takes: an hour, a day, a week, a month of answers."""


class Bond:
    """What passed between the creature and governance."""

    def __init__(self, row: Mapping[str, Any] | None = None) -> None:
        self.meetings: int = row["interaction_count"] if row else 0
        self.valence: float = row["emotional_valence"] if row else 0.0
        self.first: str | None = row["first_met"] if row else None
        self.last = as_instant(row["last_seen"]) if row and row["last_seen"] else None
        self.moments: list[Any] = json.loads(row["memorable_moments"]) if row else []

    @property
    def strength(self) -> str:
        """How close they are."""
        return next(word for count, word in STEPS if self.meetings >= count)

    def meet(self, now: datetime, *, may_draw: bool) -> timedelta | None:
        """An answer came; gives the time since the last meeting, None if it is still the same."""
        since = now - self.last if self.last else MEETING
        if since < MEETING:
            return None
        before = self.strength
        self.meetings += 1
        self.valence += SHARE * ((1 if may_draw else -1) - self.valence)
        self.first, self.last = self.first or as_text(now), now
        if self.strength != before:
            self._keep(now, f"became {self.strength}")
        if since >= SILENCE:
            self._keep(now, f"met again after {hours(since)}")
        return since

    def _keep(self, now: datetime, what: str) -> None:
        self.moments = [*self.moments, {"at": as_text(now), "what": what}][-MOMENTS:]

    def row(self) -> dict[str, Any]:
        """As it lies in ``relationships``."""
        return {
            "agent_id": AGENT, "name": AGENT, "first_met": self.first,
            "last_seen": self.last and as_text(self.last), "interaction_count": self.meetings,
            "bond_strength": self.strength, "emotional_valence": self.valence,
            "memorable_moments": json.dumps(self.moments, separators=(",", ":")),
        }  # fmt: skip


def hours(span: timedelta) -> str:
    """A span in words."""
    return f"{span.total_seconds() / 3600:.0f} h"
