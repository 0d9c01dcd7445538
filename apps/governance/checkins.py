"""CheckIn -> Verdict, exactly once for ever. One writer commits whatever gathered meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from apps.bridge.refusals import Busy
from apps.governance.audit import AuditLog
from apps.governance.limits import Limits
from apps.governance.numbers import Numbers
from apps.governance.report import Report
from apps.governance.sessions import Sessions
from apps.governance.writer import Outcome, Writer
from apps.postgres import Pool
from schemas.bridge import Verdict
from schemas.errors import HouseError, Unreachable
from schemas.governance.thresholds import Thresholds

QUEUE_LIMIT = 1_024
BATCH_LIMIT = 256
AHEAD = 2
"""Batches whose lines may be on their way to the disk."""

Waiting = tuple[Report, asyncio.Future[Verdict]]


class Checkins:
    """The queue, its one writer, and the promise that an answer means a committed row."""

    def __init__(
        self,
        pool: Pool,
        thresholds: Thresholds,
        audit: AuditLog,
        sessions: Sessions,
        on_lost: Callable[[str], None],
        *,
        numbers: Numbers | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._thresholds = thresholds
        self._audit = audit
        self._numbers = numbers or Numbers()
        self._limits = limits
        self._writer = Writer(
            pool, audit, sessions, thresholds=lambda: self._thresholds, on_lost=on_lost,
            numbers=self._numbers,
        )  # fmt: skip
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._closed: HouseError | None = None

    @property
    def trouble(self) -> str | None:
        """Why the last batch could not be written, until one is."""
        return self._writer.trouble

    @property
    def thresholds(self) -> Thresholds:
        """What verdicts are measured by; what is set counts from the next batch on."""
        return self._thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds

    async def handle(self, said: Report) -> Verdict:
        """The verdict, once the check-in and its line are on disk."""
        begun = time.monotonic()
        try:
            if self._limits:
                await self._limits.admit(said)
            answer = await self.put(said)
        except HouseError as error:
            self._numbers.refused(error)
            raise
        self._numbers.answered(answer, time.monotonic() - begun)
        return answer

    async def admitted(self, reports: Sequence[Report]) -> list[Exception | None]:
        """For each why it comes too soon, or None."""
        return await self._limits.admitted(reports) if self._limits else [None] * len(reports)

    def put(self, said: Report) -> asyncio.Future[Verdict]:
        """The verdict to come, of a check-in that is admitted."""
        if self._closed:
            raise self._closed
        self._audit.require()
        if len(self._queue) >= QUEUE_LIMIT:
            raise Busy(f"{len(self._queue)} check-ins are waiting already", "send it again later")
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._queue.append((said, answer))
        self._wake.set()
        return answer

    @property
    def waiting(self) -> int:
        """Check-ins that wait for the writer."""
        return len(self._queue)

    async def run(self) -> None:
        """Commit batch after batch until closed and empty."""
        answering: deque[asyncio.Task[None]] = deque()
        while self._queue or not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                size = min(len(self._queue), BATCH_LIMIT)
                waiting = [self._queue.popleft() for _ in range(size)]
                outcomes, told = await self._writer.write([said for said, _ in waiting])
                answering.append(asyncio.create_task(_answer(waiting, outcomes, told)))
                while len(answering) > AHEAD or (answering and answering[0].done()):
                    await answering.popleft()
        await asyncio.gather(*answering)
        await self._writer.close()

    def close(self, reason: HouseError) -> None:
        """Take no more; what is queued is still committed."""
        self._closed = self._closed or reason
        self._wake.set()


async def _answer(
    waiting: list[Waiting],
    outcomes: list[Outcome],
    told: list[Awaitable[None]],
) -> None:
    """Answer when the lines are on disk, too; the next batch is being committed meanwhile."""
    try:
        for each in told:
            await each
    except Unreachable as error:
        outcomes = [error if isinstance(out, Verdict) else out for out in outcomes]
    for (_, answer), outcome in zip(waiting, outcomes, strict=True):
        if answer.done():
            continue  # the caller hung up; the row stands
        if isinstance(outcome, Verdict):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)
