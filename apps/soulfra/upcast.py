"""An event as it was written, however long ago, in the newest shape of its type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.errors import Diverged
from schemas.soulfra.events import NEWEST, Happened
from schemas.soulfra.log import EventType

Up = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTS: Final[dict[tuple[EventType, int], Up]] = {}
"""From this schema_version of a type to the next one."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event of the log."""

    position: int
    transaction_id: int
    stream: str
    version: int
    type: EventType
    recorded_at: datetime
    what: Happened
    metadata: Mapping[str, Any]


def recorded(row: tuple[Any, ...]) -> Recorded:
    """A row of the queries ``settled`` and ``life``."""
    position, transaction_id, stream, version, kind, schema_version, at, data, metadata = row
    of = EventType(kind)
    return Recorded(
        position=position,
        transaction_id=transaction_id,
        stream=stream,
        version=version,
        type=of,
        recorded_at=at,
        what=newest(of, schema_version, data),
        metadata=metadata,
    )


def newest(
    of: EventType,
    schema_version: int,
    data: dict[str, Any],
    upcasts: Mapping[tuple[EventType, int], Up] = UPCASTS,
) -> Happened:
    """Step by step, each shape from the one before."""
    model = NEWEST[of]
    if schema_version > model.schema_version:
        raise Diverged(
            f"event {of}: schema_version {schema_version} is newer than {model.schema_version}",
            "start the release that wrote it",
        )
    for step in range(schema_version, model.schema_version):
        up = upcasts.get((of, step))
        if up is None:
            raise Diverged(f"event {of}: nothing leads from schema_version {step} to {step + 1}")
        data = up(data)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Diverged(f"event {of}: {place}: {first['msg']}") from None
