"""What was retired: written before anything moves, so that a killed run knows how far it came."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from apps import documents
from schemas.errors import Refused
from schemas.quantity import Closed, Instant, Quantity

NAME: Final = "manifest.json"
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.\d+)?")
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, Quantity("By", "the file, as it was hashed", low=0)]
Nanoseconds = Annotated[int, Quantity("ns", "since 1970, by the file's own mtime")]


class File(Closed):
    """One file, by its path below the old directory."""

    path: str
    size_bytes: Bytes
    sha256: Sha256
    mtime_ns: Nanoseconds


class Item(Closed):
    """What moves in one step: a file, or a deprecated directory with all that is in it."""

    path: str
    kind: str
    why: str
    is_directory: bool
    files: list[File]
    folders: list[str] = Field(default_factory=list)
    """Directories below it, by their paths below the old directory."""


class Manifest(Closed):
    """One run, and how far it is. ``retiring`` and ``undoing`` are not over: they go on."""

    contract: Literal[1] = 1
    state: Literal["retiring", "retired", "undoing", "undone"]
    directory: str
    cutover_at: Instant
    made_at: Instant
    items: list[Item]


def read(path: Path) -> Manifest:
    """The manifest in a file; Refused if it is none."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}", f"it is called {NAME}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "text"
        raise Refused(f"{path}: {where}: {first['msg'].lower()}", "is it a manifest?") from None


def write(path: Path, manifest: Manifest) -> None:
    """In the place of the one before; on the disk when this returns."""
    documents.replace(path, (manifest.model_dump_json(indent=1), "\n"))


def found(archive: Path) -> Iterator[tuple[Path, Manifest]]:
    """Every run's manifest in an archive, the oldest first."""
    for folder in sorted(archive.iterdir()) if archive.is_dir() else ():
        if DAY.fullmatch(folder.name) and (folder / NAME).exists():
            yield folder / NAME, read(folder / NAME)


def free(archive: Path, day: date) -> Path:
    """A folder for a new run: the day's, or its second and so on."""
    number, folder = 1, archive / day.isoformat()
    while (folder / NAME).exists():
        number += 1
        folder = archive / f"{day.isoformat()}.{number}"
    return folder
