"""What each component's probe found, as one word, one sentence and what to do about it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.governance.calls.health import Component, Overall, State

WHAT: Final = {
    "postgres": "a row is written, committed and read back",
    "tables": "every declared column is there",
    "schema": "the newest migration is this release's, and nothing is there that is not declared",
    "graph": "a vertex is written and read back",
    "check_ins": "the last batch of check-ins was written",
    "agents": "agents that check in every minute still do",
    "redis": "a key is set and read back",
    "audit_log": "the file can be appended to",
    "audit_events": "audit.events keeps up with what happens",
    "tool_usage": "audit.tool_usage keeps up with the tools that are called",
    "trails": "every file of both trails can be read, and nothing is left that no line tells of",
    "partitions": "months are made ahead, and no row is outside of them",
    "dialectic": "overdue disputes are ended, and who has cooled down is resumed",
    "thresholds": "verdicts are measured by the newest thresholds",
    "pool": "a connection to Postgres is to be had",
    "disk": "the audit log's volume has room",
    "probe": "the probes themselves come to an end",
}
"""Component to what its probe proves."""
NEXT: Final = {
    "postgres": "abode status; docker logs of the postgres container",
    "tables": "abode migrate governance check",
    "schema": "abode migrate governance check",
    "graph": "abode migrate governance check; is extension age loaded?",
    "check_ins": "docker logs of the governance container",
    "agents": "is the agent running and can it reach us? an agent that left is to be archived",
    "redis": "abode status; sessions go on from Postgres meanwhile",
    "audit_log": "look at the volume's room and mode",
    "audit_events": "abode audit verify",
    "tool_usage": "abode audit verify",
    "trails": "if a file is named: abode audit verify; else it ends by itself",
    "partitions": "SELECT * FROM audit.partition_state(); see docs/partitions.md",
    "dialectic": "docker logs of the governance container; see docs/dialectic.md",
    "thresholds": "get_thresholds, then set_thresholds; see docs/calibration.md",
    "pool": "fewer callers at once, or a larger DB_POSTGRES_MAX_CONN",
    "disk": "make room on the volume",
    "probe": "restart governance; this is a fault of ours",
}

RANK: Final = {
    State.HEALTHY: Overall.HEALTHY,
    State.WARNING: Overall.MODERATE,
    State.UNAVAILABLE: Overall.MODERATE,
    State.ERROR: Overall.CRITICAL,
}
WORST_FIRST: Final = (State.ERROR, State.UNAVAILABLE, State.WARNING, State.HEALTHY)


class Finding(NamedTuple):
    """What hinders a component, and how much that weighs."""

    trouble: str | None = None
    weight: State = State.WARNING


class Board:
    """Components, and since when each is as it is."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[State, datetime]] = {}

    def write(self, found: dict[str, Finding]) -> dict[str, Component]:
        """The components as they are now."""
        now = datetime.now(UTC)
        return {name: self._component(name, finding, now) for name, finding in found.items()}

    def _component(self, name: str, found: Finding, now: datetime) -> Component:
        state = found.weight if found.trouble else State.HEALTHY
        before, since = self._since.get(name, (None, now))
        if before is not state:
            since = now
        self._since[name] = (state, since)
        return Component(
            status=state,
            what=WHAT[name],
            since=since,
            detail=found.trouble,
            next_step=NEXT[name] if found.trouble else None,
        )


def overall(components: Iterable[Component]) -> Overall:
    """``critical`` when one errs, ``moderate`` when one is not healthy."""
    words = {RANK[each.status] for each in components}
    return next(word for word in (*reversed(Overall), Overall.HEALTHY) if word in words)


def breakdown(components: Iterable[Component]) -> dict[State, int]:
    """How many components are in each state, none of them left out."""
    found = [each.status for each in components]
    return {state: found.count(state) for state in State}


def first_action(components: dict[str, Component]) -> str | None:
    """What to do about the worst of them, with its name in front."""
    worst = min(components, key=lambda name: WORST_FIRST.index(components[name].status))
    step = components[worst].next_step
    return f"{worst}: {step}" if step else None
