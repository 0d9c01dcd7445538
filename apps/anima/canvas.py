"""The picture: 240 x 240 pixels, and canvas.json."""

import json
import zlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Any

from apps import documents
from apps.anima.log import say
from schemas.anima.files import LumensCanvas, SavedCanvas

SIZE = 240
FULL = 15_000
"""Painted pixels at which a piece must end."""
CELLS = 8
LAST = "last"
"""What the last good copy of canvas.json is called after its name."""
CHECKSUM = ', "crc32": '
LARGEST_BYTES = 4_000_000
"""A canvas of the real system with every pixel painted has 1.5 MB."""

Colour = tuple[int, int, int]


class Canvas:
    """Pixels that are painted or not; three bytes each."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is painted; what is not is black."""
        self.rgb = bytearray(SIZE * SIZE * 3)
        self._painted = bytearray(SIZE * SIZE)
        self._cells = [0] * (CELLS * CELLS)
        self._satisfaction: float | None = 0.0
        self.count = 0

    @classmethod
    def unpacked(cls, packed: str) -> "Canvas":
        """A canvas as ``packed`` gave it; ValueError for anything else."""
        unpack = zlib.decompressobj()
        try:
            plain = unpack.decompress(a2b_base64(packed, strict_mode=True), SIZE * SIZE * 4)
        except zlib.error as error:
            raise ValueError(f"picture: {error}") from None
        if len(plain) != SIZE * SIZE * 4 or not unpack.eof:
            raise ValueError("picture: is not 240 x 240")
        canvas = cls()
        for at in range(SIZE * SIZE):
            if plain[at]:
                start = SIZE * SIZE + at * 3
                r, g, b = plain[start : start + 3]
                canvas.paint(at % SIZE, at // SIZE, (r, g, b))
        return canvas

    def packed(self) -> str:
        """Every pixel in a few thousand letters."""
        pack = zlib.compressobj()
        parts = pack.compress(self._painted), pack.compress(self.rgb), pack.flush()
        return b2a_base64(b"".join(parts), newline=False).decode()

    def paint(self, x: int, y: int, colour: Colour) -> None:
        """Paint one pixel; what falls beside the canvas is lost."""
        if not (0 <= x < SIZE and 0 <= y < SIZE):
            return
        at = y * SIZE + x
        self.rgb[at * 3 : at * 3 + 3] = bytes(colour)
        if not self._painted[at]:
            self._painted[at] = 1
            self._cells[y * CELLS // SIZE * CELLS + x * CELLS // SIZE] += 1
            self.count += 1
            self._satisfaction = None

    def pixels(self) -> Iterator[tuple[int, int, Colour]]:
        """Every painted pixel with its colour, row by row."""
        for at in range(SIZE * SIZE):
            if self._painted[at]:
                r, g, b = self.rgb[at * 3 : at * 3 + 3]
                yield at % SIZE, at // SIZE, (r, g, b)

    @property
    def satisfaction(self) -> float:
        """How well the picture is composed, in [0, 1]: spread over 8 x 8 cells, and balance.

        Half is the share of cells in use, full at 60 %; half is how evenly paint lies left and
        right, above and below.
        """
        if self._satisfaction is None:
            cells, half = self._cells, CELLS // 2
            spread = min(1.0, sum(1 for cell in cells if cell) / (0.6 * len(cells)))
            left = sum(cell for i, cell in enumerate(cells) if i % CELLS < half)
            above = sum(cells[: half * CELLS])
            lean = abs(2 * left - self.count) + abs(2 * above - self.count)
            self._satisfaction = 0.5 * spread + 0.5 * (1 - lean / (2 * self.count))
        return self._satisfaction


def save(path: Path, canvas: Canvas, piece: dict[str, Any]) -> int:
    """Put the picture and its piece in the place of the old, which stays as the last good copy.

    Gives the bytes that were written.

    The pixels are packed: which are painted, then their colours, zlib, base64. So a save is a
    sixth of what one object a pixel would write to the card. The checksum is of all before it.
    """
    text = json.dumps({"piece": piece, "picture": canvas.packed()}, allow_nan=False)[:-1]
    whole = f"{text}{CHECKSUM}{zlib.crc32(text.encode())}}}\n"  # ASCII, by json
    if path.is_dir():
        set_aside(path, "a directory is in its place")
    documents.replace(path, (whole,), last=LAST)
    return len(whole)


def load(path: Path) -> tuple[Canvas, dict[str, Any] | None] | None:
    """The saved picture and its piece; None if there is none, ValueError if it is damaged.

    A picture of the real system comes without a piece; its file is kept beside ours.
    """
    text = _read(path)
    if text is None:
        return None
    head, checksum, said = text.rpartition(CHECKSUM.encode())
    if checksum and said != f"{zlib.crc32(head)}}}\n".encode():
        raise ValueError("crc32: is not that of the text")
    try:
        saved = documents.parse(text, SavedCanvas)
    except ValueError:
        try:
            old = documents.parse(text, LumensCanvas)
        except ValueError:
            old = None
        if old is None:
            raise
        documents.keep(path, "adopted")
        say("canvas adopted", file=path, pixels=len(old.pixels))
        return _painted(old.pixels), None
    piece = saved.piece.model_dump()
    if saved.picture is not None:
        return Canvas.unpacked(saved.picture), piece
    if saved.pixels is None:
        raise ValueError("picture: is missing")
    return _painted(saved.pixels), piece


def _read(path: Path) -> bytes | None:
    """What is in the file; ValueError for what cannot be a canvas, so that nobody waits for it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not S_ISREG(found.st_mode):
        raise ValueError("is not a file")
    if found.st_size > LARGEST_BYTES:
        raise ValueError(f"has {found.st_size} bytes")
    return path.read_bytes()


def _painted(pixels: dict[str, Colour]) -> Canvas:
    canvas = Canvas()
    for place, colour in pixels.items():
        x, y = place.split(",")
        canvas.paint(int(x), int(y), colour)
    return canvas


def set_aside(path: Path, reason: object) -> None:
    """Keep a damaged canvas under another name, and say so."""
    say("canvas set aside", file=documents.set_aside(path), reason=reason)
