"""The columns of a data set: Arrow schemas whose fields say unit, source and range."""

from enum import StrEnum
from typing import Final, NamedTuple

import pyarrow as pa

from apps.declared.field import Field, fields
from schemas.anima.tables import AnimaState, DrawingState
from schemas.bridge import SENSORS, SensorData
from schemas.ports import ANIMA_DB
from schemas.table import Table


class Series(StrEnum):
    """What the Pi records of itself, over and over."""

    DRAWING = "drawing"
    ANIMA = "anima"


class Source(StrEnum):
    """Where a row was read."""

    LIVE = "live"
    ARCHIVE = "archive"
    MAC = "mac"


class Told(NamedTuple):
    """What is told of one column, in Parquet's fields and in a sidecar alike."""

    name: str
    kind: pa.DataType
    unit: str = ""
    source: str = ""
    range: str = ""
    says: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """Without what does not apply."""
        told = {
            "unit": self.unit,
            "source": self.source,
            "range": self.range,
            "description": self.says,
        }
        return {key: value for key, value in told.items() if value}

    @property
    def field(self) -> pa.Field:
        """The column in Arrow's words."""
        return pa.field(self.name, self.kind, metadata=self.metadata)


TABLE: Final[dict[Series, type[Table]]] = {
    Series.DRAWING: DrawingState,
    Series.ANIMA: AnimaState,
}
INSTANT: Final = pa.timestamp("us", "UTC")
KINDS: Final = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
SAYS_OF_SOURCE: Final = (
    f"live: a row of {ANIMA_DB}; archive: a row of the Pi's archives; mac: what a check-in told"
    " (of drawing the newest recorded step, at the time of the check-in), where the Pi has nothing"
)
SAYS_OF_PIECE: Final = (
    "Counted from 1 in this data set; a new one where marks fall to the first step or below half."
)


def raw(table: type[Table]) -> dict[str, pa.DataType]:
    """The columns as SQLite and the archives hold them: instants and JSON are text."""
    return {field.name: KINDS.get(field.kind, pa.string()) for field in fields(table)}


def told(series: Series) -> list[Told]:
    """The columns of a series, in order; the readings inside ``sensors`` are columns here."""
    found = [Told("source", pa.string(), says=SAYS_OF_SOURCE)]
    found += [_told(field) for field in fields(TABLE[series]) if field.name != "sensors"]
    if series is Series.DRAWING:
        found.append(Told("piece", pa.int64(), "{piece}", "marks", "[1, ∞]", SAYS_OF_PIECE))
    else:
        sensors = {field.name: field for field in fields(SensorData)}
        found += [_told(sensors[name]) for name in SENSORS]
    return found


GAPS: Final = [
    Told("series", pa.string(), says="drawing, anima, or check-ins as the Mac has them."),
    Told("from_at", INSTANT, "", "timestamp", says="The last row before it."),
    Told("upto_at", INSTANT, "", "timestamp", says="The first row after it."),
    Told("seconds", pa.float64(), "s", "upto_at - from_at; below 0: the clock went back", "any"),
    Told("expected_seconds", pa.float64(), "s", "median interval of the series", "[0, ∞]"),
    Told("missing", pa.int64(), "{row}", "ids or marks that are not there", "[0, ∞]",
         "Null where nobody can count them."),
    Told("why", pa.string(), says="asleep, killed, paused, and so on: see docs/eisv.md."),
]  # fmt: skip


def schema(columns: list[Told]) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([column.field for column in columns])


def _told(field: Field) -> Told:
    quantity = field.quantity
    kind = INSTANT if field.kind == "datetime" else KINDS.get(field.kind, pa.string())
    says = field.column.says or ("One of " + ", ".join(field.words) if field.words else "")
    if not quantity:
        return Told(field.name, kind, says=says)
    return Told(field.name, kind, quantity.unit, quantity.source, field.range, says)
