"""Sources in, a data set out: each series in batches, then what fills its gaps, then the gaps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from apps.eisv import gaps as gap
from apps.eisv.checkins import Span, filling
from apps.eisv.columns import Series
from apps.eisv.dataset import Format, Sheet, made
from apps.eisv.merge import Merge
from apps.eisv.selection import Selection
from apps.eisv.sources import Sources
from schemas.errors import Refused


class Written(NamedTuple):
    """What became of one series."""

    series: Series
    rows: int
    sources: dict[str, int]
    gaps: int
    pieces: int
    there: tuple[datetime, datetime] | None
    """From when to when there are rows at all."""


@dataclass(slots=True)
class Order:
    """What is to be exported, and how."""

    selection: Selection
    series: tuple[Series, ...] = tuple(Series)
    form: Format = Format.PARQUET
    force: bool = False
    skip_damaged: bool = False
    progress: Callable[[int], None] = field(default=lambda _: None)


def export(sources: Sources, out: Path, order: Order) -> list[Written]:
    """Make the directory ``out``; nothing is written when there is no row."""
    told = provenance(sources, order)
    reasons = [*gap.slept(sources.events)]
    pauses = gap.held(sources.events) or gap.paused(sources.checkins)
    found: list[gap.Gap] = []
    written: list[Written] = []
    with made(out, force=order.force) as folder:
        for series in order.series:
            why = reasons + pauses if series is Series.DRAWING else reasons
            one, its = _series(sources, series, order, Sheet(folder, series, order.form, told), why)
            written.append(one)
            found += its
        if not any(one.rows for one in written):
            raise _nothing(written, order)
        found += gap.never_arrived(sources.checkins, order.selection)
        sheet = Sheet(folder, "gaps", order.form, told)
        sheet.add(gap.as_table(found))
        sheet.close()
    return written


def _series(
    sources: Sources, series: Series, order: Order, sheet: Sheet, reasons: list[gap.Reason]
) -> tuple[Written, list[gap.Gap]]:
    merge = Merge(sources, series, order.skip_damaged, order.progress)
    watched = gap.Gaps(series, order.selection, sources.elsewhere[series])
    counts: dict[str, int] = {}
    try:
        for window in merge.windows():
            rows = order.selection.worded(watched.take(window))
            for each in rows["source"].value_counts().to_pylist():
                counts[each["values"]] = counts.get(each["values"], 0) + each["counts"]
            sheet.add(rows)
        its = watched.found(reasons, merge.damaged, gap.mended(sources.events))
        if sources.checkins:
            spans = _open_spans(watched, its)
            fill = filling(series, sources.checkins, spans, order.selection)
            fill = order.selection.worded(fill)
            if fill.num_rows:
                counts["mac"] = fill.num_rows
                sheet.add(fill)
    finally:
        sheet.close()
    there = (watched.all_from, watched.all_upto) if watched.all_from and watched.all_upto else None
    return Written(series, sheet.rows, counts, len(its), watched.pieces, there), its


def _open_spans(watched: gap.Gaps, its: list[gap.Gap]) -> list[Span]:
    """Where the Pi has nothing: before its first row, in its gaps, and after its last row."""
    first, last = watched.first_at, watched.last_at
    if first is None or last is None:
        return [Span(None, None)]
    apart = timedelta(seconds=watched.longest_seconds)
    inside = [
        Span(each.from_at, each.upto_at, watched.states.get(each.from_at))
        for each in its
        if each.seconds > 0
    ]
    end = Span(last + apart, None, watched.states.get(last))
    return [Span(None, first - apart), *inside, end]


def _nothing(written: list[Written], order: Order) -> Refused:
    spans = [one.there for one in written if one.there]
    first, last = min((a for a, _ in spans), default=None), max((b for _, b in spans), default=None)
    there = (
        f"there are rows from {first.isoformat()} to {last.isoformat()}" if first and last else None
    )
    which = " and ".join(order.series)
    return Refused(f"{which}: no row for {order.selection}", there or "nothing was recorded yet")


def provenance(sources: Sources, order: Order) -> dict[str, Any]:
    """Where a data set is from."""
    try:
        version = metadata.version("abode")
    except metadata.PackageNotFoundError:
        version = "unknown"
    asked = order.selection
    return {
        **sources.provenance,
        "from": asked.from_at.isoformat() if asked.from_at else None,
        "upto": asked.upto_at.isoformat() if asked.upto_at else None,
        **asked.words,
        "abode": version,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
