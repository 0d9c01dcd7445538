"""How far each of our followers is behind the log."""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from apps.postgres import Pool
from apps.soulfra.cache.follower import NAME as CACHE
from apps.soulfra.changes import FOLLOWER as CHANGES
from apps.soulfra.log import SQL
from apps.soulfra.relay import FOLLOWER as STREAMS
from schemas.soulfra.drift import FOLLOWER as DRIFT
from schemas.soulfra.metrics import LAG_EVENTS, LAG_SECONDS

FOLLOWERS: Final = (CACHE, CHANGES, DRIFT, STREAMS)
MOST: Final = 100_000
"""No more events are counted: who is so far behind is not told how much further."""
PATIENCE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Lag:
    """Events that are not taken yet, and how long ago the oldest of them was recorded."""

    events: int
    seconds: float


async def lags(pool: Pool) -> dict[str, Lag]:
    """Of each, now."""
    asked = {"followers": list(FOLLOWERS), "limit": MOST}
    async with pool.connection(PATIENCE_SECONDS) as conn:
        rows = await (await conn.execute(SQL["lag"], asked)).fetchall()
    return {name: Lag(events, max(seconds, 0.0)) for name, events, seconds in rows}


def health(found: dict[str, Lag]) -> dict[str, dict[str, Any]]:
    """For whoever asks after the health."""
    return {
        name: {"events": lag.events, "seconds": round(lag.seconds, 3)}
        for name, lag in found.items()
    }


async def metrics(pool: Pool) -> str:
    """As Prometheus reads it; absent while Postgres does not answer."""
    try:
        found = await lags(pool)
    except (psycopg.Error, TimeoutError):
        return ""
    lines = []
    for metric, of in ((LAG_EVENTS, "events"), (LAG_SECONDS, "seconds")):
        lines += [f"# HELP {metric.name} {metric.says}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [
            f'{metric.name}{{follower="{name}"}} {getattr(lag, of):g}'
            for name, lag in found.items()
        ]
    return "\n".join(lines) + "\n"
