"""The main loop's body: sense, draw, remember, report, each at its own pace."""

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from apps.anima import canvas
from apps.anima.checkin import compose, new_boot_id
from apps.anima.clock import Clock
from apps.anima.condition import TELL_SECONDS, Teller
from apps.anima.failures import Failures
from apps.anima.feelings import Mood, report
from apps.anima.finished import Finished
from apps.anima.gallery import Gallery
from apps.anima.growth import TURN_SECONDS, Growth
from apps.anima.health import Health
from apps.anima.log import say
from apps.anima.pickup import pick_up
from apps.anima.readings import Reading, ages, as_sensor_data, sense
from apps.anima.senses import Senses
from apps.anima.settings import Settings
from apps.anima.store import Snapshot, Store
from apps.anima.will import Will
from schemas.anima.tables import AnimaState, Event, EventType

HEARTBEAT_SECONDS = 30.0
SAVE_CANVAS_SECONDS = 10.0
"""How often the canvas is saved at most; only if a step was recorded since."""
SAVE_CANVAS_BYTES_A_SECOND = 500.0
"""A larger one is saved more rarely, 21 kB every 42 s: 43 MB a day for the card, in pages of
4 kB up to 70."""
FIRST_STEP_SECONDS = 2.0
"""How long the first check-in waits for a recorded step to tell of; by then it has felt, too."""


@dataclass(slots=True)
class Chore:
    """Something done again and again; ``due`` is monotonic time in seconds."""

    do: Callable[[], None]
    every: float
    due: float


class Life:
    """One run of the creature, from waking to sleep. Used by the main thread only."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        will: Will,
        send_unqueued: Callable[[str], None],
        *,
        clock: Clock | None = None,
        chores: Sequence[Chore] = (),
        health: Health | None = None,
    ) -> None:
        self._settings, self._store, self._will = settings, store, will
        self._send_unqueued, self._clock = send_unqueued, clock or Clock()
        self.now = self._clock.now
        self._failures = Failures("not done")
        self._senses = Senses(settings, self._failures)
        self._readings: list[Reading] = []
        self._mood = Mood()
        self._boot_id = new_boot_id()
        self._health = health or Health(settings.home, store, self._clock)
        self._teller = Teller(os.environ.get("RUNTIME_DIRECTORY"), settings.agent, self._boot_id)
        learner = Random(settings.seed)  # noqa: S311  words, not secrets
        self._growth = Growth(
            store, self._senses.baselines, learner, self._failures, lambda: self._clock.is_known
        )
        self._canvas_file = settings.home / "canvas.json"
        self._gallery = Gallery(settings.home, store.record_finished)
        self._health.add(self._failures, self._gallery.failures, self._gallery.let_go)
        self._drawing = pick_up(
            self._canvas_file,
            Random(settings.seed),  # noqa: S311  art, not secrets
            self._failures,
            self._finish,
            settings.draw_every_seconds,
        )
        self._drawing.weight = self._growth.weight
        self._has_sensed = self._has_recorded = self._is_unsaved = False
        self._could_draw = will.may_draw
        now = self._alive_since = self._began = time.monotonic()
        self._check_in_chore = Chore(
            self._check_in, settings.check_in_every_seconds, now + FIRST_STEP_SECONDS
        )
        self._save_chore = Chore(self._save_canvas, SAVE_CANVAS_SECONDS, now + SAVE_CANVAS_SECONDS)
        self._chores = [
            Chore(self._sense, settings.sense_every_seconds, now),
            Chore(self._draw, settings.draw_every_seconds, now),
            Chore(self._remember, settings.state_every_seconds, now + FIRST_STEP_SECONDS),
            self._check_in_chore,
            Chore(self._grow, TURN_SECONDS, now + TURN_SECONDS),
            Chore(self._beat, HEARTBEAT_SECONDS, now + HEARTBEAT_SECONDS),
            self._save_chore,
            Chore(self._tell, TELL_SECONDS, now + FIRST_STEP_SECONDS),
            *chores,
        ]
        say("awake", agent=settings.agent, boot_id=self._boot_id, may_draw=will.may_draw)

    def turn(self) -> float:
        """Do what is due; gives the seconds until something is due again."""
        for chore in self._chores:
            now = time.monotonic()
            if now >= chore.due:
                self._teller.late(now - chore.due)
                chore.due = max(chore.due + chore.every, now)
                chore.do()
        return max(min(chore.due for chore in self._chores) - time.monotonic(), 0.0)

    def sleep(self) -> None:
        """Put away the canvas and say good night; the store must still be open."""
        self._is_unsaved = True
        self._save_canvas()
        self._learn(self._growth.sleep, self._clock.now())
        self._beat()
        self._store.record_event(Event(timestamp=self._clock.now(), event_type=EventType.SLEEP))
        say("asleep", dropped=self._store.dropped.total)

    def moved(self, since: datetime, by: timedelta) -> None:
        """The clock was wrong by so much: so is the start of a piece that is not older."""
        piece = self._drawing.piece
        if piece.started_at and piece.started_at >= since:
            piece.started_at += by
            self._save_soon()

    def _sense(self) -> None:
        every = self._settings.sense_every_seconds
        self._readings = sense(self._senses.sensors, self._failures)
        felt = self._senses.felt(self._readings, every)
        if felt is None and self._has_sensed:
            self._failures.note("feel", "a feeling has no reading at all")
        now = time.monotonic()
        self._will.anima = self._mood.follow(felt, every, now)
        self._learn(self._growth.way.follow, felt and report(felt), now)
        self._will.consider()
        self._note_change()
        self._has_sensed = True  # the processor's share needs two readings

    def _note_change(self) -> None:
        """An event when the hand stops or goes on, so that a week alone can be told afterwards."""
        may_draw, decision = self._will.may_draw, self._will.decision
        if may_draw is self._could_draw or decision is None:
            return
        self._could_draw = may_draw
        said = {
            "action": decision.action,
            "margin": decision.margin,
            "reason": decision.reason,
            "decided_by": decision.decided_by,
        }
        kind = EventType.RESUME if may_draw else EventType.PAUSE
        self._store.record_event(Event(timestamp=self._clock.now(), event_type=kind, data=said))

    def _draw(self) -> None:
        if self._will.anima is None or not self._will.may_draw:
            return
        state = self._drawing.tick(self._will.anima, self._clock.now())
        if state and state.marks % self._settings.record_every_marks == 0:
            self._store.record_drawing_state(state)
            self._is_unsaved = True
            if not self._has_recorded:
                self._has_recorded = True
                self._check_in_chore.due = min(self._check_in_chore.due, time.monotonic())

    def _finish(self, piece: Finished, picture: canvas.Canvas) -> None:
        """Keep it, and save the empty canvas soon: a piece is not put away twice."""
        self._gallery.take(piece, picture)
        self._save_soon()
        self._learn(self._growth.finished, piece, self._readings, piece.finished_at)

    def _grow(self) -> None:
        will = self._will
        self._learn(self._growth.turn, will.anima, will.decision, self._clock.now())

    def _learn(self, lesson: Callable[..., None], *told: object) -> None:
        """Learning never stops the drawing: what goes wrong with it is counted."""
        try:
            lesson(*told)
        except Exception as error:  # noqa: BLE001  whatever it is, the hand goes on
            self._failures.note("learning", error)

    def _remember(self) -> None:
        if anima := self._will.anima:
            sensors = as_sensor_data(self._readings, self._senses.felt_from)
            if old := ages(self._readings, time.monotonic()):
                sensors["ages"] = old
            row = {"timestamp": self._clock.now(), "sensors": sensors, **anima.model_dump()}
            self._store.record_state(AnimaState.model_validate(row))

    def _check_in(self) -> None:
        if self._will.anima is None:
            return
        now, uptime = self._clock.now(), self._clock.monotonic()
        composed = partial(
            compose,
            agent=self._settings.agent,
            now=now,
            is_known=self._clock.is_known,
            anima=self._will.anima,
            readings=self._readings,
            dropped=self._store.dropped.total,
            monotonic_seconds=uptime,
            health=self._health.of_check_in(),
            felt_from=self._senses.felt_from,
        )
        try:
            mine = composed(boot_id=self._boot_id)
            self._store.enqueue_checkin(self._boot_id, now, mine, uptime)
        except ValueError as error:
            self._store.dropped.note("check-in", error)
        except (sqlite3.Error, TimeoutError) as error:
            self._failures.note("check-in queued", error)
            # A boot_id of its own, so that this key was never used and never will be.
            told = composed(boot_id=new_boot_id())(0, self._snapshot(error))
            self._send_unqueued(told.model_dump_json(exclude_none=True))

    def _snapshot(self, trouble: Exception) -> Snapshot | None:
        """What the store can still tell; it is not asked twice if it did not answer once."""
        if isinstance(trouble, TimeoutError):
            return None
        try:
            return self._store.snapshot()
        except (sqlite3.Error, TimeoutError) as error:
            self._failures.note("snapshot", error)
            return None

    def _beat(self) -> None:
        now = time.monotonic()
        self._store.heartbeat(self._clock.now(), now - self._alive_since)
        self._alive_since = now

    def _tell(self) -> None:
        try:
            self._teller.tell(
                self._clock.now(),
                time.monotonic() - self._began,
                will=self._will,
                drawing=self._drawing,
                health=self._health,
            )
        except (OSError, ValueError) as error:
            self._failures.note("condition", error)

    def _save_soon(self) -> None:
        """Not as late as a large canvas is; the one that was finished is in its picture."""
        self._is_unsaved = True
        self._save_chore.due = min(self._save_chore.due, time.monotonic() + SAVE_CANVAS_SECONDS)

    def _save_canvas(self) -> None:
        if not self._is_unsaved:
            return
        piece = self._drawing.piece.saved()
        try:
            size = canvas.save(self._canvas_file, self._drawing.canvas, piece)
            self._is_unsaved = False
            pause = max(SAVE_CANVAS_SECONDS, size / SAVE_CANVAS_BYTES_A_SECOND)
            self._save_chore.due = time.monotonic() + pause
        except OSError as error:
            self._failures.note("canvas", error)
