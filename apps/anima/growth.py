"""What the creature learns from what happens to it; docs/growing.md states every rule.

Nothing here stops the drawing: rows go to the writer as records, and what fails is counted.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from apps.anima.baselines import Baselines
from apps.anima.bonds import AGENT, SILENCE, Bond, hours
from apps.anima.eras import MANNERS
from apps.anima.failures import Failures
from apps.anima.feelings import Decision
from apps.anima.finished import Finished
from apps.anima.goals import Goals
from apps.anima.insights import Insights
from apps.anima.likes import Likes, circumstances, quarter
from apps.anima.readings import Reading
from apps.anima.store import GROWTH, Store
from apps.anima.trajectory import Seen, Way
from apps.anima.words import Words
from apps.sqlite import as_text
from schemas.anima.tables import EventType
from schemas.bridge import Action
from schemas.eisv import Anima

TURN_SECONDS = 60.0
"""How often ``turn`` is to be called; what follows is counted in turns."""
WAY_TURNS = 10
WORDS_TURNS = SAVE_TURNS = 30
OBSERVE_TURNS = 60
RECALL_TURNS = 10
"""How long to wait before what could not be read is read again."""
NOTABLE = 0.02
"""A piece that is better than the best by this is remembered."""
MEMORIES_A_DAY = 10
UNEARNED = frozenset({"canvas full", "hard cap"})
"""Reasons for which a piece ends that it did not earn."""
ERAS = tuple(era.value for era in MANNERS)

Rows = list[tuple[str, dict[str, Any]]]


class Growth:
    """Likes, goals, a bond, insights, memories and words. Used by the main thread only.

    Until what was learned before has been read, nothing is learned: it would be overwritten.
    Nor while the time of day is not known (``is_dated``): it would be learned of the wrong day.
    """

    def __init__(
        self,
        store: Store,
        baselines: Baselines,
        rng: Random,
        failures: Failures,
        is_dated: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store, self._baselines, self._rng = store, baselines, rng
        self._failures, self._is_dated = failures, is_dated
        self.way = Way()
        self._turns = self._earned = self._still = 0
        self._heard: Decision | None = None
        self._shape: str | None = None
        self._state: dict[str, Any] = {}
        self._is_known = self._has_lost = False
        self._recall()

    def weight(self, era: str) -> float:
        """How gladly an era is taken up for the next piece: never 0, 1 for one like any other."""
        return self._likes.weight(era) * self._goals.pull(era) if self._is_known else 1.0

    def finished(self, piece: Finished, readings: Iterable[Reading], now: datetime) -> None:
        """A piece is done: what went with it is liked more or less, and goals come nearer."""
        if not (self._is_known and self._is_dated()):
            known = "the time of day" if self._is_known else "what was learned before"
            self._failures.note("piece learned", f"{known} is not known yet")
            return
        at, satisfaction = as_text(now), piece.satisfaction
        is_first = not self._likes.of("era", piece.era).pieces
        around = circumstances(piece.era, _values(readings), now)
        rows: Rows = [
            ("upsert_preference", row) for row in self._likes.learn(around, satisfaction, at)
        ]
        for kind in ("era", "light", "air"):
            self._insights.observe(f"satisfaction by {kind}", around.get(kind), satisfaction)
        for goal in self._goals.finished(piece.era, now):
            rows.append(("upsert_goal", goal))
            if goal["status"] == "reached":
                what = f"reached: {goal['description']}"
                rows += self._memory(f"goal:{goal['goal_id']}", now, what, 0.5, "goal")
        if is_first:
            what = f"the first piece in the era {piece.era}"
            rows += self._memory(f"first:{piece.era}", now, what, 2 * satisfaction - 1, "piece")
        if satisfaction >= self._state.get("best", 0.0) + NOTABLE:
            self._state["best"] = satisfaction
            what = f"the best piece so far: {piece.era}, {satisfaction:.2f}, {piece.marks} marks"
            rows += self._memory(f"best:{piece.piece_uid}", now, what, satisfaction, "piece")
        self._earned += piece.completion_reason not in UNEARNED
        self._put("piece", [*rows, *self._kept(at)])

    def turn(self, mood: Anima | None, decision: Decision | None, now: datetime) -> None:
        """A minute has passed; ``decision`` is the one in force."""
        self._turns += 1
        if not self._is_known:
            if self._turns % RECALL_TURNS == 0:
                self._recall()
            return
        if decision is not None and decision is not self._heard and not decision.is_local:
            self._met(now, may_draw=decision.action is Action.PROCEED)
        self._heard = decision
        at = as_text(now)
        rows = self._way(at)
        if mood is not None and self._is_dated():
            if self._turns % OBSERVE_TURNS == 0:
                rows += self._observe(mood, now)
            if self._turns % WORDS_TURNS == 0:
                rows += self._speak(mood, at)
        if self._turns % SAVE_TURNS == 1 and self._is_dated():
            rows += self._mourn(now) + self._want(now) + self._kept(at)
        self._put("turn", rows)

    def sleep(self, now: datetime) -> None:
        """Keep what a restart must know."""
        if self._is_known:
            self._put("turn", self._kept(as_text(now)))

    def _met(self, now: datetime, *, may_draw: bool) -> None:
        """Governance answered, and said whether to draw."""
        since = self._bond.meet(now, may_draw=may_draw) if self._is_dated() else None
        if since is None:
            return
        rows: Rows = [("upsert_relationship", self._bond.row())]
        if since >= SILENCE:
            what = f"governance was silent for {hours(since)}"
            rows += self._memory(f"silence:{as_text(now)}", now, what, -0.2, "silence", AGENT)
        self._put("bond", rows)

    def _way(self, at: str) -> Rows:
        """The shape of the way: when it changed, and now and then when it did not."""
        seen = self.way.take()
        if seen is None:
            return []
        self._still += 1
        has_changed = seen.shape != self._shape
        if not has_changed and self._still < WAY_TURNS:
            return []
        self._shape, self._still = seen.shape, 0
        return [("add_trajectory_event", self._trajectory(seen, at, has_changed=has_changed))]

    def _trajectory(self, seen: Seen, at: str, *, has_changed: bool) -> dict[str, Any]:
        rates = {f"d{letter}": rate for letter, rate in seen.rates.items()}
        bends = {f"d2{letter}": bend for letter, bend in seen.bends.items()}
        said = self._words.said
        return {
            "timestamp": at,
            "event_type": "shape_changed" if has_changed else "shape_held",
            "shape": seen.shape,
            "eisv_state": _json(_rounded(seen.state)),
            "derivatives": _json(_rounded(rates | bends)),
            "suggested_tokens": _json(self._words.fit(seen.shape)),
            "expression_tokens": said and _json(said.tokens),
            "coherence_score": self._words.score(),
            "cache_hit": int(not has_changed),
            "buffer_size": seen.states,
        }

    def _observe(self, mood: Anima, now: datetime) -> Rows:
        """Once an hour: how the hour felt; once a day: what that says."""
        self._insights.observe("clarity by hour", quarter(now), mood.clarity)
        self._insights.observe("warmth by hour", quarter(now), mood.warmth)
        today = now.date().isoformat()
        if self._state.get("compared") == today:
            return []
        self._state["compared"] = today
        return [("upsert_insight", row) for row in self._insights.compare(as_text(now))]

    def _speak(self, mood: Anima, at: str) -> Rows:
        judged = self._words.judge(mood, at, self._earned)
        if self._shape is not None:
            self._words.say(mood, self._shape, at, self._earned)
        return [(query, row) for query, rows in judged.items() for row in rows]

    def _want(self, now: datetime) -> Rows:
        last = {era: self._likes.of("era", era).last for era in ERAS}
        return [("upsert_goal", goal) for goal in self._goals.consider(now, ERAS, last)]

    def _memory(
        self, name: str, now: datetime, what: str, impact: float, kind: str, *agents: str
    ) -> Rows:
        """Something worth remembering, unless the day has had its share."""
        today, count = self._state.get("memories", ("", 0))
        count = count + 1 if today == now.date().isoformat() else 1
        if count > MEMORIES_A_DAY:
            return []
        self._state["memories"] = [now.date().isoformat(), count]
        row = {"event_id": name, "timestamp": as_text(now), "description": what, "category": kind,
               "emotional_impact": impact, "related_agents": _json(agents)}  # fmt: skip
        return [("add_memory", row)]

    def _kept(self, at: str) -> Rows:
        """What has no table of its own."""
        kept = {
            "baselines": self._baselines.kept(),
            "observations": self._insights.kept(),
            "state": self._state | {"week": self._goals.week},
        }
        return [
            ("upsert_growth_state", {"name": name, "value": _json(value), "updated_at": at})
            for name, value in kept.items()
        ]

    def _recall(self) -> None:
        """Read what was learned before."""
        try:
            found = self._store.read(_recalled)
            kept = {row["name"]: json.loads(row["value"]) for row in found["growth_state"]}
            self._state = dict(kept.get("state", {}))
            self._likes = Likes(found["preferences"])
            self._goals = Goals(found["active_goals"], self._state.pop("week", None))
            self._bond = Bond(next(iter(found["relationship"]), None))
            self._insights = Insights(found["insights"], kept.get("observations"))
            self._words = Words(self._rng, found["tokens"], found["combos"])
            self._baselines.recall(kept.get("baselines", {}))
        except (sqlite3.Error, TimeoutError, ValueError, KeyError, TypeError) as error:
            self._failures.note("learning recalled", error)
            return
        self._is_known = True
        kinds = [row["event_type"] for row in found["last_events"]]
        this_run = kinds[: kinds.index(EventType.SLEEP)] if EventType.SLEEP in kinds else kinds
        self._has_lost = EventType.TIME_RECOVERY in this_run

    def _mourn(self, now: datetime) -> Rows:
        """Remember an awakening that followed a loss, once the time of day is known."""
        if not self._has_lost:
            return []
        self._has_lost = False
        what = "woke without having gone to sleep"
        return self._memory(f"loss:{as_text(now)}", now, what, -0.5, "loss")

    def _put(self, kind: str, rows: Rows) -> None:
        """Hand rows to the writer, all or none of them."""
        if rows:
            self._store.record_rows(f"growth {kind}", [(GROWTH[name], row) for name, row in rows])


def _recalled(db: sqlite3.Connection) -> dict[str, list[sqlite3.Row]]:
    who = {"agent_id": AGENT}
    return {name: db.execute(GROWTH[name], who).fetchall() for name in RECALLED}


RECALLED = (
    "preferences", "relationship", "active_goals", "insights", "tokens", "combos", "growth_state",
    "last_events",
)  # fmt: skip


def _values(readings: Iterable[Reading]) -> dict[str, float]:
    return {taken.name: taken.value for taken in readings}


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(number, 6) for name, number in numbers.items()}


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
