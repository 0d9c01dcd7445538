"""The drawing loop's body: a tick may place a mark, and each mark is one step of the EISV."""

from datetime import datetime
from math import cos, pi, sin
from random import Random

from apps.anima.arc import FLOOR_TICKS, PHASE_OF, Telling, ending, next_arc
from apps.anima.canvas import FULL, SIZE, Canvas, Colour
from apps.anima.equations import WINDOW, attend, gesture_entropy, step, switching_rate
from apps.anima.eras import MANNERS, shape
from apps.anima.log import say
from apps.anima.piece import Piece
from schemas.anima.tables import DrawingState
from schemas.eisv import Anima, ArcPhase
from schemas.quantity import clamp

COHERENCES = 30


class Drawing:
    """One creature's hand: the canvas, the piece on it, and chance. Same seed, same picture."""

    def __init__(self, canvas: Canvas, piece: Piece | None, rng: Random) -> None:
        self._rng = rng
        self.canvas = canvas
        self.piece = piece or self._new_piece()

    def tick(self, anima: Anima, now: datetime) -> DrawingState | None:
        """One draw interval; gives the state if a mark was placed."""
        self.piece.ticks += 1
        self._tell()
        if self._rng.random() >= chance_of_mark(anima, self.canvas.count, self.piece):
            return None
        return self._mark(anima, now)

    def _tell(self) -> None:
        """Move the story on; when it has ended, clear the canvas and begin a new piece."""
        piece = self.piece
        told = self._telling()
        reason = ending(told) if piece.arc_phase is ArcPhase.CLOSING else None
        if self.canvas.count >= FULL:
            reason = "canvas full"
        if reason and piece.ticks >= FLOOR_TICKS:
            why = piece.closing_reason or reason
            say("piece finished", reason=why, marks=piece.marks, era=piece.era, ticks=piece.ticks)
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
        piece, rng = self.piece, self._rng
        has_switched = self._choose_gesture()
        for dx, dy in shape(piece.gesture, piece.heading, rng):
            at = round(piece.x + dx), round(piece.y + dy)
            self.canvas.paint(*at, colour(anima, piece))
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
        """The focus moves on: straight while locked, else wandering; the edge turns it back."""
        piece, rng = self.piece, self._rng
        if not piece.is_locked:
            piece.heading += rng.gauss(0, 0.7)
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

    def _new_piece(self) -> Piece:
        rng = self._rng
        era = rng.choice(tuple(MANNERS))
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
    """Warm is red, clear is light; a tired hand paints paler."""
    light = 0.35 + 0.65 * anima.clarity
    paint = 1 - 0.4 * piece.attention.fatigue
    r, g, b = anima.warmth, 0.3 + 0.5 * anima.stability, 1 - anima.warmth
    return tuple(round(255 * light * paint * part) for part in (r, g, b))  # type: ignore[return-value]
