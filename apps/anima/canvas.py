"""The picture: 240 x 240 pixels, and canvas.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps import documents
from apps.anima.log import say
from schemas.anima.files import LumensCanvas, SavedCanvas

SIZE = 240
FULL = 15_000
"""Painted pixels at which a piece must end."""
CELLS = 8

Colour = tuple[int, int, int]


class Canvas:
    """Pixels that are painted or not; three bytes each."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is painted."""
        self._rgb = bytearray(SIZE * SIZE * 3)
        self._painted = bytearray(SIZE * SIZE)
        self._cells = [0] * (CELLS * CELLS)
        self.count = 0

    def paint(self, x: int, y: int, colour: Colour) -> None:
        """Paint one pixel; what falls beside the canvas is lost."""
        if not (0 <= x < SIZE and 0 <= y < SIZE):
            return
        at = y * SIZE + x
        self._rgb[at * 3 : at * 3 + 3] = bytes(colour)
        if not self._painted[at]:
            self._painted[at] = 1
            self._cells[y * CELLS // SIZE * CELLS + x * CELLS // SIZE] += 1
            self.count += 1

    def pixels(self) -> Iterator[tuple[int, int, Colour]]:
        """Every painted pixel with its colour, row by row."""
        for at in range(SIZE * SIZE):
            if self._painted[at]:
                r, g, b = self._rgb[at * 3 : at * 3 + 3]
                yield at % SIZE, at // SIZE, (r, g, b)

    @property
    def satisfaction(self) -> float:
        """How well the picture is composed, in [0, 1]: spread over 8 x 8 cells, and balance.

        Half is the share of cells in use, full at 60 %; half is how evenly paint lies left and
        right, above and below.
        """
        if not self.count:
            return 0.0
        cells, half = self._cells, CELLS // 2
        spread = min(1.0, sum(1 for cell in cells if cell) / (0.6 * len(cells)))
        left = sum(cell for i, cell in enumerate(cells) if i % CELLS < half)
        above = sum(cells[: half * CELLS])
        lean = abs(2 * left - self.count) + abs(2 * above - self.count)
        return 0.5 * spread + 0.5 * (1 - lean / (2 * self.count))


def save(path: Path, canvas: Canvas, piece: dict[str, Any]) -> None:
    """Put the picture and its piece in the place of the old, without building it in memory."""
    documents.replace(path, _written(canvas, piece))


def _written(canvas: Canvas, piece: dict[str, Any]) -> Iterator[str]:
    yield '{"piece": ' + json.dumps(piece, allow_nan=False) + ', "pixels": {'
    for number, (x, y, (r, g, b)) in enumerate(canvas.pixels()):
        yield f'{", " if number else ""}"{x},{y}": [{r}, {g}, {b}]'
    yield "}}\n"


def load(path: Path) -> tuple[Canvas, dict[str, Any] | None] | None:
    """The saved picture and its piece; None if there is none, ValueError if it is damaged.

    A picture of the real system comes without a piece; its file is kept beside ours.
    """
    try:
        saved = documents.load(path, SavedCanvas)
    except ValueError:
        try:
            old = documents.load(path, LumensCanvas)
        except ValueError:
            old = None
        if old is None:
            raise
        documents.keep(path, "adopted")
        say("canvas adopted", file=path, pixels=len(old.pixels))
        return _painted(old.pixels), None
    if saved is None:
        return None
    return _painted(saved.pixels), saved.piece.model_dump(mode="json")


def _painted(pixels: dict[str, Colour]) -> Canvas:
    canvas = Canvas()
    for place, colour in pixels.items():
        x, y = place.split(",")
        canvas.paint(int(x), int(y), colour)
    return canvas


def set_aside(path: Path, reason: object) -> None:
    """Keep a damaged canvas under another name, and say so."""
    say("canvas set aside", file=documents.set_aside(path), reason=reason)
