"""The era of resonance: sand on a plate that rings, 48 x 48 cells of 5 x 5 pixels.

The real system has a field of that size and three gestures, and says no more of it; the rest is
ours. A piece rings in one mode, after Chladni: the sand comes to rest where the plate is still.
"""

from itertools import pairwise
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
    (2, 3, -1)
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
    if gesture == "grain":
        return _dot(path[-1], 3, rng)
    if gesture == "trail":
        return _drawn(path[-4:]) + _dot(path[-1], 2, rng)
    return _drawn(_along(mode, path[-1], rng.uniform(0, 2 * pi), rng.randint(3, 6)))


def turn(mode: Mode, x: float, y: float, heading: float) -> float:
    """The heading in radians, at most 60 degrees off, in which the next cell is the stillest."""

    def ahead(way: float) -> float:
        return stirring(mode, x / CELL + cos(way) - 0.5, y / CELL + sin(way) - 0.5)

    return min((heading + pi / 6 * turns for turns in (0, 1, -1, 2, -2)), key=ahead)


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


def _along(mode: Mode, cell: Cell, heading: float, steps: int) -> list[Cell]:
    """A nodal line from a still cell on, as far as it goes straight enough."""
    line = [cell]
    for _ in range(steps):
        i, j = line[-1]
        heading = turn(mode, (i + 0.5) * CELL, (j + 0.5) * CELL, heading)
        following = _held(round(i + cos(heading))), _held(round(j + sin(heading)))
        if following != line[-1]:
            line.append(following)
    return line


def _drawn(cells: list[Cell]) -> list[Place]:
    """The pixels from the centre of each cell to that of the next."""
    return [
        ((i + (k - i) * t / CELL + 0.5) * CELL, (j + (l - j) * t / CELL + 0.5) * CELL)
        for (i, j), (k, l) in pairwise(cells)
        for t in range(CELL)
    ]


def _dot(cell: Cell, side: int, rng: Random) -> list[Place]:
    """Somewhere in a cell: sand does not lie in rows."""
    x, y = (at * CELL + rng.uniform(0, CELL - side) for at in cell)
    return [(x + a, y + b) for a in range(side) for b in range(side)]


def _cell(at: float) -> int:
    return _held(int(at // CELL))


def _held(index: int) -> int:
    return min(max(index, 0), FIELD - 1)
