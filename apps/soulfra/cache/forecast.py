"""What is expected of a loop, from how often it changed: a pure function of its newest events.

Changes are taken to come at random at a steady rate (a Poisson process); the rate is that of its
newest changes, the silence since the last one counted in. What is dissolved changes no more.
"""

import math
from collections.abc import Sequence
from typing import Annotated

from apps.soulfra.upcast import Recorded
from schemas.quantity import Closed, Quantity
from schemas.soulfra.log import EventType
from schemas.soulfra.words import EntityId, Score, Version

HOUR_SECONDS = 3_600.0


class Forecast(Closed):
    """Of one loop, as its life looked at that version."""

    loop_id: EntityId
    version: Version
    is_over: bool
    """Whether it is dissolved, so that nothing more is expected."""
    changes_per_hour: Annotated[float, Quantity("/h", "its newest events", low=0)]
    next_change_seconds: Annotated[float, Quantity("s", "one over the rate", low=0)] | None = None
    """From now, on average; none when nothing is expected."""
    change_within_hour: Score
    """How likely it changes within the hour to come."""


def forecast(loop_id: str, lived: Sequence[Recorded], now: float) -> Forecast:
    """From at least one event, the oldest first; ``now`` is seconds since 1970.

    Of n events over a span that ends now, the rate is n over the span: 3 within an hour are 3 /h.
    """
    last = lived[-1]
    is_over = any(each.type is EventType.LOOP_DISSOLVED for each in lived)
    hours = max(now - lived[0].recorded_at.timestamp(), 1.0) / HOUR_SECONDS
    rate = 0.0 if is_over else len(lived) / hours
    return Forecast(
        loop_id=loop_id,
        version=last.version,
        is_over=is_over,
        changes_per_hour=round(rate, 6),
        next_change_seconds=round(HOUR_SECONDS / rate, 3) if rate else None,
        change_within_hour=round(1 - math.exp(-rate), 2),
    )
