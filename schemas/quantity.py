"""A measured number, declared once: unit, source and range travel with the type."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from annotated_types import Ge, GroupedMetadata, Le
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Meaning:
    """Unit (UCUM) and source of a number, shown in the JSON schema."""

    unit: str
    source: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "x-unit": self.unit, "x-source": self.source}


@dataclass(frozen=True, slots=True)
class Quantity(GroupedMetadata):
    """A measured number: its unit, where it comes from, the values it can take."""

    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def __iter__(self) -> Iterator[Any]:
        yield Meaning(self.unit, self.source)
        if self.low is not None:
            yield Ge(self.low)
        if self.high is not None:
            yield Le(self.high)


def clamp(value: float, low: float, high: float) -> float:
    """The nearest number to ``value`` in [low, high]; NaN is refused.

    >>> clamp(1.5, 0, 1)
    1
    """
    if low <= value <= high:
        return value
    if math.isnan(value):
        raise ValueError("NaN has no place in a range")
    return min(max(value, low), high)


class Closed(BaseModel):
    """A frozen model that refuses unknown keys, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not in the calendar: years 1 to 9999, UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time, held in UTC. A time without an offset is refused."""
