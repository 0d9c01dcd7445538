"""What is counted and timed, and the page that Prometheus reads: each declared number."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from apps.bridge.tool import Caller, Tool
from schemas.bridge import Action, Verdict
from schemas.errors import HouseError
from schemas.governance import metrics as declared
from schemas.governance.calls.health import HealthReply, State
from schemas.governance.metrics import Metric
from schemas.quantity import Closed

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[tuple[str, ...], float]

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second family for each counter, that nothing declares


class Numbers:
    """Counters and histograms of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._check_ins = self._counter(declared.CHECK_INS)
        self._answered = {action: self._check_ins.labels(action) for action in Action}
        self._refusals = self._counter(declared.REFUSALS)
        self._seconds = self._histogram(declared.CHECK_IN_SECONDS)
        self._batch = self._histogram(declared.BATCH)
        self._tools = self._histogram(declared.TOOL_SECONDS)
        self._tool_at: float | None = None

    @property
    def since_tool(self) -> float | None:
        """Seconds since a tool was last called; None before the first."""
        return None if self._tool_at is None else time.monotonic() - self._tool_at

    def refused(self, error: HouseError) -> None:
        """Count a check-in that was refused, by the class of the error."""
        self._refusals.labels(type(error).__name__).inc()

    def answered(self, said: Verdict, seconds: float) -> None:
        """Count a verdict that was given after so long."""
        self._answered[said.action].inc()
        self._seconds.observe(seconds)

    def wrote(self, check_ins: int) -> None:
        """Count a batch that was committed."""
        self._batch.observe(check_ins)

    def timed(self, tool: Tool) -> Tool:
        """The tool, its calls timed by how they ended."""

        async def run(caller: Caller, asked: Any) -> Closed:
            begun, outcome = time.monotonic(), "Fault"
            try:
                said = await tool.run(caller, asked)
                outcome = "answered"
            except HouseError as error:
                outcome = type(error).__name__
                raise
            finally:
                self._tool_at = time.monotonic()
                self._tools.labels(tool.name, outcome).observe(self._tool_at - begun)
            return said

        return replace(tool, run=run)

    def page(self, seen: HealthReply | None, probe_age: float) -> bytes:
        """All of it as Prometheus reads it. Asks nobody: what stores hold is of the last probe."""
        found = CollectorRegistry()
        found.register(_Found(seen, probe_age))
        return bytes(generate_latest(self.registry) + generate_latest(found))

    def _counter(self, of: Metric) -> Counter:
        return Counter(of.name, of.says, of.labels, registry=self.registry)

    def _histogram(self, of: Metric) -> Histogram:
        return Histogram(of.name, of.says, of.labels, buckets=of.buckets, registry=self.registry)


class _Found(Collector):
    """What the last probe found, as families."""

    def __init__(self, seen: HealthReply | None, probe_age: float) -> None:
        self._seen = seen
        self._age = probe_age

    def collect(self) -> Iterable[Family]:
        """A family for each number, without a member where nothing is known."""
        yield _family(declared.PROBE_AGE, [((), self._age)])
        for metric, samples in _samples(self._seen) if self._seen else ():
            yield _family(metric, samples)


def _samples(seen: HealthReply) -> Iterator[tuple[Metric, list[Sample]]]:
    ages, pool, months = seen.ages, seen.pool, seen.months
    yield declared.WAITING, _one(seen.waiting_checkins)
    yield (
        declared.POOL,
        [
            (("size",), pool.size),
            (("idle",), pool.idle),
            (("largest",), pool.largest),
        ],
    )
    yield declared.POOL_WAITING, _one(pool.waiting)
    yield (
        declared.DROPPED,
        [
            (("audit_lines",), seen.dropped.audit_lines),
            (("usage_lines",), seen.dropped.usage_lines),
            (("sessions",), seen.dropped.sessions),
        ],
    )
    found = seen.session_lookups
    yield (
        declared.LOOKUPS,
        [(("hit",), found.hits), (("miss",), found.misses), (("fallback",), found.fallback)],
    )
    yield (
        declared.EVENT_AGE,
        [
            *_one(ages.check_in_seconds, "check_in"),
            *_one(ages.audit_event_seconds, "audit_event"),
            *_one(ages.tool_usage_seconds, "tool_usage"),
        ],
    )
    yield declared.EXPECTED, _one(ages.steady_agents)
    yield declared.SILENT, _one(len(ages.silent_agents))
    yield declared.LAG, _one(ages.lag_seconds)
    yield declared.MONTHS_AHEAD, _one(months.ahead)
    yield declared.DEFAULT_ROWS, _one(months.default_rows)
    yield declared.MONTHS_WAITING, _one(months.waiting)
    yield declared.DISK_FREE, _one(seen.disk.free_bytes if seen.disk else None)
    yield (
        declared.COMPONENT,
        [
            ((name, state), float(check.status is state))
            for name, check in seen.checks.items()
            for state in State
        ],
    )
    yield declared.UPTIME, _one(seen.uptime_seconds)
    yield declared.RELEASE, _one(1, seen.version)


def _one(value: float | None, *labels: str) -> list[Sample]:
    return [] if value is None else [(labels, value)]


def _family(of: Metric, samples: list[Sample]) -> Family:
    kind = CounterMetricFamily if of.kind == "counter" else GaugeMetricFamily
    made = kind(of.name, of.says, labels=of.labels)
    for labels, value in samples:
        made.add_metric(labels, value)
    return made
