"""What a data set is like in numbers: of each column, in all and by era and phase."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apps.eisv import dataset
from apps.eisv.columns import Series, told
from apps.eisv.gaps import CLOCK_BACK
from apps.eisv.selection import Selection
from schemas.quantity import Closed, Instant, Quantity

Count = Annotated[int, Quantity("1", "a count", low=0)]
BY: Final = ("era", "phase")
LEFT_OUT: Final = {"id", "piece"}
"""Numbers that count rows and pieces: a mean of them means nothing."""


class Statistics(Closed):
    """One column of some rows. ``sd`` divides by n - 1; quartiles are linear between rows."""

    column: str
    unit: str
    n: Count
    mean: float | None = None
    sd: float | None = None
    min: float | None = None
    q1: float | None = None
    median: float | None = None
    q3: float | None = None
    max: float | None = None


class Group(Closed):
    """The rows of one era or phase, or all of them."""

    by: Literal["all", "era", "phase"]
    word: str | None = None
    rows: Count
    columns: tuple[Statistics, ...]


class Summary(Closed):
    """One series. What ``abode eisv summary --json`` prints is a list of these."""

    contract: Literal[1] = 1
    series: Series
    rows: Count
    from_at: Instant | None = None
    upto_at: Instant | None = None
    sources: dict[str, Count]
    pieces: Count
    gaps: Count
    gap_seconds: float
    gap_share: Annotated[float, Quantity("1", "gap seconds over the whole span", low=0, high=1)]
    expected_seconds: float | None = None
    groups: tuple[Group, ...]


def summarise(folder: Path, selection: Selection) -> list[Summary]:
    """Every series of a data set that has rows; one column is in memory at a time."""
    there = dataset.tables(folder)
    gaps = dataset.read(folder, "gaps") if "gaps" in there else None
    # A word is one that only drawing rows have.
    wanted = [Series.DRAWING] if selection.words else list(Series)
    found = (_summary(folder, series, selection, gaps) for series in wanted if series in there)
    return [each for each in found if each.rows]


def _summary(folder: Path, series: Series, selection: Selection, gaps: pa.Table | None) -> Summary:
    words = ["era", "phase", "arc_phase"] if series is Series.DRAWING else []
    keys = dataset.read(folder, series, ["source", "timestamp", "piece", *words])
    kept = selected(keys, selection)
    keys = keys.filter(kept)
    instants = keys["timestamp"]
    from_at, upto_at = (pc.min(instants).as_py(), pc.max(instants).as_py())
    groups = {("all", None): pa.array(np.ones(keys.num_rows, dtype=bool))}
    for by in [word for word in BY if word in words]:
        for word in sorted(each for each in pc.unique(keys[by]).to_pylist() if each):
            groups[by, word] = pc.equal(keys[by], word).combine_chunks()
    its = _gaps_between(gaps, series, from_at, upto_at)
    gap_seconds = sum(_shared(each, from_at, upto_at) for each in its)
    whole = (upto_at - from_at).total_seconds() if from_at else 0.0
    columns: dict[Any, list[Statistics]] = {key: [] for key in groups}
    for column in told(series):
        if column.unit and column.name not in LEFT_OUT:
            values = dataset.read(folder, series, [column.name])[column.name].filter(kept)
            for key, rows in groups.items():
                columns[key].append(_statistics(column.name, column.unit, values.filter(rows)))
    return Summary(
        series=series,
        rows=keys.num_rows,
        from_at=from_at,
        upto_at=upto_at,
        sources={
            each["values"]: each["counts"] for each in keys["source"].value_counts().to_pylist()
        },
        pieces=pc.count_distinct(keys["piece"]).as_py() if words else 0,
        gaps=len(its),
        gap_seconds=gap_seconds,
        gap_share=min(gap_seconds / whole, 1.0) if whole else 0.0,
        expected_seconds=next((each["expected_seconds"] for each in its), None),
        groups=tuple(
            Group(by=by, word=word, rows=pc.sum(groups[by, word]).as_py() or 0, columns=tuple(each))
            for (by, word), each in columns.items()
        ),
    )


def selected(keys: pa.Table, selection: Selection) -> pa.Array:
    """Which rows of a table are in the selection."""
    kept = pa.array(selection.in_time(keys["timestamp"].cast(pa.int64()).to_numpy()))
    for column, word in selection.words.items():
        if column in keys.schema.names:
            kept = pc.and_(kept, pc.fill_null(pc.equal(keys[column], word), False).combine_chunks())
    return kept


def _gaps_between(
    gaps: pa.Table | None, series: Series, first: datetime | None, last: datetime | None
) -> list[dict[str, Any]]:
    """Of one series, in a span; a clock that went back took no time."""
    rows = gaps.to_pylist() if gaps is not None else []
    return [
        row for row in rows
        if row["series"] == series and row["why"] != CLOCK_BACK and first and last
        and row["upto_at"] > first and row["from_at"] < last
    ]  # fmt: skip


def _shared(gap: dict[str, Any], first: datetime, last: datetime) -> float:
    shared: timedelta = min(gap["upto_at"], last) - max(gap["from_at"], first)
    return shared.total_seconds()


def _statistics(name: str, unit: str, values: pa.ChunkedArray) -> Statistics:
    known = values.drop_null().cast(pa.float64())
    n = len(known)
    if not n:
        return Statistics(column=name, unit=unit, n=0)
    low, q1, median, q3, high = pc.quantile(known, [0, 0.25, 0.5, 0.75, 1]).to_pylist()
    return Statistics(
        column=name, unit=unit, n=n, mean=pc.mean(known).as_py(),
        sd=pc.stddev(known, ddof=1).as_py() if n > 1 else None,
        min=low, q1=q1, median=median, q3=q3, max=high,
    )  # fmt: skip


def lines(summary: Summary, by: str | None = None) -> Iterator[tuple[str, Group]]:
    """The groups that are shown, each with its name."""
    for group in summary.groups:
        if by is None or group.by in {"all", by}:
            yield (f"{group.by} {group.word}" if group.word else str(summary.series)), group
