"""What the Mac was told: a check-in a minute, with a copy of the newest recorded step."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

import pyarrow as pa

from apps.eisv.columns import Series, Source, schema, told
from apps.eisv.selection import Selection

COLUMNS: Final = {
    "id": pa.int64(),
    "timestamp": pa.string(),
    "boot_id": pa.string(),
    "seq": pa.int64(),
    "action": pa.string(),
    "warmth": pa.float64(),
    "clarity": pa.float64(),
    "stability": pa.float64(),
    "presence": pa.float64(),
    "sensors": pa.string(),
    "drawing": pa.string(),
}
"""Of a chunk that came from Postgres."""
STATE: Final = ("E", "I", "S", "V", "C", "marks")


class CheckedIn(NamedTuple):
    """One check-in as core.agent_state has it."""

    at: datetime
    boot_id: str
    seq: int
    action: str
    anima: dict[str, Any]
    drawing: dict[str, Any] | None


class Span(NamedTuple):
    """A span in which the Pi has nothing, and the state of the step before it."""

    from_at: datetime | None
    upto_at: datetime | None
    before: tuple[Any, ...] | None = None

    def holds(self, at: datetime) -> bool:
        """Whether an instant is inside."""
        return (self.from_at is None or at > self.from_at) and (
            self.upto_at is None or at < self.upto_at
        )


def checked_in(row: dict[str, Any]) -> CheckedIn:
    """A row of a chunk."""
    feelings = {name: row[name] for name in ("warmth", "clarity", "stability", "presence")}
    sensors = json.loads(row["sensors"]) if row["sensors"] else {}
    drawing = json.loads(row["drawing"]) if row["drawing"] else None
    at = datetime.fromisoformat(row["timestamp"])
    return CheckedIn(
        at, row["boot_id"], row["seq"], row["action"], {**sensors, **feelings}, drawing
    )


def filling(
    series: Series,
    known: Iterable[CheckedIn],
    spans: list[Span],
    selection: Selection,
) -> pa.Table:
    """Rows of a series for the spans in which the Pi has nothing.

    A drawing step that is the same as the one before it is the same step, told again: by an
    earlier check-in, or by the Pi's own last row.
    """
    rows: list[dict[str, Any]] = []
    before: tuple[Any, ...] | None = None
    for each in sorted(known, key=lambda one: one.at):
        values = each.drawing if series is Series.DRAWING else each.anima
        if values is None:
            continue
        state = tuple(values.get(name) for name in STATE)
        is_again = series is Series.DRAWING and state == before
        before = state
        if is_again or not selection.overlaps(each.at, each.at):
            continue
        span = next((span for span in spans if span.holds(each.at)), None)
        if span and (series is Series.ANIMA or state != span.before):
            rows.append({**values, "source": str(Source.MAC), "id": None, "timestamp": each.at})
    columns = told(series)
    return pa.table(
        {
            one.name: pa.array(
                [row.get(one.name) if one.name != "piece" else None for row in rows], one.kind
            )
            for one in columns
        },
        schema(columns),
    )
