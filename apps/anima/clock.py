"""House time: what the creature takes for the time of day, on a board without a battery clock.

House time is CLOCK_BOOTTIME plus an offset. The board's crystal does not jump, so an offset is
right or wrong since the boot; whatever the system's clock does meanwhile moves nothing. Only an
authority does: the system's clock at the moment that systemd-timesyncd has just set it, or the
``Date`` of governance's answers.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from apps.anima.failures import Failures

SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd each time that it has set the clock; gone after a boot."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
TIMESYNC, GOVERNANCE = "timesync", "governance"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
EARLIEST, LATEST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Whoever tells another year is wrong: there was no such creature, or will be none."""
STEP = 2 * SECOND
"""A known clock that is wrong by more is corrected, with what it wrote; by less it is slewed."""
EXACT = SECOND // 20
"""A clock that becomes known and is wrong by less is left as it is."""
NOISE = {TIMESYNC: EXACT, GOVERNANCE: SECOND}
"""What an authority's own word may be off by: a Date has whole seconds."""
SLEW = 10
"""A slewed clock moves by one part in so many, so that it never goes back."""
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def touched(path: Path) -> int | None:
    """When a file was last touched, in microseconds since 1970; None if it is not there."""
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return None


def kernel_boot() -> str:
    """The kernel's name for this boot."""
    return BOOT.read_text(encoding="ascii").strip()


class Board(NamedTuple):
    """What the board can be asked; tests bring another."""

    boottime: Callable[[], int] = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    """Microseconds since the kernel's start."""
    wall: Callable[[], int] = lambda: time.time_ns() // 1000
    """The system's clock, microseconds since 1970."""
    synced: Callable[[], int | None] = lambda: touched(SYNCHRONIZED)
    """When the system's clock was last set by time synchronisation, by that clock itself."""
    boot: Callable[[], str] = kernel_boot
    """The kernel's name for this boot."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The offset moved by so many microseconds at once: what was stamped with it must follow."""

    shift: int
    source: str
    was_known: bool


class Clock:
    """``now`` never goes back, except in the one step in which all that it stamped moves along.

    Any thread may ask it; one alone calls ``look``.
    """

    def __init__(self, board: Board | None = None, failures: Failures | None = None) -> None:
        self._board = board or Board()
        self._lock = threading.Lock()
        self._seen = (self._board.boottime(), self._board.wall())
        self._synced: int | None = None
        self._heard: tuple[int, str] | None = None
        self._jump: float | None = None
        self._doubt: int | None = None
        self._last = 0
        self.offset = self._seen[1] - self._seen[0]
        """Microseconds to add to CLOCK_BOOTTIME."""
        self._goal, self._slewed_at = self.offset, self._seen[0]
        self.source: str | None = None
        """The authority that it is known from."""
        self.least: int | None = None
        """The offset below which only time synchronisation is believed."""
        self.jumps: list[float] = []
        """Jumps of the system's clock in seconds, for whoever takes them out."""
        self.failures = failures if failures is not None else Failures("clock")

    @property
    def is_known(self) -> bool:
        """Whether an authority has ever told the time in this boot."""
        return self.source is not None

    @property
    def has_heard(self) -> bool:
        """Whether an authority's word waits for the next look."""
        return self._heard is not None

    def now(self) -> datetime:
        """House time in UTC."""
        with self._lock:
            self._last = max(self._last, self._time())
            return instant(self._last)

    def system(self) -> datetime:
        """What the system's clock says."""
        return instant(self._board.wall())

    def monotonic(self) -> float:
        """Seconds since the kernel's start, sleep included."""
        return self._board.boottime() / SECOND

    @property
    def boot(self) -> str:
        """The kernel's name for this boot."""
        return self._board.boot()

    def take_up(self, offset: int, source: str | None) -> None:
        """Go on with the offset of an earlier process of this boot."""
        self.offset = self._goal = offset
        self.source = source
        if source is not None:
            self._synced = self._board.synced()  # an old touch is no news

    def not_before(self, newest: datetime) -> None:
        """A clock that is not known is at least as late as what was written before."""
        late = microseconds(newest) - self._time()
        if self.source is None and late > 0:
            self.offset = self._goal = self.offset + late
        elif late < STEP:
            self._last = max(self._last, microseconds(newest))

    def hear(self, wall: datetime, source: str = GOVERNANCE) -> None:
        """An authority says that it is ``wall`` now; what cannot be is counted and not believed."""
        if not EARLIEST <= wall < LATEST:
            self.failures.note(f"clock {source}", f"tells the year {wall.year}")
            return
        self._heard = (microseconds(wall) - self._board.boottime(), source)

    def hear_date(self, date: str) -> None:
        """The ``Date`` header of an answer that has just come; any other text is counted."""
        try:
            self.hear(as_date(date) + timedelta(seconds=0.5))
        except (ValueError, OverflowError) as error:
            self.failures.note("clock date", error)

    def look(self) -> Correction | None:
        """Once a second: note jumps, listen to the authorities; gives what it corrected."""
        boottime, wall = self._board.boottime(), self._board.wall()
        gap = boottime - self._seen[0]
        jump = (wall - self._seen[1]) - gap
        self._seen = boottime, wall
        heard, self._heard = self._heard, None
        before, self._jump = self._jump, jump / SECOND if abs(jump) > STEP else None
        synced = self._board.synced()
        if synced is not None and synced != self._synced:
            # Just set, it shows hardly more than the time of its being set.
            is_first, self._synced = self._synced is None, synced
            latest = wall if is_first else synced + gap + STEP
            if synced - STEP <= wall <= latest:
                heard, self._jump = (wall - boottime, TIMESYNC), None
            else:
                self.failures.note("clock timesync", "the clock is not what it was just set to")
        if before is not None and not (heard and heard[1] == TIMESYNC):
            self.jumps.append(before)  # an authority's own would be told in the next look
            self.failures.note("clock jump", f"the system's clock jumped by {before:.0f} s")
        with self._lock:
            return self._consider(*heard) if heard else None

    def _consider(self, offset: int, source: str) -> Correction | None:
        if source != TIMESYNC and self.least is not None and offset < self.least:
            self.failures.note(
                f"clock {source}", "tells a time before what was written at a known time"
            )
            return None
        if self.source is None:
            return self._step(offset, source, EXACT)
        self._time()
        wrong = offset - self.offset
        if self.source == TIMESYNC and source != TIMESYNC:
            if abs(wrong) > STEP:
                self.failures.note(f"clock {source}", "disagrees with time synchronisation")
            return None
        if abs(wrong) > STEP:
            if source != TIMESYNC and not self._is_confirmed(offset):
                return None
            return self._step(offset, source, STEP)
        self._doubt, self.source = None, source
        if abs(wrong) > NOISE.get(source, SECOND):
            self._goal, self._slewed_at = offset, self._board.boottime()
        return None

    def _is_confirmed(self, offset: int) -> bool:
        """One late answer is no reason to move everything: it must be said twice."""
        before, self._doubt = self._doubt, offset
        return before is not None and abs(before - offset) <= STEP

    def _step(self, offset: int, source: str, least: int) -> Correction:
        self._time()
        shift = offset - self.offset
        if abs(shift) <= least:
            shift = 0
        was_known = self.is_known
        self.offset += shift
        self._goal, self.source, self._doubt = self.offset, source, None
        self._last = 0 if shift else self._last
        return Correction(shift, source, was_known)

    def _time(self) -> int:
        """Microseconds since 1970; moves the offset on where it is slewed."""
        boottime = self._board.boottime()
        if self.offset != self._goal:
            most = (boottime - self._slewed_at) // SLEW
            left = self._goal - self.offset
            self.offset += max(-most, min(most, left))
            if most:
                self._slewed_at = boottime
        return boottime + self.offset


def microseconds(when: datetime) -> int:
    """Since 1970, exactly."""
    return (when - EPOCH) // timedelta(microseconds=1)


def instant(micros: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


def as_date(text: str) -> datetime:
    """The moment of an HTTP date; the library's parser would cost its weight in memory.

    >>> as_date("Sun, 29 Nov 2026 00:31:24 GMT").isoformat()
    '2026-11-29T00:31:24+00:00'
    """
    words = text.split()
    if len(words) != 6 or words[5] != "GMT":
        raise ValueError(f"{text!r} is not an HTTP date")
    month, odd = divmod(MONTHS.find(words[2]), 3)
    if odd or month < 0 or len(words[2]) != 3:
        raise ValueError(f"{text!r} names no month")
    hour, minute, second = (int(part) for part in words[4].split(":"))
    whole = datetime(int(words[3]), month + 1, int(words[1]), hour, minute, tzinfo=UTC)
    return whole + timedelta(seconds=second)  # 60 in a leap second
