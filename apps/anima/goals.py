"""What the creature wants: a number of pieces this week, and an era that it left alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.sqlite import as_text

PIECES = 3
"""Pieces of a first week; afterwards as many as the week before, within these bounds."""
MOST_PIECES = 50
ALONE = timedelta(days=3)
"""How long an era was not finished when the creature wants it again."""
PATIENCE = timedelta(days=7)
"""How long it wants that."""
PULL = 3.0
"""How much more gladly an era is taken up that is a goal."""

Goal = dict[str, Any]


class Goals:
    """The goals that are not reached yet, and how many pieces the week has seen."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = (), week: Any = None) -> None:
        self._active: dict[str, Goal] = {row["goal_id"]: dict(row) for row in rows}
        self.week: dict[str, Any] = dict(week or {})
        """Which week, how many pieces so far, how many are wanted."""

    def consider(
        self, now: datetime, eras: Sequence[str], last: Mapping[str, str | None]
    ) -> list[Goal]:
        """Set what is to be set and let go what is too late; gives the goals that changed.

        ``last`` is when each era was last finished, None if never.
        """
        changed = [self._end(goal, "missed") for goal in self._late(now)]
        if self.week.get("id") != _week(now):
            wanted = min(max(PIECES, self.week.get("pieces", 0)), MOST_PIECES)
            self.week = {"id": _week(now), "pieces": 0, "wanted": wanted}
            end = (now + timedelta(days=7 - now.weekday())).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            what = f"finish {wanted} pieces in {_week(now)}"
            changed.append(
                self._set(f"pieces:{_week(now)}", what, "a week has its pieces", now, end)
            )
        if not any(goal["goal_id"].startswith("era:") for goal in self._active.values()):
            alone = [era for era in eras if (last.get(era) or "") < as_text(now - ALONE)]
            if alone and any(last.values()):
                era = min(alone, key=lambda era: (last.get(era) or "", era))
                name, why = f"era:{era}:{now:%Y-%m-%d}", f"not finished for {ALONE.days} days"
                changed.append(self._set(name, f"draw {era} again", why, now, now + PATIENCE))
        return changed

    def finished(self, era: str, now: datetime) -> list[Goal]:
        """A piece is finished; gives the goals that came nearer."""
        changed = []
        if self.week:
            self.week["pieces"] += 1
        for goal in list(self._active.values()):
            if goal["goal_id"].startswith(f"era:{era}:"):
                progress = 1.0
            elif self.week and goal["goal_id"] == f"pieces:{self.week['id']}":
                progress = min(self.week["pieces"] / self.week["wanted"], 1.0)
            else:
                continue
            goal |= {"progress": progress, "last_worked_on": as_text(now)}
            changed.append(self._end(goal, "reached") if progress >= 1 else goal)
        return changed

    def pull(self, era: str) -> float:
        """PULL for an era that is wanted, else 1."""
        return PULL if any(name.startswith(f"era:{era}:") for name in self._active) else 1.0

    def _late(self, now: datetime) -> list[Goal]:
        goals = self._active.values()
        return [g for g in goals if g["target_date"] and g["target_date"] <= as_text(now)]

    def _set(self, name: str, what: str, why: str, now: datetime, until: datetime) -> Goal:
        self._active[name] = {
            "goal_id": name, "description": what, "motivation": why, "status": "active",
            "created_at": as_text(now), "target_date": as_text(until), "progress": 0.0,
            "last_worked_on": None,
        }  # fmt: skip
        return self._active[name]

    def _end(self, goal: Goal, status: str) -> Goal:
        del self._active[goal["goal_id"]]
        return {**goal, "status": status}


def _week(now: datetime) -> str:
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02}"
