"""The manners of drawing: which gestures each knows, and how much it means them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from random import Random

from schemas.eisv import Era

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hold:
    """How the hand holds its gesture: marks left, a place or direction kept, share done."""

    remaining: int = 0
    is_locked: bool = False
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Manner:
    """An era's vocabulary, how many marks a gesture lasts, how often it locks."""

    gestures: tuple[str, ...]
    shortest: int
    longest: int
    lock_chance: float
    intentionality: Callable[[Hold], float]
    """In [0, 1], of how the hand holds its gesture."""


MANNERS: dict[Era, Manner] = {
    Era.GESTURAL: Manner(
        ("dot", "stroke", "curve", "cluster", "drag"),
        8, 20, 0.6,
        lambda hold: 0.2 + 0.4 * hold.is_locked + min(0.4, hold.remaining / 20 * 0.4),
    ),
    Era.POINTILLIST: Manner(
        ("single", "pair", "trio"),
        10, 30, 0.7,
        lambda hold: 0.1 + 0.4 * hold.is_locked + min(0.2, hold.remaining / 30 * 0.2),
    ),
    Era.FIELD: Manner(
        ("flow_dot", "flow_dash", "flow_strand"),
        10, 25, 1.0,
        lambda hold: 0.1 + 0.4 * hold.progress + min(0.2, hold.remaining / 25 * 0.2),
    ),
    Era.GEOMETRIC: Manner(
        ("point", "line", "parallels", "cross", "corner", "zigzag", "wave", "arc", "circle",
         "triangle", "square", "pentagon", "hexagon", "star", "grid", "spiral"),
        4, 12, 0.5,
        lambda hold: 0.1 + 0.5 * (hold.remaining > 0),
    ),
    Era.RESONANCE: Manner(
        ("grain", "trail", "hum"),
        10, 25, 0.8,
        lambda hold: 0.1 + 0.4 * hold.is_locked + min(0.2, hold.remaining / 25 * 0.2),
    ),
}  # fmt: skip
"""Intentionality after CIRWEL/anima-mcp, but for resonance; lengths and lock chances are ours."""


def shape(gesture: str, heading: float, rng: Random) -> list[Point]:
    """The offsets in pixels that a gesture paints around the focus; heading in radians."""
    points = SHAPES[gesture](rng)
    c, s = cos(heading), sin(heading)
    return [(x * c - y * s, x * s + y * c) for x, y in points]


def _line(length: float, y: float = 0.0) -> list[Point]:
    return [(float(x), y) for x in range(round(length))]


def _bend(length: int, turn: float) -> list[Point]:
    return [(float(t), turn * t * t / length) for t in range(length)]


def _ring(radius: float, turn: float = 1.0) -> list[Point]:
    steps = max(3, round(2 * pi * radius * turn))
    return [
        (radius * cos(2 * pi * turn * t / steps), radius * sin(2 * pi * turn * t / steps))
        for t in range(steps)
    ]


def _path(corners: list[Point]) -> list[Point]:
    points: list[Point] = []
    for (ax, ay), (bx, by) in pairwise(corners):
        steps = max(1, round(max(abs(bx - ax), abs(by - ay))))
        points += [(ax + (bx - ax) * t / steps, ay + (by - ay) * t / steps) for t in range(steps)]
    return points


def _polygon(corners: int, radius: float, skip: int = 1) -> list[Point]:
    turn = 2 * pi * skip / corners
    return _path([(radius * cos(turn * i), radius * sin(turn * i)) for i in range(corners + 1)])


def _scatter(rng: Random, count: int, spread: float) -> list[Point]:
    return [(rng.gauss(0, spread), rng.gauss(0, spread)) for _ in range(count)]


SHAPES: dict[str, Callable[[Random], list[Point]]] = {
    "dot": lambda rng: [(0, 0), (1, 0), (0, 1), (1, 1)],  # noqa: ARG005
    "stroke": lambda rng: _line(rng.randint(4, 10)),
    "curve": lambda rng: _bend(rng.randint(5, 10), rng.uniform(-0.8, 0.8)),
    "cluster": lambda rng: _scatter(rng, rng.randint(3, 7), 3),
    "drag": lambda rng: _line(rng.randint(5, 9)) + _line(rng.randint(3, 7), 1),
    "single": lambda rng: [(0, 0)],  # noqa: ARG005
    "pair": lambda rng: [(0, 0), (rng.uniform(2, 4), 0)],
    "trio": lambda rng: [(0, 0), (rng.uniform(2, 4), 0), (1.5, rng.uniform(2, 4))],
    "flow_dot": lambda rng: [(0, rng.uniform(-1, 1))],
    "flow_dash": lambda rng: _line(rng.randint(3, 5)),
    "flow_strand": lambda rng: _bend(rng.randint(6, 12), rng.uniform(-0.3, 0.3)),
    "point": lambda rng: [(0, 0)],  # noqa: ARG005
    "line": lambda rng: _line(rng.randint(6, 14)),
    "parallels": lambda rng: _line(rng.randint(5, 9)) + _line(6, 3),
    "cross": lambda rng: _path([(-3, 0), (4, 0)]) + _path([(0, -3), (0, rng.randint(4, 6))]),
    "corner": lambda rng: _path([(0, 0), (6, 0), (6, rng.randint(4, 8))]),
    "zigzag": lambda rng: _path([(3.0 * i, 3.0 * (i % 2)) for i in range(rng.randint(3, 6))]),
    "wave": lambda rng: [(float(t), rng.choice((2.0, 3.0)) * sin(t / 2)) for t in range(12)],
    "arc": lambda rng: _ring(rng.uniform(3, 6), 0.5),
    "circle": lambda rng: _ring(rng.uniform(2, 4)),
    "triangle": lambda rng: _polygon(3, rng.uniform(3, 6)),
    "square": lambda rng: _polygon(4, rng.uniform(3, 5)),
    "pentagon": lambda rng: _polygon(5, rng.uniform(3, 5)),
    "hexagon": lambda rng: _polygon(6, rng.uniform(3, 5)),
    "star": lambda rng: _polygon(5, rng.uniform(3, 5), skip=2),
    "grid": lambda rng: [(3.0 * i, 3.0 * j) for i in range(3) for j in range(rng.randint(2, 4))],
    "spiral": lambda rng: [(t / 4 * cos(t / 2), t / 4 * sin(t / 2))
                           for t in range(rng.randint(10, 18))],
}  # fmt: skip
