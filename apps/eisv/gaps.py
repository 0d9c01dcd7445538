"""Where a series has no rows, and why: by ids, marks and clock (docs/eisv.md has the rules)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from apps.eisv.checkins import STATE, CheckedIn
from apps.eisv.columns import GAPS, TABLE, Series, schema
from apps.eisv.merge import Damaged
from apps.eisv.selection import Selection
from apps.eisv.sources import Elsewhere, Happened
from schemas.anima.tables import EventType
from schemas.bridge import Action

TIMES_EXPECTED: Final = {Series.DRAWING: 10.0, Series.ANIMA: 3.0}
"""An interval longer than this many of the expected ones is a gap."""
FLOOR_SECONDS: Final = 30.0
"""Nothing shorter is a gap, however fast the rows come."""
ID_GAP: Final = "rows gone"
MENDED: Final = "mended"
MARK_GAP: Final = "not recorded"
CLOCK_BACK: Final = "clock went back"
BETWEEN_PIECES: Final = "between pieces"
UNKNOWN: Final = "unknown"


class Reason(NamedTuple):
    """A span in which there could be no rows."""

    why: str
    from_at: datetime
    upto_at: datetime


class Gap(NamedTuple):
    """Between two neighbouring rows; ``missing`` None where nobody can count."""

    series: str
    from_at: datetime
    upto_at: datetime
    missing: int | None
    why: str
    expected_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Below 0 where the clock went back."""
        return (self.upto_at - self.from_at).total_seconds()


class Mend(NamedTuple):
    """A damaged file was mended, and told how many rows of which table it could not save."""

    at: datetime
    lost: dict[str, int]


@dataclass(slots=True)
class _Step:
    """Two neighbouring rows that may have a gap between them."""

    before: tuple[int, int]
    after: tuple[int, int]
    gone: int
    unmarked: int
    goes_on: bool
    begins: bool
    mended: bool = False


@dataclass(slots=True)
class Gaps:
    """Takes the rows of a series as they come by; tells the gaps at the end."""

    series: Series
    selection: Selection
    elsewhere: list[Elsewhere] = field(default_factory=list)
    pieces: int = 0
    step: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    all_from: datetime | None = None
    all_upto: datetime | None = None
    """Of the rows outside the span, too."""
    _steps: list[_Step] = field(default_factory=list)
    _spans: list[np.ndarray[Any, Any]] = field(default_factory=list)
    _last: tuple[int, int, int] | None = None
    _outside: int = 0
    states: dict[datetime, tuple[Any, ...]] = field(default_factory=dict)
    """The last state before what may be a gap, and of the last row, by instant."""

    def take(self, rows: pa.Table) -> pa.Table:
        """Look at rows in the order of their ids; gives those in the span, with their piece."""
        ids, instants = rows["id"].to_numpy(), rows["timestamp"].cast(pa.int64()).to_numpy()
        kept = self.selection.in_time(instants)
        low, high = _instant(int(instants.min())), _instant(int(instants.max()))
        self.all_from, self.all_upto = (
            min(self.all_from or low, low),
            max(self.all_upto or high, high),
        )
        at = np.flatnonzero(kept)
        if not len(at):
            self._outside += len(ids)
            return self._pieced(rows.slice(0, 0), np.empty(0, bool))
        is_drawing = self.series is Series.DRAWING
        marks = rows["marks"].to_numpy()[at] if is_drawing else np.zeros(len(at), dtype=np.int64)
        places, outside = at, self._outside
        ids, instants = ids[at], instants[at]
        if self._last:
            ids = np.concatenate([[self._last[0]], ids])
            instants = np.concatenate([[self._last[1]], instants])
            marks = np.concatenate([[self._last[2]], marks])
            places = np.concatenate([[-1 - outside], places])
        known = len(self._steps)
        begins = self._compare(ids, instants, marks, places)
        self._remember(rows, [step.before for step in self._steps[known:]], at)
        if not self._last:
            begins = np.concatenate([[True], begins])
        self._last = int(ids[-1]), int(instants[-1]), int(marks[-1])
        self._outside = len(kept) - 1 - int(at[-1])
        low, high = _instant(int(instants.min())), _instant(int(instants.max()))
        self.first_at = min(self.first_at or low, low)
        self.last_at = max(self.last_at or high, high)
        return self._pieced(rows.filter(pa.array(kept)), begins)

    def _remember(
        self, rows: pa.Table, before: list[tuple[int, int]], at: np.ndarray[Any, Any]
    ) -> None:
        """The states that a check-in may have told again."""
        if self.series is not Series.DRAWING:
            return
        ids = rows["id"].to_numpy()
        before = [*before, (int(ids[at[-1]]), 0)]
        wanted = [int(ids.searchsorted(row_id)) for row_id, _ in before]
        for place, (row_id, _) in zip(wanted, before, strict=True):
            if place < len(ids) and ids[place] == row_id:
                row = rows.slice(place, 1).select([*STATE, "timestamp"]).to_pylist()[0]
                self.states[row["timestamp"]] = tuple(row[name] for name in STATE)

    def _pieced(self, rows: pa.Table, begins: np.ndarray[Any, Any]) -> pa.Table:
        if self.series is not Series.DRAWING:
            return rows
        pieces = self.pieces + np.cumsum(begins)
        self.pieces = int(pieces[-1]) if len(pieces) else self.pieces
        return rows.append_column("piece", pa.array(pieces, pa.int64()))

    def _compare(
        self,
        ids: np.ndarray[Any, Any],
        instants: np.ndarray[Any, Any],
        marks: np.ndarray[Any, Any],
        places: np.ndarray[Any, Any],
    ) -> np.ndarray[Any, Any]:
        """Note every pair of neighbours that may have a gap; gives where a piece begins."""
        span = np.diff(instants)
        self._spans.append((span[span > 0] / 1e6).astype(np.float32))
        gone = np.diff(ids) - np.diff(places)
        begins, unmarked = np.zeros(len(span), bool), np.zeros(len(span), np.int64)
        goes_on = np.zeros(len(span), bool)
        if self.series is Series.DRAWING and len(span):
            change = np.diff(marks)
            if (change > 0).any():
                self.step = int(np.bincount(change[change > 0]).argmax())
            step = max(self.step, 1)
            begins = ((change <= 0) & (marks[1:] <= step)) | (2 * marks[1:] < marks[:-1])
            lost = np.where(begins, marks[1:], np.where(change > 0, change, step)) // step - 1
            unmarked = np.maximum(lost, 0)
            goes_on = (change > 0) & (unmarked == 0)
        notable = (gone > 0) | (unmarked > 0) | (span < 0) | (span >= FLOOR_SECONDS * 1e6)
        for n in np.flatnonzero(notable):
            step_gone = int(gone[n])
            if step_gone:
                step_gone -= self._rows_between(int(ids[n]), int(ids[n + 1]))
            self._steps.append(
                _Step(
                    (int(ids[n]), int(instants[n])),
                    (int(ids[n + 1]), int(instants[n + 1])),
                    max(step_gone, 0),
                    int(unmarked[n]),
                    bool(goes_on[n]),
                    bool(begins[n]),
                )
            )
        return begins

    def _rows_between(self, first: int, last: int) -> int:
        return sum(each.rows for each in self.elsewhere if first < each.first and each.last < last)

    @property
    def expected_seconds(self) -> float | None:
        """The median interval, to three digits; 4 bytes a row are held for it."""
        spans = np.concatenate(self._spans) if self._spans else np.empty(0)
        return float(f"{np.median(spans):.3g}") if len(spans) else None

    @property
    def longest_seconds(self) -> float:
        """An interval beyond it is a gap."""
        return max(TIMES_EXPECTED[self.series] * (self.expected_seconds or 0.0), FLOOR_SECONDS)

    def found(
        self,
        reasons: Iterable[Reason],
        damaged: Iterable[Damaged],
        mends: Iterable[Mend] = (),
    ) -> list[Gap]:
        """The gaps, in the order of the rows."""
        expected, longest = self.expected_seconds, self.longest_seconds
        reasons, damaged, mends = list(reasons), list(damaged), list(mends)
        for step in self._steps:
            self._mend(step, mends)
        gaps = [
            gap._replace(expected_seconds=expected)
            for step in self._steps
            if (gap := self._gap(step, longest, reasons, damaged))
        ]
        return gaps + self._at_the_ends(damaged, expected)

    def _mend(self, step: _Step, mends: list[Mend]) -> None:
        """A mend leaves ids out on purpose, and says itself how many rows were lost."""
        table = TABLE[self.series].table
        span = _instant(step.before[1]), _instant(step.after[1])
        within = [mend for mend in mends if span[0] <= mend.at <= span[1]]
        if step.gone and within:
            step.gone, step.mended = sum(mend.lost.get(table, 0) for mend in within), True

    def _gap(
        self, step: _Step, longest: float, reasons: list[Reason], damaged: list[Damaged]
    ) -> Gap | None:
        from_at, upto_at = _instant(step.before[1]), _instant(step.after[1])
        gap = Gap(self.series, from_at, upto_at, step.gone or step.unmarked, "")
        if step.gone:
            broken = [each.name for each in damaged if _holds(each, step)]
            otherwise = MENDED if step.mended else ID_GAP
            return gap._replace(why=f"damaged: {broken[0]}" if broken else otherwise)
        if step.unmarked:
            return gap._replace(why=MARK_GAP)
        if gap.seconds < 0:
            return gap._replace(missing=None, why=CLOCK_BACK)
        if gap.seconds <= longest:
            return None
        why = covers(reasons, from_at, upto_at)
        if step.goes_on:
            # Marks say that no row is missing: the hand was slow, unless it is known to rest.
            return gap._replace(missing=0, why=why) if why else None
        otherwise = BETWEEN_PIECES if step.begins else UNKNOWN
        return gap._replace(missing=None, why=why or otherwise)

    def _at_the_ends(self, damaged: list[Damaged], expected: float | None) -> list[Gap]:
        """A damaged archive before the first row or after the last has no neighbour on one side."""
        known = [(step.before[0], step.after[0]) for step in self._steps if step.gone]
        gaps = []
        for each in damaged:
            first, last = each.manifest.first_id or 0, each.manifest.last_id or 0
            inside = any(before < last and first < after for before, after in known)
            span = each.manifest.from_at, each.manifest.upto_at
            if not inside and span[0] and span[1]:
                why = f"damaged: {each.name}"
                gaps.append(Gap(self.series, span[0], span[1], each.manifest.rows, why, expected))
        return gaps


def _holds(damaged: Damaged, step: _Step) -> bool:
    first, last = damaged.manifest.first_id or 0, damaged.manifest.last_id or 0
    return first < step.after[0] and step.before[0] < last


def _instant(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def covers(reasons: Iterable[Reason], from_at: datetime, upto_at: datetime) -> str:
    """The reason that takes up most of a span; empty when none touches it."""
    shares: dict[str, timedelta] = {}
    for each in reasons:
        shared = min(each.upto_at, upto_at) - max(each.from_at, from_at)
        if shared > timedelta():
            shares[each.why] = shares.get(each.why, timedelta()) + shared
    return max(shares, key=lambda why: shares[why]) if shares else ""


def held(events: Iterable[Happened]) -> list[Reason]:
    """From a pause of the hand to its next word, whoever decided it."""
    found: list[Reason] = []
    since: datetime | None = None
    for event in events:
        if event.kind == EventType.PAUSE:
            since = since or event.at
        elif since and event.kind in {EventType.RESUME, EventType.SLEEP, EventType.WAKE}:
            found.append(Reason("paused", since, event.at))
            since = None
    return found


def slept(events: Iterable[Happened]) -> list[Reason]:
    """From sleep to wake it was asleep; woken without having slept, it had been killed."""
    found: list[Reason] = []
    since: datetime | None = None
    for event in events:
        if event.kind == EventType.SLEEP:
            since = event.at
        elif event.kind == EventType.TIME_RECOVERY:
            beat = event.data.get("last_heartbeat_at")
            if isinstance(beat, str):
                found.append(Reason("killed", datetime.fromisoformat(beat), event.at))
        elif event.kind == EventType.WAKE and since:
            found.append(Reason("asleep", since, event.at))
            since = None
    return found


def mended(events: Iterable[Happened]) -> list[Mend]:
    """Every mend of the Pi's file."""
    return [
        Mend(event.at, lost if isinstance(lost := event.data.get("lost"), dict) else {})
        for event in events
        if event.kind == EventType.DAMAGE
    ]


def paused(checkins: Iterable[CheckedIn]) -> list[Reason]:
    """From a check-in that was answered with a pause to the next one: where no event tells it."""
    known = sorted(checkins, key=lambda each: each.at)
    return [Reason("paused", a.at, b.at) for a, b in pairwise(known) if a.action == Action.PAUSE]


def never_arrived(checkins: Iterable[CheckedIn], selection: Selection) -> list[Gap]:
    """Check-ins of one run whose numbers the Mac never saw: the outbox let them go."""
    runs: dict[str, list[CheckedIn]] = {}
    for each in checkins:
        runs.setdefault(each.boot_id, []).append(each)
    gaps = []
    for run in runs.values():
        run.sort(key=lambda each: each.seq)
        gaps += [
            Gap("check-ins", a.at, b.at, b.seq - a.seq - 1, "outbox gap")
            for a, b in pairwise(run)
            if b.seq - a.seq > 1 and selection.overlaps(a.at, b.at)
        ]
    return sorted(gaps, key=lambda gap: gap.from_at)


def as_table(gaps: Iterable[Gap]) -> pa.Table:
    """The gaps as a table of the data set."""
    rows = list(gaps)
    return pa.table(
        {
            column.name: pa.array([getattr(gap, column.name) for gap in rows], column.kind)
            for column in GAPS
        },
        schema(GAPS),
    )
