"""How governance stands, as /health says it, in words for people."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.governance.calls.health import HealthReply, Overall, State

MOODS: Final[Mapping[str, str]] = {
    State.HEALTHY: "good",
    State.WARNING: "warn",
    State.UNAVAILABLE: "warn",
    State.ERROR: "bad",
    Overall.MODERATE: "warn",
    Overall.CRITICAL: "bad",
}
"""What the style sheet makes of a word."""
TOLD: Final = frozenset(
    {"success", "resolved_agent_id", "status", "checks", "first_action", "timestamp"}
)
"""What stands above the numbers already."""


class Check(NamedTuple):
    """One thing that was probed."""

    name: str
    status: str
    mood: str
    what: str
    since: datetime
    detail: str | None
    next_step: str | None


class Standing(NamedTuple):
    """The word for all, what to do first, each check, and the other numbers."""

    status: str
    mood: str
    first_action: str | None
    checks: tuple[Check, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def troubled(self) -> tuple[Check, ...]:
        """The checks that are not good."""
        return tuple(check for check in self.checks if check.mood != "good")


def standing(seen: HealthReply) -> Standing:
    """Of what the last probe found."""
    checks = tuple(
        Check(_words(name), one.status, MOODS[one.status], one.what, one.since, one.detail,
              one.next_step)
        for name, one in seen.checks.items()
    )  # fmt: skip
    rest = seen.model_dump(mode="json", exclude=set(TOLD))
    return Standing(seen.status, MOODS[seen.status], seen.first_action, checks, tuple(_facts(rest)))


def _facts(seen: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in seen.items():
        said = f"{before} {_words(name)}".strip()
        if isinstance(value, Mapping):
            yield from _facts(value, said)
        elif isinstance(value, list):
            yield said, ", ".join(map(str, value)) or "none"
        else:
            yield said, _value(value)


def _value(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
