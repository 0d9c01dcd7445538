"""Rows of one series out of all its parts: in the order of writing, each once."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from apps.anima.instants import as_instant
from apps.eisv.columns import INSTANT, TABLE, Series, Source, schema, told
from apps.eisv.parts import Manifest, Packed, Part
from apps.eisv.sources import Sources
from schemas.errors import Diverged

WINDOW_IDS: Final = 65_536
"""What is in memory at a time: rows of as many ids, from every part that has some of them."""


class Damaged(NamedTuple):
    """An archive that was left out."""

    name: str
    manifest: Manifest


@dataclass(slots=True)
class Merge:
    """The rows of a series, a window at a time, and the archives that were left out."""

    sources: Sources
    series: Series
    skip_damaged: bool = False
    progress: Callable[[int], None] = lambda _: None
    damaged: list[Damaged] = field(default_factory=list)

    def windows(self) -> Iterator[pa.Table]:
        """Tables with the columns of the series, but for ``piece``, by id."""
        left = sorted(self.sources.parts[self.series], key=lambda part: part.first)
        start = left[0].first if left else 0
        while left:
            start = max(start, min(part.first for part in left))
            end = start + WINDOW_IDS - 1
            tables = [self._read(part, start, end) for part in left if part.first <= end]
            found = [each for each in tables if each.num_rows]
            if found:
                rows = _once(pa.concat_tables(found))
                self.progress(rows.num_rows)
                yield rows
            left = [part for part in left if part.last > end]
            start = end + 1

    def _read(self, part: Part, start: int, end: int) -> pa.Table:
        table = TABLE[self.series]
        zone = self.sources.zones.get(table.table)
        known = {each.name for each in self.damaged}
        try:
            if part.name in known:
                return _empty(self.series)
            return as_told(part.read(start, end), self.series, part, zone)
        except Diverged:
            if not (
                self.skip_damaged and isinstance(part, Packed) and part.source is Source.ARCHIVE
            ):
                raise
            self.damaged.append(Damaged(part.name, part.manifest))
            return _empty(self.series)


def as_told(rows: pa.Table, series: Series, part: Part, zone: tzinfo | None) -> pa.Table:
    """Rows as they lie, with instants for text, a column for each reading, and their source."""
    columns = [column for column in told(series) if column.name != "piece"]
    readings = _readings(rows) if series is Series.ANIMA else {}
    found: dict[str, Any] = {}
    for column in columns:
        if column.name == "source":
            found["source"] = pa.repeat(str(part.source), rows.num_rows)
        elif column.name == "timestamp":
            found["timestamp"] = _instants(rows, part, zone)
        elif column.name in rows.schema.names:
            found[column.name] = rows[column.name].cast(column.kind)
        else:
            found[column.name] = pa.array(
                readings.get(column.name, [None] * rows.num_rows), column.kind
            )
    return pa.table(found, schema(columns))


def _instants(rows: pa.Table, part: Part, zone: tzinfo | None) -> Any:
    try:
        if zone is None:
            return rows["timestamp"].cast(INSTANT)
        return pa.array([as_instant(text, zone) for text in rows["timestamp"].to_pylist()], INSTANT)
    except (pa.ArrowInvalid, ValueError) as error:
        raise Diverged(
            f"{part.name}: timestamp: {error}", "is it an adopted file without its ledger?"
        ) from error


def _readings(rows: pa.Table) -> dict[str, list[float | None]]:
    names = [column.name for column in told(Series.ANIMA)]
    if "sensors" not in rows.schema.names:
        return {}
    parsed = [json.loads(text) if text else {} for text in rows["sensors"].to_pylist()]
    return {name: [_number(each.get(name)) for each in parsed] for name in names}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _once(rows: pa.Table) -> pa.Table:
    """By id, each id once: what is archived is final, so it goes before what is live."""
    rows = rows.combine_chunks()
    rank = pc.equal(rows["source"], str(Source.LIVE)).to_numpy().astype(np.int8)
    ids = rows["id"].to_numpy()
    if len(ids) > 1 and (np.diff(ids) <= 0).any():
        order = np.lexsort((rank, ids))
        ids = ids[order]
        first = np.ones(len(ids), dtype=bool)
        first[1:] = ids[1:] != ids[:-1]
        return rows.take(pa.array(order[first])).combine_chunks()
    return rows


def _empty(series: Series) -> pa.Table:
    columns = [column for column in told(series) if column.name != "piece"]
    return schema(columns).empty_table()
