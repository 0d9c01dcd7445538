"""A line by itself, and how lines become what is said: what rests on a fault is not blamed."""

from datetime import datetime
from typing import Any, NamedTuple

from apps.ops.verify.said import NEEDS, Line, Name


class Found(NamedTuple):
    """One line by itself: nothing wrong, or what is."""

    says: str
    evidence: dict[str, Any]
    wrong: str | None = None
    silent: bool = False


Lines = dict[Name, Found]


def settled(found: Lines, agent: str, hosts: dict[Name, str]) -> list[Line]:
    """In the order of the way. What is not ok because of what it rests on was not asked."""
    made: dict[Name, Line] = {}
    for name, needs in NEEDS.items():
        one = found[name]
        blamed = [need for need in needs if made[need].state != "ok"]
        state: Any = "ok" if one.wrong is None else "not asked" if blamed else "not ok"
        says = one.says if one.wrong is None else one.wrong
        says = f"rests on {', '.join(blamed)}" if state == "not asked" else says
        is_silent = state == "not ok" and one.silent
        made[name] = Line(name=name, agent=agent, host=hosts[name], state=state, says=says,
                          evidence=one.evidence, silent=is_silent)  # fmt: skip
    return list(made.values())


def instant(text: str) -> datetime:
    """One that a store said."""
    return datetime.fromisoformat(text)


def seconds(now: str, then: str) -> float:
    """From one to the other; a clock that runs ahead gives 0."""
    return max(0.0, round((instant(now) - instant(then)).total_seconds(), 1))
