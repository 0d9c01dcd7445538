"""An event as it was written, however long ago, in the newest shape of its type.

A step is declared once. Python takes it when it reads an event, and SQL in every statement of ours
that looks into data; while there is none, those statements are as they are written.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.errors import Diverged
from schemas.soulfra.events import NEWEST, Happened
from schemas.soulfra.log import EventType

Up = Callable[[dict[str, Any]], dict[str, Any]]
DATA: Final = re.compile(r"\b([a-z])\.data\b")
"""A statement calls the log by one letter."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one shape becomes the next: what goes, what is called otherwise, and what comes.

    A call does it in Python, ``sql`` says it in SQL; a test holds them to be the same.
    """

    dropped: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """From the old name to the new one, of what is there."""
    added: Mapping[str, Any] = field(default_factory=dict)
    """Constants of JSON, where nothing of that name is there."""

    def __call__(self, old: dict[str, Any]) -> dict[str, Any]:
        """The next shape of what an event says."""
        kept = {key: value for key, value in old.items() if key not in self._gone}
        named = {
            new: old[key]
            for key, new in self.renamed.items()
            if key in old and key not in self.dropped
        }
        return {**self.added, **kept, **named}

    @property
    def _gone(self) -> tuple[str, ...]:
        return (*self.dropped, *self.renamed)

    def sql(self, data: str) -> str:
        """An expression of the same over one of jsonb."""
        gone = ", ".join(map(_text, self._gone))
        parts = [
            f"{_text(json.dumps(dict(self.added)))}::jsonb",
            f"(was.data - ARRAY[{gone}]::text[])",
        ]
        for key, new in self.renamed.items():
            if key not in self.dropped:
                old = _text(key)
                made = f"jsonb_build_object({_text(new)}, was.data -> {old})"
                parts.append(f"CASE WHEN was.data ? {old} THEN {made} ELSE '{{}}'::jsonb END")
        return f"(SELECT {' || '.join(parts)} FROM (SELECT {data} AS data) AS was)"  # noqa: S608  # names of ours


UPCASTS: Final[dict[tuple[EventType, int], Step]] = {}
"""From this schema_version of a type to the next one."""


def led(text: str) -> str:
    """A statement over ``log.events AS e``, with ``e.data`` in the newest shape of its type."""
    return DATA.sub(lambda found: _newest(found[1]), text) if UPCASTS else text


def _newest(event: str) -> str:
    whens = []
    for of, version in UPCASTS:
        data, step = f"{event}.data", version
        while up := UPCASTS.get((of, step)):
            data, step = up.sql(data), step + 1
        whens.append(
            f"WHEN {event}.type = '{of}' AND {event}.schema_version = {version} THEN {data}"
        )
    return f"(CASE {' '.join(whens)} ELSE {event}.data END)"


def _text(value: str) -> str:
    """In a statement of which psycopg fills in parameters."""
    return "'{}'".format(value.replace("'", "''").replace("%", "%%"))


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
