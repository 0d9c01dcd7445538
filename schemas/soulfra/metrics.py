"""What ``GET /metrics`` of soulfra tells: reads since the process began, and followers now."""

from typing import Final

from schemas.governance.metrics import Metric


def _counted(name: str, unit: str, says: str) -> Metric:
    return Metric(f"soulfra_cache_{name}_total", "counter", unit, says)


CACHE: Final = {
    name: _counted(name, unit, says)
    for name, unit, says in (
        ("hits", "{read}", "Redis had it."),
        ("absent", "{read}", "It was not there, and Redis knew."),
        ("misses", "{read}", "Redis had nothing, or what was known to be old."),
        ("joined", "{read}", "Somebody else's read of Postgres was waited for."),
        ("bypassed", "{read}", "Redis was away or not to be believed; Postgres answered."),
        ("cold", "{read}", "Too old to be kept in Redis; Postgres answered."),
        ("fresh", "{read}", "Postgres was asked for by name."),
        ("read", "{query}", "Queries of Postgres that these reads came to."),
        ("lost", "{value}", "Values that were not put, because something newer was there."),
        ("unput", "{value}", "Values that Redis did not take."),
        ("untold", "{change}", "Changes that Redis was not told at once, but by the follower."),
        ("away", "{question}", "Questions that Redis did not answer in time."),
        ("opened", "1", "Times that Redis was given up for a while."),
    )
}
"""By the name of the count."""

LAG_EVENTS: Final = Metric(
    "soulfra_follower_lag_events", "gauge", "{event}",
    "Events that a follower of the log has not taken yet, at most 100,000.", ("follower",),
)  # fmt: skip
LAG_SECONDS: Final = Metric(
    "soulfra_follower_lag_seconds", "gauge", "s",
    "Since the oldest event that a follower has not taken was recorded.", ("follower",),
)  # fmt: skip
