"""The kill list: what of an old directory is dead, hashed, and why the rest is let alone."""

import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import Field

from apps.legacy.cutover import Cutover
from apps.legacy.inspect import inspect
from apps.legacy.manifest import File, Item
from apps.legacy.openers import openers
from apps.legacy.seen import Thing
from schemas.legacy import files as kinds
from schemas.legacy.shape import OldFile
from schemas.quantity import Closed

WHY: Final = {
    kind.kind: kind.says
    for kind in (kinds.EMPTY, kinds.MIGRATED, kinds.ORPHAN, kinds.DEPRECATED)
}  # fmt: skip
AFTER_PROOF: Final[dict[str, OldFile]] = {
    kind.kind: kind for kind in (kinds.TOOL_USAGE, kinds.GRAPH)
}
"""Dead as soon as every row is proven to have come over. What the seed keeps is not among them."""
CHUNK_BYTES: Final = 1 << 20


class Left(Closed):
    """Something that might be dead and is let alone."""

    path: str
    kind: str
    why: str


class Listed(Closed):
    """What is to be retired, and what is refused."""

    items: list[Item] = Field(default_factory=list)
    refused: list[Left] = Field(default_factory=list)


def kill_list(directory: Path, cutover: Cutover) -> Listed:
    """Everything that ``inspect`` calls dead, as long as nobody has it open or wrote it since."""
    listed = Listed()
    for thing in inspect(directory).things:
        is_dead = thing.fate == "retired" or (cutover.is_proven and thing.kind in AFTER_PROOF)
        why = ""
        if thing.fate == "unknown":
            why = f"inspect does not understand it: {thing.not_understood[0]}"
        elif is_dead and not (why := _strange(directory, thing.path.rstrip("/"))):
            item = _item(directory, thing)
            if not (why := refusal(directory, item, cutover.at)):
                listed.items.append(item)
        if why:
            listed.refused.append(Left(path=thing.path, kind=thing.kind, why=why))
    return listed


def refusal(directory: Path, item: Item, cutover_at: datetime) -> str:
    """Why it must not move now; nothing if it may."""
    if strange := _strange(directory, item.path):
        return strange
    limit = int(cutover_at.timestamp() * 1e9)
    for file in item.files:
        if file.mtime_ns > limit:
            return f"{file.path} was written after the cutover"
    held = openers(directory / file.path for file in item.files)
    for path, process in held.items():
        return f"{path.relative_to(directory)} is open: {process}"
    return ""


def item_as_it_is(directory: Path, item: Item) -> Item:
    """The same thing, hashed anew below ``directory``: equal if nobody touched it."""
    return _filled(directory, item)


def _item(directory: Path, thing: Thing) -> Item:
    path = thing.path.rstrip("/")
    why = WHY.get(thing.kind) or f"its rows are in {AFTER_PROOF[thing.kind].target}"
    made = Item(path=path, kind=thing.kind, why=why, files=[],
                is_directory=(directory / path).is_dir())  # fmt: skip
    return _filled(directory, made)


def _filled(directory: Path, item: Item) -> Item:
    below = list(_below(directory / item.path))
    folders = [_name(directory, path) for path in below if path.is_dir()]
    files = [hashed_file(directory, path) for path in below if not path.is_dir()]
    return item.model_copy(update={"files": files, "folders": folders})


def _below(path: Path) -> Iterator[Path]:
    """A file itself; of a directory all that is in it, by name; no link is followed."""
    if not path.is_dir():
        yield path
        return
    for each in sorted(path.iterdir()):
        yield each
        if each.is_dir() and not each.is_symlink():
            yield from _below(each)


def hashed_file(directory: Path, path: Path) -> File:
    """A file as it is, by its path below a directory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
        seen = os.fstat(file.fileno())
    return File(path=_name(directory, path), size_bytes=seen.st_size, mtime_ns=seen.st_mtime_ns,
                sha256=digest.hexdigest())  # fmt: skip


def _strange(directory: Path, name: str) -> str:
    """What a manifest could not say: links, sockets, names that are no text."""
    for path in _below(directory / name):
        inner = _name(directory, path)
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return f"{inner} is neither a file nor a directory"
        try:
            inner.encode()
        except UnicodeEncodeError:
            return f"{inner!a} is no text"
    return ""


def _name(directory: Path, path: Path) -> str:
    return str(path.relative_to(directory))
