"""Which statements follow from which events, in which order: for one transaction or for a range.

The tables are written by these statements alone, when something happens and when all is replayed.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from apps.queries import load
from schemas.soulfra.log import EventType

SQL: Final = load(Path(__file__).with_suffix(".sql"))
CHANGES: Final = frozenset(
    {
        EventType.TONE_SHIFTED,
        EventType.LOOP_FORKED,
        EventType.LOOP_DISSOLVED,
        EventType.BLESSING_GRANTED,
    }
)
"""What is a transformation, too."""
ORDER: Final = tuple(EventType(name) for name in SQL if name != "transformations")
"""What others refer to comes first."""


def projections(of: Collection[EventType]) -> list[str]:
    """The statements for events of these types, from transaction ``first`` to ``last``."""
    found = [SQL[kind] for kind in ORDER if kind in of]
    return [*found, SQL["transformations"]] if CHANGES & set(of) else found
