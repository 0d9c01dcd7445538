"""The drawing series as strokes: runs of rows that a line may join."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from apps.eisv import dataset
from apps.eisv.columns import Series, Source
from apps.eisv.selection import Selection, micros
from apps.eisv.summary import selected
from schemas.errors import Refused

STATE: Final = ("E", "I", "S", "V", "C")
SIGNALS: Final = ("intentionality", "gesture_entropy", "switching_rate")
Numbers = np.ndarray[Any, Any]
MOST_POINTS: Final = 4_000
"""Of one line: more than a page has dots. What is left out is never an extreme."""


@dataclass(slots=True)
class Strokes:
    """Rows in the order of time; ``runs`` are slices that no gap and no new piece cuts."""

    instants: Numbers
    """datetime64[us], UTC."""
    values: dict[str, Numbers]
    eras: Numbers
    arcs: Numbers
    pieces: Numbers
    runs: list[slice]
    gaps: list[tuple[Any, Any, str]]
    told: dict[str, Numbers]
    """What the Mac told where the Pi has nothing: points, joined by nothing."""
    told_at: Numbers


def strokes(folder: Path, selection: Selection) -> Strokes:
    """The drawing series of a data set."""
    if Series.DRAWING not in dataset.tables(folder):
        raise Refused(f"{folder}: has no drawing series", "abode eisv export --series drawing")
    wanted = ["source", "timestamp", "era", "phase", "arc_phase", "piece", *STATE, *SIGNALS]
    rows = dataset.read(folder, Series.DRAWING, wanted)
    rows = rows.filter(selected(rows, selection)).sort_by("timestamp")
    if not rows.num_rows:
        raise Refused(f"drawing: no row for {selection}", "abode eisv summary tells what there is")
    is_told = rows["source"].to_numpy(zero_copy_only=False) == str(Source.MAC)
    told, own = rows.filter(pa.array(is_told)), rows.filter(pa.array(~is_told))
    instants = _instants(own)
    pieces = own["piece"].to_numpy(zero_copy_only=False)
    gaps = _gaps(folder, rows)
    return Strokes(
        instants=instants,
        values={name: own[name].to_numpy(zero_copy_only=False) for name in (*STATE, *SIGNALS)},
        eras=own["era"].to_numpy(zero_copy_only=False),
        arcs=own["arc_phase"].to_numpy(zero_copy_only=False),
        pieces=pieces,
        runs=_runs(instants, pieces, gaps),
        gaps=gaps,
        told={name: told[name].to_numpy(zero_copy_only=False) for name in STATE},
        told_at=_instants(told),
    )


def _instants(rows: pa.Table) -> Numbers:
    at: Numbers = rows["timestamp"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    return at


def _gaps(folder: Path, rows: pa.Table) -> list[tuple[Any, Any, str]]:
    if "gaps" not in dataset.tables(folder):
        return []
    at = _instants(rows)
    found = []
    for row in dataset.read(folder, "gaps").to_pylist():
        first, last = (np.datetime64(micros(row[end]), "us") for end in ("from_at", "upto_at"))
        if row["series"] == Series.DRAWING and first < last and last > at[0] and first < at[-1]:
            found.append((first, last, row["why"]))
    return found


def _runs(instants: Numbers, pieces: Numbers, gaps: list[tuple[Any, Any, str]]) -> list[slice]:
    """Cut where a piece begins, and between the rows on both sides of a gap."""
    if not len(instants):
        return []
    cuts = set((np.flatnonzero(pieces[1:] != pieces[:-1]) + 1).tolist())
    for first, _, _ in gaps:
        cuts.add(int(instants.searchsorted(first, "right")))
    ends = sorted(cut for cut in cuts if 0 < cut < len(instants))
    return [slice(a, b) for a, b in zip([0, *ends], [*ends, len(instants)], strict=True)]


def thinned(instants: Numbers, values: Numbers, most: int = MOST_POINTS) -> tuple[Numbers, Numbers]:
    """At most about ``most`` points of a line: the least and the greatest of each short span.

    >>> at, kept = thinned(np.arange(100), np.arange(100) % 7, most=20)
    >>> len(at), int(kept.min()), int(kept.max())
    (20, 0, 6)
    """
    if len(values) <= most:
        return instants, values
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    chosen = set()
    for first, last in pairwise(edges):
        part = values[first:last]
        chosen |= {first + int(part.argmin()), first + int(part.argmax())}
    at = np.array(sorted(chosen))
    return instants[at], values[at]
