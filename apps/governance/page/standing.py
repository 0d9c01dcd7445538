"""How governance stands, as /health says it, for people: whatever the checks are called."""

from collections.abc import Mapping
from typing import Any, NamedTuple

GOOD = frozenset({"ok", "healthy"})


class Check(NamedTuple):
    """One thing that was probed."""

    name: str
    status: str
    detail: str

    @property
    def mood(self) -> str:
        """What the style sheet makes of it."""
        return mood(self.status)


class Standing(NamedTuple):
    """The word for all, each check, and the other numbers."""

    status: str
    checks: tuple[Check, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def mood(self) -> str:
        """What the style sheet makes of it."""
        return mood(self.status)

    @property
    def troubled(self) -> tuple[Check, ...]:
        """The checks that are not good."""
        return tuple(check for check in self.checks if check.mood != "good")


def mood(status: str) -> str:
    """Good, or how bad.

    >>> mood("moderate"), mood("critical"), mood("ok")
    ('warn', 'bad', 'good')
    """
    return "good" if status in GOOD else "bad" if status == "critical" else "warn"


def standing(seen: Mapping[str, Any]) -> Standing:
    """Of what the health check saw."""
    checks = tuple(
        Check(_words(name), str(check.get("status", "")), str(check.get("detail") or ""))
        for name, check in (seen.get("checks") or {}).items()
    )
    facts = tuple(_facts({k: v for k, v in seen.items() if k not in {"status", "checks"}}))
    return Standing(str(seen["status"]), checks, facts)


def _facts(seen: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in seen.items():
        said = f"{before} {_words(name)}".strip()
        if isinstance(value, Mapping):
            found += _facts(value, said)
        elif isinstance(value, list):
            found.append((said, ", ".join(map(str, value)) or "none"))
        else:
            found.append((said, _value(value)))
    return found


def _value(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
