"""Which statements follow from which events, in which order: for one transaction or for a range.

The tables are written by these statements alone, when something happens and when all is replayed.
What no command looks at is written by a follower of the log (apps/soulfra/changes.py).
"""

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from apps.queries import load
from apps.soulfra.upcast import led
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity

SQL: Final = load(Path(__file__).with_suffix(".sql"))
THIS: Final = "pg_current_xact_id()::text::bigint"
SHIFTED: Final = {Entity.AGENT: SQL["agent_tone_shifted"], Entity.LOOP: SQL["loop_tone_shifted"]}
FIRST: Final = tuple(EventType(name) for name in SQL if name in set(EventType))
"""What others refer to comes first."""


def every() -> Iterator[str]:
    """All statements, in their order."""
    return map(led, SQL.values())


def followed() -> str:
    """What the follower writes."""
    return led(SQL["transformations"])


def projections(of: Collection[tuple[Entity, EventType]]) -> list[str]:
    """The statements for events of these types, from transaction ``first`` to ``last``."""
    types = {kind for _, kind in of}
    shifted = [SHIFTED[entity] for entity, kind in of if kind is EventType.TONE_SHIFTED]
    return [led(text) for text in (*(SQL[kind] for kind in FIRST if kind in types), *shifted)]


def of_this(of: Collection[tuple[Entity, EventType]]) -> list[str]:
    """The same for the events of the very transaction that they run in, with nothing to fill in."""
    return [_of_this(text) for text in projections(of)]


@cache
def _of_this(text: str) -> str:
    return text.replace("%(first)s AND %(last)s", f"{THIS} AND {THIS}").replace("%%", "%")
