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
from schemas.bridge import BATCH_LIMIT, Verdict
from schemas.errors import HouseError, Unreachable
from schemas.governance.thresholds import Thresholds

QUEUE_LIMIT = 1_024
AHEAD = 2
"""Batches whose lines may be on their way to the disk."""

Waiting = tuple[Report, asyncio.Future[Verdict], object]
"""A check-in, who waits for its verdict, and what it came with: that is committed together."""


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
        self._require_room(1)
        return self._queued(said, None)

    def put_all(self, reports: Sequence[Report]) -> list[asyncio.Future[Verdict]]:
        """The verdicts to come of one agent's, in order: all of them are queued or none is.

        They are committed together, so that none overtakes another. BATCH_LIMIT at most.
        """
        self._require_room(len(reports))
        parcel = object()
        return [self._queued(said, parcel) for said in reports]

    def _require_room(self, count: int) -> None:
        if self._closed:
            raise self._closed
        self._audit.require()
        if len(self._queue) + count > QUEUE_LIMIT:
            raise Busy(f"{len(self._queue)} check-ins are waiting already", "send it again later")

    def _queued(self, said: Report, parcel: object) -> asyncio.Future[Verdict]:
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._queue.append((said, answer, parcel))
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
                waiting = [self._queue.popleft() for _ in range(self._whole())]
                outcomes, told = await self._writer.write([said for said, *_ in waiting])
                answering.append(asyncio.create_task(_answer(waiting, outcomes, told)))
                while len(answering) > AHEAD or (answering and answering[0].done()):
                    await answering.popleft()
        await asyncio.gather(*answering)
        await self._writer.close()

    def _whole(self) -> int:
        """How many to take: as many as may be, but no part of what came together."""
        size = min(len(self._queue), BATCH_LIMIT)
        if size < len(self._queue) and (parcel := self._queue[size][2]) is not None:
            while size and self._queue[size - 1][2] is parcel:
                size -= 1
        return size

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
    for (_, answer, _), outcome in zip(waiting, outcomes, strict=True):
        if answer.done():
            continue  # the caller hung up; the row stands
        if isinstance(outcome, Verdict):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)
