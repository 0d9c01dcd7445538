"""Every number that ``GET /metrics`` exposes, declared once: name, kind, unit, meaning, labels.

A name ends as Prometheus has it: ``_seconds``, ``_bytes``, ``_total`` for what only grows.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of numbers; ``labels`` tell its members apart, ``buckets`` are a histogram's."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    """UCUM, as everywhere."""
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


LATENCY: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)

CHECK_INS: Final = Metric(
    "governance_checkins_total", "counter", "{checkin}", "Check-ins answered, by action.",
    ("action",),
)  # fmt: skip
REFUSALS: Final = Metric(
    "governance_refusals_total", "counter", "{checkin}", "Check-ins refused, by the error.",
    ("error",),
)  # fmt: skip
CHECK_IN_SECONDS: Final = Metric(
    "governance_checkin_seconds", "histogram", "s", "From a check-in's arrival to its answer.",
    buckets=LATENCY,
)  # fmt: skip
BATCH: Final = Metric(
    "governance_batch_checkins", "histogram", "{checkin}", "Check-ins that one commit wrote.",
    buckets=SIZES,
)  # fmt: skip
TOOL_SECONDS: Final = Metric(
    "governance_tool_seconds", "histogram", "s", "From a tool's call to its answer.",
    ("tool", "outcome"), LATENCY,
)  # fmt: skip
WAITING: Final = Metric(
    "governance_waiting_checkins", "gauge", "{checkin}", "Check-ins that wait for the writer."
)
POOL: Final = Metric(
    "governance_pool_connections", "gauge", "{connection}", "Connections to Postgres, by state.",
    ("state",),
)  # fmt: skip
POOL_WAITING: Final = Metric(
    "governance_pool_waiting", "gauge", "{request}", "Requests that wait for a connection."
)
DROPPED: Final = Metric(
    "governance_dropped_total", "counter", "1",
    "What a best-effort store did not take: lines of the audit log, bindings of sessions.",
    ("what",),
)  # fmt: skip
LOOKUPS: Final = Metric(
    "governance_session_lookups_total", "counter", "1",
    "Look-ups of a session: known to Redis, unknown to it, answered without it.", ("how",),
)  # fmt: skip
EVENT_AGE: Final = Metric(
    "governance_last_event_age_seconds", "gauge", "s",
    "Age of the newest check-in, audit event and tool call; absent before the first.",
    ("of",),
)  # fmt: skip
EXPECTED: Final = Metric(
    "governance_steady_agents", "gauge", "{agent}",
    "Agents that check in steadily; each is expected once a minute.",
)  # fmt: skip
SILENT: Final = Metric(
    "governance_silent_agents", "gauge", "{agent}", "Steady agents that have stopped."
)
LAG: Final = Metric(
    "governance_audit_lag_seconds", "gauge", "s",
    "How far audit.events is behind audit_log.jsonl; absent when nobody follows it.",
)  # fmt: skip
MONTHS_AHEAD: Final = Metric(
    "governance_partitions_ahead_months", "gauge", "mo",
    "Whole months ahead that there are partitions for, of the table that has the fewest.",
)  # fmt: skip
DEFAULT_ROWS: Final = Metric(
    "governance_default_partition_rows", "gauge", "{row}", "Rows that no month was made for."
)
MONTHS_WAITING: Final = Metric(
    "governance_waiting_months",
    "gauge",
    "mo",
    "Months past their time that wait for their archive.",
)
DISK_FREE: Final = Metric(
    "governance_disk_free_bytes", "gauge", "By", "Room left on the volume of the audit log."
)
COMPONENT: Final = Metric(
    "governance_component_status", "gauge", "1", "1 for the state that a component is in, else 0.",
    ("component", "status"),
)  # fmt: skip
PROBE_AGE: Final = Metric(
    "governance_last_probe_age_seconds", "gauge", "s", "Since the last probe was finished."
)
UPTIME: Final = Metric("governance_uptime_seconds", "gauge", "s", "How long the process has run.")
RELEASE: Final = Metric(
    "governance_release_info", "gauge", "1", "1; the label says which release runs.", ("version",)
)

METRICS: Final = (
    CHECK_INS, REFUSALS, CHECK_IN_SECONDS, BATCH, TOOL_SECONDS, WAITING, POOL, POOL_WAITING,
    DROPPED, LOOKUPS, EVENT_AGE, EXPECTED, SILENT, LAG, MONTHS_AHEAD, DEFAULT_ROWS, MONTHS_WAITING,
    DISK_FREE, COMPONENT, PROBE_AGE, UPTIME, RELEASE,
)  # fmt: skip
