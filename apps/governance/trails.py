"""Both raw trails of this process, and the index that Postgres has of them."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from apps.governance.audit import AuditLog
from apps.governance.reconcile import begin, go_on
from apps.governance.trail.follow import Follower
from apps.governance.trail.index import Index
from apps.governance.trail.keep import Keeper
from apps.governance.trail.late import Late
from apps.governance.usage import ToolUsage
from apps.postgres import PostgresSettings
from schemas.governance.audit import Trail

Task = asyncio.Task[None]
BREAK_SECONDS = 6.0
"""For an index that waits for a server which does not answer."""


class Trails:
    """What happened and what was asked for: written, indexed, and closed in the right order."""

    def __init__(self, postgres: PostgresSettings, audit_log: Path) -> None:
        self._postgres = postgres
        self.audit = AuditLog(audit_log)
        self.usage = ToolUsage(audit_log.with_name("tool_usage.jsonl"))
        self.audit.follower = Follower(Trail.AUDIT_LOG, self.audit.journal)
        self._late: Late | None = None
        self._followers = (
            self.audit.follower,
            Follower(Trail.TOOL_USAGE, self.usage.scribe.journal),
        )
        self.index = Index(postgres, *self._followers)
        self.keeper = Keeper(*self._followers)
        self.audit.on_written = self.usage.scribe.on_written = self.index.wake

    async def begin(self) -> int:
        """Open both, and tell what a crash kept from them; gives how many lines that was."""
        self._late = await asyncio.to_thread(begin, self._postgres, *self._followers)
        self.index.wake()  # there may be lines that there was no time for
        return self._late.told

    async def go_on(self) -> None:
        """Tell what there was no time for before the doors opened."""
        if self._late is not None:
            await go_on(self._postgres, self._late, self.audit)

    @property
    def trouble(self) -> str | None:
        """What is not as it should be with the files, or is still to be told."""
        found = []
        if names := sorted(name for each in self._followers for name in each.journal.spoilt):
            found.append(f"{len(names)} packed days cannot be unpacked, the first is {names[0]}")
        if left := self._late.left if self._late else 0:
            found.append(
                f"{left} rows of before the start are looked through for lines that a crash kept"
            )
        return "; ".join([*found, *filter(None, [self.keeper.trouble])]) or None

    def works(self) -> tuple[tuple[str, Coroutine[Any, Any, None]], ...]:
        """What has to run, in the order in which ``close`` takes the tasks."""
        return (
            ("audit log", self.audit.run()),
            ("tool usage", self.usage.scribe.run()),
            ("audit index", self.index.run()),
        )

    async def close(self, audit: Task, usage: Task, index: Task) -> None:
        """Write what was taken, index it, end. Nobody may be about to tell any more."""
        self.keeper.close()
        self.audit.close()
        self.usage.scribe.close()
        await asyncio.wait([audit, usage])
        self.index.close()
        await asyncio.wait([index], timeout=BREAK_SECONDS)
        self.index.break_off()
        await asyncio.wait([index])
