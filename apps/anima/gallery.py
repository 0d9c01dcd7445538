"""Finished pieces: the picture in a file, the numbers in the picture and in the store."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from apps import documents
from apps.anima.canvas import SIZE, Canvas
from apps.anima.failures import Failures
from apps.anima.finished import Finished
from apps.anima.log import say

FOLDER = "drawings"
DRAFT = "picture.new"
KEEP_FILES = 2_000
"""Pictures that are kept, about a year of them. Beyond it the oldest go, and are counted."""
KEEP_BYTES = 64_000_000
"""Likewise; a picture has 3 to 15 kB."""


class Gallery:
    """Keeps what is finished. Nothing that goes wrong here stops the hand; it is counted."""

    def __init__(self, home: Path, record: Callable[[Finished], object]) -> None:
        self._folder, self._record = home / FOLDER, record
        self.failures = Failures("picture not kept")
        self.let_go = Failures("pictures let go")

    def take(self, piece: Finished, canvas: Canvas) -> None:
        """Save the picture, then record the piece, with its file if that was saved."""
        kept = piece
        try:
            kept = self._save(piece, canvas)
        except (OSError, ValueError) as error:
            self.failures.note("picture", error)
        self._record(kept)
        if kept.file:
            self._bound()

    def _save(self, piece: Finished, canvas: Canvas) -> Finished:
        """Once for each piece, even if the power went before it was recorded: then as it was."""
        from apps.anima.png import encode  # noqa: PLC0415  wanted a few times a day

        self._folder.mkdir(mode=0o700, exist_ok=True)
        for known in self._folder.glob(f"*-{piece.tail}.png"):
            try:
                return _told(known)
            except (ValueError, KeyError) as error:
                self.failures.note("picture read", error)
                known.unlink()
        whole = piece._replace(file=piece.name)
        says = {name: str(value) for name, value in whole._asdict().items()}
        says |= {"Title": f"{piece.era}, {piece.completion_reason}", "Software": "abode anima"}
        path = self._folder / piece.name
        documents.replace_bytes(path, encode(SIZE, SIZE, canvas.rgb, says), draft=DRAFT)
        say("picture saved", file=path.name, bytes=path.stat().st_size)
        return whole

    def _bound(self) -> None:
        """Names begin with the time: the first in order are the oldest. The newest stays."""
        try:
            files = sorted(self._folder.glob("*.png"))
            sizes = [file.stat().st_size for file in files]
            total, gone = sum(sizes), 0
            while gone < len(files) - 1 and (len(files) - gone > KEEP_FILES or total > KEEP_BYTES):
                files[gone].unlink()
                total -= sizes[gone]
                gone += 1
        except OSError as error:
            self.failures.note("pictures bounded", error)
        else:
            if gone:
                self.let_go.note("picture", f"{KEEP_FILES} files, {KEEP_BYTES} bytes", gone)


def _told(picture: Path) -> Finished:
    """The piece as its picture tells of it."""
    from apps.anima.png import texts  # noqa: PLC0415  wanted after a power cut at most

    says = texts(picture.read_bytes())
    read: dict[Any, Callable[[str], Any]] = {
        datetime: datetime.fromisoformat, int: int, float: float,
    }  # fmt: skip
    kinds = Finished.__annotations__
    values = [read.get(kinds[name], str)(says[name]) for name in Finished._fields]
    return Finished(*values)._replace(file=picture.name)
