"""Is a trail what was written? Line by line, and against what Postgres remembers of it."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from apps.governance.trail.files import UNREADABLE, File, listing, opened, packed, spoilt
from apps.governance.trail.follow import KEEP_DAYS, SQL, Connection
from apps.governance.trail.line import ORIGIN, Tip, is_sealed, link
from schemas.governance.audit import Trail
from schemas.quantity import Closed

TABLES = {Trail.AUDIT_LOG: "audit.events", Trail.TOOL_USAGE: "audit.tool_usage"}
SHOWN = 100
"""Findings that are told; all are counted."""


class Finding(Closed):
    """Something that is not as it was written."""

    file: str
    line: int | None = None
    """Counted from 1; None when it is about the file, or about what is not there."""
    what: str


class Verified(Closed):
    """What looking at every line of a trail came to."""

    trail: Trail
    files: int
    lines: int
    first_seq: int | None = None
    last_seq: int | None = None
    indexed_seq: int
    anchors: int
    findings: tuple[Finding, ...] = ()
    found: int = 0
    """How many there are; not all may be told."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, removed, added or cut."""
        return not self.found


DAY = re.compile(rb'"recorded_at":"(\d{4}-\d\d-\d\d)')


class Known(NamedTuple):
    """What Postgres has of a trail: how far it is indexed, and the ends of days."""

    tip: Tip = Tip()
    anchors: dict[int, tuple[date, str]] = {}  # noqa: RUF012  # never written to
    rows: dict[date, int] | None = None
    """Rows by day, of days whose rows are all kept; None when nobody counted."""


def known(conn: Connection, trail: Trail) -> Known:
    """Ask for it before the files are read: they are only ever longer than it."""
    row = conn.execute(SQL["position"], {"trail": trail}).fetchone()
    days = conn.execute(SQL["anchors"], {"trail": trail}).fetchall()
    rows = conn.execute(SQL[f"count_{trail}"], {"keep_days": KEEP_DAYS[trail]}).fetchall()
    return Known(
        Tip(row[2], row[3]) if row else Tip(),
        {seq: (day, digest) for seq, day, digest in days},
        dict(rows),
    )


def verify(trail: Trail, current: Path, of: Known) -> Verified:
    """Read every line."""
    looked = _Look(of)
    files = listing(current)
    for path in packed(current):
        plain = path.with_suffix("")
        if not {path, plain} & {file.path for file in files}:
            looked.findings.append(Finding(file=path.name, what="cannot be unpacked"))
    for file in files:
        looked.read(file, is_current=file.path == current)
    for path in spoilt(current):
        if path.name not in {each.file for each in looked.findings}:
            looked.findings.append(Finding(file=path.name, what="is not as long as when packed"))
    looked.end(current)
    looked.compare(trail)
    return Verified(
        trail=trail,
        files=len(files),
        lines=looked.lines,
        first_seq=looked.first,
        last_seq=looked.tip.seq or None,
        indexed_seq=of.tip.seq,
        anchors=len(of.anchors),
        findings=tuple(looked.findings[:SHOWN]),
        found=len(looked.findings),
    )


class _Look:
    """A walk along the chain."""

    def __init__(self, of: Known) -> None:
        self.of = of
        self.tip = Tip()
        self.first: int | None = None
        self.lines = 0
        self.findings: list[Finding] = []
        self._remembered = {
            seq: (f"at the end of {day}", d) for seq, (day, d) in of.anchors.items()
        }
        if of.tip.seq:
            self._remembered.setdefault(of.tip.seq, ("when it was indexed", of.tip.hash))
        self._met: set[int] = set()
        self._days: Counter[bytes] = Counter()

    def read(self, file: File, *, is_current: bool) -> None:
        """One file."""
        number = 0
        try:
            for number, line in _lines(file, is_current=is_current):  # told below
                self.lines += 1
                for what in self._line(line):
                    self.findings.append(Finding(file=file.path.name, line=number, what=what))
        except UNREADABLE as error:
            what = f"cannot be unpacked after this line: {type(error).__name__}"
            # Before the lines that came of it: those may be more than are told.
            self.findings.insert(0, Finding(file=file.path.name, line=number, what=what))

    def end(self, current: Path) -> None:
        """What should have come and did not."""
        first = self.first or self.tip.seq + 1
        for seq, (when, _) in sorted(self._remembered.items()):
            if seq in self._met or seq < first:
                continue
            what = (
                f"line {seq}, which Postgres knew {when}, is not there; it ends at {self.tip.seq}"
            )
            self.findings.append(Finding(file=current.name, what=what))

    def compare(self, trail: Trail) -> None:
        """Days that have fewer rows than lines."""
        since = datetime.now(UTC).date() - timedelta(days=KEEP_DAYS[trail] - 1)
        for text, lines in sorted(self._days.items()):
            day = date.fromisoformat(text.decode())
            rows = self.of.rows.get(day, 0) if self.of.rows is not None else lines
            if day >= since and rows < lines:
                what = f"{day}: {lines} lines and {rows} rows"
                self.findings.append(Finding(file=TABLES[trail], what=what))

    def _line(self, line: bytes) -> Iterator[str]:
        said = link(line)
        if said is None:
            yield "is no line of the chain"
            return
        if not is_sealed(line, said):
            yield f"line {said.seq} was changed: it is not what its hash was made of"
        if self.first is None:
            yield from self._beginning(said.seq, said.prev)
        elif said.seq > self.tip.seq + 1:
            yield f"{_span(self.tip.seq + 1, said.seq - 1)} before it removed"
        elif said.seq <= self.tip.seq:
            yield f"line {said.seq} comes after line {self.tip.seq}"
        elif said.prev != self.tip.hash:
            yield f"line {said.seq} does not follow line {self.tip.seq} as that is now"
        if remembered := self._remembered.get(said.seq):
            self._met.add(said.seq)
            if remembered[1] != said.hash:
                yield f"line {said.seq} is another than Postgres knew {remembered[0]}"
        self.tip = said.tip
        if said.seq <= self.of.tip.seq and (day := DAY.search(line)):
            self._days[day[1]] += 1

    def _beginning(self, seq: int, prev: str) -> Iterator[str]:
        """The first of all, or the first that is still kept: then the day before is anchored."""
        self.first = seq
        before = self.of.anchors.get(seq - 1, (None, ORIGIN if seq == 1 else None))[1]
        self._met.add(seq - 1)
        if before is None:
            yield f"{_span(1, seq - 1)} before it removed, and no day ended with line {seq - 1}"
        elif before != prev:
            yield f"line {seq} does not follow the line before it"


def _lines(file: File, *, is_current: bool) -> Iterator[tuple[int, bytes]]:
    """Numbered; an unended one of the current file is being written, or repaired at next start."""
    with opened(file.path) as lines:
        for number, line in enumerate(lines, 1):
            if line.endswith(b"\n"):
                yield number, line[:-1]
            elif not is_current:
                yield number, line


def _span(first: int, last: int) -> str:
    return f"line {first} was" if first == last else f"lines {first} to {last} were"
