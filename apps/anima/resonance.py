"""The era of resonance: sand on a plate that rings, 48 x 48 cells of 5 x 5 pixels.

The real system has a field of that size and three gestures, and says no more of it; the rest is
ours. A piece rings in one mode, after Chladni: the sand comes to rest where the plate is still.
"""

from math import cos, pi, sin
from random import Random

FIELD = 48
CELL = 5
MODES = ((1, 3, 1), (2, 4, 1), (1, 5, 1), (3, 5, 1), (1, 2, -1), (2, 3, -1), (2, 5, -1), (3, 4, -1))
"""Half waves along each side, and the sign between the two ways of laying them."""
SLIDE = 14
"""Cells that a grain slides at most."""

Cell = tuple[int, int]
Place = tuple[float, float]
Mode = tuple[int, int, int]


def mode_of(uid: str) -> Mode:
    """What a piece rings in, for ever the same.

    >>> mode_of("0b")
    (2, 5, -1)
    """
    return MODES[int(uid[:8] or "0", 16) * 2654435761 % 2**32 * len(MODES) >> 32]


def stirring(mode: Mode, i: float, j: float) -> float:
    """How much the plate moves at a cell, in [0, 1]; 0 on a nodal line."""
    m, n, sign = mode
    a, b = pi * (i + 0.5) / FIELD, pi * (j + 0.5) / FIELD
    return abs(cos(m * a) * cos(n * b) + sign * cos(n * a) * cos(m * b)) / 2


def paint(gesture: str, mode: Mode, x: float, y: float, rng: Random) -> list[Place]:
    """The places that a gesture at a focus paints, in pixels from the left and from above."""
    path = _slide(mode, (_cell(x), _cell(y)), rng)
    (i, j), heading = path[-1], rng.uniform(0, 2 * pi)
    rest = (i + 0.5) * CELL, (j + 0.5) * CELL
    if gesture == "grain":
        return _sand(rest, rng.randint(3, 6), rng)
    if gesture == "trail":
        return [((i + 0.5) * CELL, (j + 0.5) * CELL) for i, j in path] + _sand(rest, 3, rng)
    return _along(mode, rest, heading, rng.randint(3, 6))


def turn(mode: Mode, x: float, y: float, heading: float) -> float:
    """The heading in radians, at most 60 degrees off, in which the plate is the stillest."""

    def ahead(way: float) -> float:
        return stirring(mode, x / CELL + cos(way) - 0.5, y / CELL + sin(way) - 0.5)

    return min((heading + pi / 12 * turns for turns in (0, 1, -1, 2, -2, 3, -3, 4, -4)), key=ahead)


def _slide(mode: Mode, cell: Cell, rng: Random) -> list[Cell]:
    """From a cell to a still one, each step to the stillest neighbour."""
    path = [cell]
    for _ in range(SLIDE):
        i, j = path[-1]
        near = [(_held(i + a), _held(j + b)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        rng.shuffle(near)
        best = min(near, key=lambda cell: stirring(mode, *cell))
        if stirring(mode, *best) >= stirring(mode, i, j):
            break
        path.append(best)
    return path


def _along(mode: Mode, place: Place, heading: float, steps: int) -> list[Place]:
    """Where the plate is still, from a place on: every pixel of so many cells' length."""
    x, y = place
    places: list[Place] = []
    for _ in range(steps):
        heading = turn(mode, x, y, heading)
        c, s = cos(heading), sin(heading)
        places += [(x + t * c, y + t * s) for t in range(CELL)]
        x, y = x + CELL * c, y + CELL * s
    return places


def _sand(place: Place, count: int, rng: Random) -> list[Place]:
    """Grains of 2 x 2 pixels around a place."""
    grains = [(place[0] + rng.gauss(0, 1.8), place[1] + rng.gauss(0, 1.8)) for _ in range(count)]
    return [(x + a, y + b) for x, y in grains for a in (0, 1) for b in (0, 1)]


def _cell(at: float) -> int:
    return _held(int(at // CELL))


def _held(index: int) -> int:
    return min(max(index, 0), FIELD - 1)
