"""The drawing loop's body: a tick may place a mark, and each mark is one step of the EISV."""

from collections.abc import Callable
from datetime import datetime
from math import cos, pi, sin
from random import Random

from apps.anima import resonance
from apps.anima.arc import FLOOR_TICKS, PHASE_OF, Telling, bound, ending, next_arc
from apps.anima.canvas import SIZE, Canvas, Colour
from apps.anima.equations import (
    WINDOW,
    attend,
    coherence,
    gesture_entropy,
    look,
    step,
    switching_rate,
)
from apps.anima.eras import MANNERS, Point, shape
from apps.anima.finished import Finished
from apps.anima.log import say
from apps.anima.piece import Piece
from schemas.anima.tables import DrawingState
from schemas.eisv import Anima, ArcPhase, Era
from schemas.quantity import clamp

COHERENCES = 30


class Drawing:
    """One creature's hand: the canvas, the piece on it, and chance.

    Same seed, same feelings: same picture.

    ``finish`` gets each piece that is over, before its canvas is cleared; a draw interval is
    ``seconds`` long.
    """

    def __init__(
        self,
        canvas: Canvas,
        piece: Piece | None,
        rng: Random,
        finish: Callable[[Finished, Canvas], None] = lambda *_: None,
        seconds: float = 1.0,
    ) -> None:
        self._rng, self._finish, self._seconds = rng, finish, seconds
        self.weight: Callable[[Era], float] | None = None
        """How gladly an era is taken up for the next piece; None is all alike."""
        self.canvas = canvas
        self.piece = piece or self._new_piece()

    def tick(self, anima: Anima, now: datetime) -> DrawingState | None:
        """One draw interval; gives the state if a mark was placed."""
        self._tell(now)
        piece = self.piece
        if not piece.uid:
            piece.uid = f"{self._rng.getrandbits(64):016x}{int(now.timestamp()):08x}"
            piece.started_at = now
        piece.ticks += 1
        piece.attention = look(piece.attention, piece.ticks)
        if self._rng.random() >= chance_of_mark(anima, self.canvas.count, piece):
            return None
        return self._mark(anima, now)

    def _tell(self, now: datetime) -> None:
        """Move the story on; when it has ended, clear the canvas and begin a new piece."""
        piece = self.piece
        told = self._telling()
        reason = bound(self.canvas.count, piece.ticks)
        if piece.arc_phase is ArcPhase.CLOSING:
            reason = piece.closing_reason or ending(told)
        if reason and piece.ticks >= FLOOR_TICKS:
            say("piece finished", reason=reason, marks=piece.marks, era=piece.era)
            self._finish(self._finished(reason, now), self.canvas)
            self.canvas.clear()
            self.piece = self._new_piece()
            return
        piece.ticks_in_phase += 1
        arc = next_arc(told)
        if arc is not piece.arc_phase:
            if arc is ArcPhase.CLOSING:
                piece.closing_reason = ending(told)
            piece.arc_phase, piece.ticks_in_phase = arc, 0

    def _mark(self, anima: Anima, now: datetime) -> DrawingState:
        """Gesture, mark, step, append, attention, coherence: in this order."""
        piece = self.piece
        has_switched = self._choose_gesture()
        paint = colour(anima, piece)
        for x, y in self._places():
            self.canvas.paint(round(x), round(y), paint)
        piece.remaining -= 1
        piece.marks += 1
        self._drift()
        piece.eisv, C = step(piece.eisv, piece.signals)
        piece.gestures = [*piece.gestures, piece.gesture][-WINDOW:]
        manner = MANNERS[piece.era]
        piece.gesture_entropy = gesture_entropy(piece.gestures, len(manner.gestures))
        piece.switching_rate = switching_rate(piece.gestures)
        piece.intentionality = manner.intentionality(piece.hold)
        piece.attention = attend(
            piece.attention, piece.signals, C, piece.arc_phase, has_switched=has_switched
        )
        self._track(C)
        return self._state(C, now)

    def _places(self) -> list[Point]:
        """What the gesture paints at the focus."""
        piece, rng = self.piece, self._rng
        if piece.era is Era.RESONANCE:
            mode = resonance.mode_of(piece.uid)
            return resonance.paint(piece.gesture, mode, piece.x, piece.y, rng)
        offsets = shape(piece.gesture, piece.heading, rng)
        return [(piece.x + dx, piece.y + dy) for dx, dy in offsets]

    def _choose_gesture(self) -> bool:
        """Keep the gesture while it lasts, else take up one; tells whether it changed."""
        piece, rng = self.piece, self._rng
        if piece.remaining > 0:
            return False
        manner, before = MANNERS[piece.era], piece.gesture
        piece.gesture = rng.choice(manner.gestures)
        piece.run = piece.remaining = rng.randint(manner.shortest, manner.longest)
        piece.is_locked = rng.random() < manner.lock_chance
        piece.heading = rng.uniform(0, 2 * pi)
        if rng.random() < 0.3:
            piece.x, piece.y = rng.uniform(0, SIZE), rng.uniform(0, SIZE)
        return bool(before) and piece.gesture != before

    def _drift(self) -> None:
        """The focus moves on: straight while locked, else wandering; the edge turns it back.

        On a plate that rings a locked hand follows where it is still.
        """
        piece, rng = self.piece, self._rng
        if not piece.is_locked:
            piece.heading += rng.gauss(0, 0.7)
        elif piece.era is Era.RESONANCE:
            mode = resonance.mode_of(piece.uid)
            piece.heading = resonance.turn(mode, piece.x, piece.y, piece.heading)
        x = piece.x + 5 * cos(piece.heading)
        y = piece.y + 5 * sin(piece.heading)
        if not (0 <= x < SIZE and 0 <= y < SIZE):
            piece.heading += pi
        piece.x, piece.y = clamp(x, 0, SIZE - 1), clamp(y, 0, SIZE - 1)

    def _track(self, C: float) -> None:
        """Remember coherence, its velocity (EMA 0.2) and the momentum of intent (EMA 0.1)."""
        piece = self.piece
        change = C - piece.coherences[-1] if piece.coherences else 0.0
        piece.velocity += 0.2 * (change - piece.velocity)
        piece.i_momentum += 0.1 * (piece.intentionality - piece.i_momentum)
        piece.coherences = [*piece.coherences, C][-COHERENCES:]

    def _telling(self) -> Telling:
        piece = self.piece
        return Telling(
            arc=piece.arc_phase,
            ticks_in_phase=piece.ticks_in_phase,
            pixels=self.canvas.count,
            coherences=piece.coherences,
            velocity=piece.velocity,
            i_momentum=piece.i_momentum,
            attention=piece.attention,
            satisfaction=self.canvas.satisfaction,
        )

    def _state(self, C: float, now: datetime) -> DrawingState:
        piece = self.piece
        eisv, attention = piece.eisv, piece.attention
        return DrawingState(
            timestamp=now,
            E=eisv.E,
            I=eisv.I,
            S=eisv.S,
            V=eisv.V,
            C=C,
            marks=piece.marks,
            phase=PHASE_OF[piece.arc_phase],
            era=piece.era,
            energy=attention.energy,
            curiosity=attention.curiosity,
            engagement=attention.engagement,
            fatigue=attention.fatigue,
            arc_phase=piece.arc_phase,
            gesture_entropy=piece.gesture_entropy,
            switching_rate=piece.switching_rate,
            intentionality=piece.intentionality,
        )

    def _finished(self, reason: str, now: datetime) -> Finished:
        piece = self.piece
        eisv, attention = piece.eisv, piece.attention
        return Finished(
            piece_uid=piece.uid,
            started_at=piece.started_at or now,
            finished_at=now,
            era=piece.era,
            completion_reason=reason,
            marks=piece.marks,
            pixels=self.canvas.count,
            duration_seconds=piece.ticks * self._seconds,
            E=eisv.E,
            I=eisv.I,
            S=eisv.S,
            V=eisv.V,
            C=piece.coherences[-1] if piece.coherences else coherence(eisv.V),
            energy=attention.energy,
            curiosity=attention.curiosity,
            engagement=attention.engagement,
            fatigue=attention.fatigue,
            satisfaction=self.canvas.satisfaction,
        )

    def _new_piece(self) -> Piece:
        rng = self._rng
        eras = tuple(MANNERS)
        if self.weight is None:
            era = rng.choice(eras)
        else:
            (era,) = rng.choices(eras, [self.weight(era) for era in eras])
        return Piece(era=era, x=rng.uniform(0, SIZE), y=rng.uniform(0, SIZE))


def chance_of_mark(anima: Anima, pixels: int, piece: Piece) -> float:
    """The chance in [0, 1] that a tick places a mark: more on an empty canvas, with energy."""
    expression = (anima.presence + anima.clarity) / 2
    chance = 0.07 * (0.5 + expression) * piece.attention.energy
    if not pixels:
        chance = max(chance, 0.3 + 0.7 * expression)
    elif pixels < 150:
        chance = max(chance, 0.12 + 0.18 * (1 - pixels / 150))
    return clamp(chance, 0, 1)


def colour(anima: Anima, piece: Piece) -> Colour:
    """Warm is red, clear is light; a tired hand paints paler, a mark that is meant brighter."""
    light = (0.35 + 0.65 * anima.clarity) * (0.8 + 0.2 * piece.intentionality)
    paint = 1 - 0.4 * piece.attention.fatigue
    r, g, b = anima.warmth, 0.3 + 0.5 * anima.stability, 1 - anima.warmth
    return tuple(round(255 * light * paint * part) for part in (r, g, b))  # type: ignore[return-value]
