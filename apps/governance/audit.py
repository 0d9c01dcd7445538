"""audit_log.jsonl: what governance did. The lines are the truth; audit.events is made from them."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.governance.ids import fresh_id
from apps.governance.sampling import Sampler
from apps.governance.trail.follow import SQL, Follower
from apps.governance.trail.scribe import Scribe, body
from apps.postgres import Connection


def event(
    agent: str | None, kind: str, payload: dict[str, Any], at: datetime | None = None
) -> dict[str, Any]:
    """Something that happened: a line of audit_log.jsonl, and by that a row of audit.events."""
    return {
        "event_id": fresh_id(),
        "recorded_at": at or datetime.now(UTC),
        "agent_id": agent,
        "event_type": kind,
        "payload": payload,
    }


class AuditLog(Scribe):
    """The trail of what governance did: await ``append`` before you acknowledge it."""

    follower: Follower | None = None
    """Who makes audit.events of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._sampler = Sampler()

    async def keep(self, conn: Connection, said: Sequence[dict[str, Any]]) -> None:
        """Have what a change is told by in its transaction: so no kill before the lines loses it.

        It goes when the lines are indexed; what is left at the next start is told then.
        """
        if said:
            events = b"[%s]" % b",".join(body(each) for each in said)
            await conn.execute(SQL["keep_untold"], {"events": events.decode()})

    def note(self, said: Sequence[dict[str, Any]]) -> None:
        """As of any trail, but that noise is thinned out."""
        super().note(self._sampler.kept(said))

    def queue(self, said: Sequence[dict[str, Any]]) -> Awaitable[None]:
        """As of any trail, but that noise is thinned out."""
        return super().queue(self._sampler.kept(said))

    @property
    def lag_seconds(self) -> float | None:
        """For how long audit.events has been behind; None when nobody follows."""
        return self.follower.behind_seconds if self.follower else None

    @property
    def lag_lines(self) -> int | None:
        """Lines that are not rows yet; None when nobody follows."""
        return self.follower.behind if self.follower else None

    @property
    def odd(self) -> str | None:
        """What is not as it was written, or keeps rows from being made; None if nothing."""
        said = (self.follower.odd, self.follower.trouble) if self.follower else ()
        return next((each for each in (self.journal.odd, *said) if each), None)
