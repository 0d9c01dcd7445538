"""A damaged anima.db is set aside and a whole one put in its place: at a start, by nobody's hand.

Every step can be cut short and is then begun again: the mark beside the file says that it must be,
and under which name the damaged file lies. Trouble of the disk is never taken for damage.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from apps import documents
from apps.anima import wal
from apps.anima.backups import kept
from apps.anima.log import say
from apps.anima.transaction import is_damage
from apps.sqlite import RESTORE, sync_directory
from schemas.errors import Diverged, Unreachable

ASIDE_KEPT = 2
ASIDE_BYTES = 128 * 2**20
"""Damaged files that are kept for whoever wants to look; the newest stays whatever its size."""
MAGIC = b"SQLite format 3\0\x10\0"
FORMAT = b"\0\x40\x20\x20"
"""Bytes 20 to 23: nothing reserved in a page, and fractions that never change."""


def open_or_mend(path: Path, start: Callable[[], None], make_room: Callable[[], bool]) -> None:
    """Open the database. A damaged one is mended first, and the process begins anew: lean again."""
    found = trouble(path)
    try:
        if found is None:
            start()
            return
    except Diverged as error:
        if error.hint != RESTORE:
            raise
        found = error.message
    try:
        _trying_twice(lambda: recover(path, found), make_room)
    except (OSError, sqlite3.Error) as error:
        hint = "it is tried again at the next start"
        raise Unreachable(f"{path}: not mended: {error}", hint) from error
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606  the very command it was started by


def give_up(path: Path, found: str, make_room: Callable[[], bool]) -> NoReturn:
    """Not another byte into a damaged file: mark it, and end; the next start mends it."""
    error = Diverged(f"{path}: {found}", hint="it is mended when the process starts again")
    try:
        _trying_twice(lambda: mark(path, found), make_room)
    except OSError as trouble_:
        say("damage not marked", cause=trouble_)
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(error.exit_code)


def _trying_twice(work: Callable[[], object], make_room: Callable[[], bool]) -> None:
    """Once more if there was something to throw overboard."""
    try:
        work()
    except (OSError, sqlite3.OperationalError):
        if not make_room():
            raise
        work()


def mark(path: Path, found: str, aside: str | None = None) -> None:
    """Say, durably, that the file is damaged: the next start mends it."""
    documents.replace(_mark(path), [json.dumps({"found": found, "aside": aside})])


def trouble(path: Path) -> str | None:
    """What must be mended before the file is opened; None if nothing is known to be wrong."""
    if marked := _marked(path):
        return str(marked["found"])
    if not path.exists() or not path.stat().st_size:
        has_lived = bool(kept(path.parent)) or (path.parent / "canvas.json").exists()
        return f"{path.name} is {'empty' if path.exists() else 'gone'}" if has_lived else None
    with path.open("rb") as file:
        header = file.read(100)
    is_ours = header.startswith(MAGIC) and header[20:24] == FORMAT and header[59:60] == b"\1"
    if not is_ours or not {header[18], header[19]} <= {1, 2}:
        return f"{path.name} has another's header"
    try:
        hidden = wal.hidden_commits(path)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return str(error)
        raise
    if hidden == 1:
        # A commit that the power cut short, or a flipped bit in the last one: none can tell.
        say("the log ends in a commit that is not whole", file=path)
    return f"commits behind a damaged page of the log: {hidden}" if hidden > 1 else None


def recover(path: Path, found: str) -> dict[str, Any]:
    """Put a whole file in the place of the damaged one; gives what the damage event tells."""
    from apps.anima.mend import mend  # noqa: PLC0415  its memory is given back with the process

    say("DATABASE DAMAGED", file=path, found=found)
    aside = _set_aside(path, found)
    draft = path.with_name(f"{path.name}.mended")
    facts = {"found": found, "aside": aside.name if aside.exists() else None}
    facts = mend(draft, aside, facts)
    for beside in (wal.beside(path), path.with_name(f"{path.name}-shm")):
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)
    draft.replace(path)
    sync_directory(path.parent)
    _mark(path).unlink()
    _thin(path)
    sync_directory(path.parent)
    say("DATABASE MENDED", **facts)
    return facts


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damage")


def _marked(path: Path) -> dict[str, Any] | None:
    """What the mark says; a mark that cannot be read still is one."""
    try:
        told = json.loads(_mark(path).read_bytes())
        return {"found": told["found"], "aside": told["aside"]}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return {"found": "marked as damaged", "aside": None}


def _set_aside(path: Path, found: str) -> Path:
    """A second name for the file and its log, which stay as they are; never one that was used."""
    marked = _marked(path)
    name = marked["aside"] if marked else None
    if not name:
        last = max((_number(each) for each in _asides(path)), default=0)
        name = f"{path.name}.damaged-{last + 1}"
        mark(path, found, name)
    aside = path.with_name(name)
    for there, second in ((path, aside), (wal.beside(path), wal.beside(aside))):
        if there.exists() and not second.exists():
            second.hardlink_to(there)
    sync_directory(path.parent)
    return aside


def _asides(path: Path) -> list[Path]:
    """Damaged files, newest first."""
    found = [
        each
        for each in path.parent.glob(f"{path.name}.damaged-*")
        if each.name.rpartition("-")[2].isdecimal()
    ]
    return sorted(found, key=_number, reverse=True)


def _number(aside: Path) -> int:
    return int(aside.name.rpartition("-")[2])


def _thin(path: Path) -> None:
    room = ASIDE_BYTES
    for place, aside in enumerate(_asides(path)):
        files = [aside, wal.beside(aside)]
        room -= sum(file.stat().st_size for file in files if file.exists())
        if place and (place >= ASIDE_KEPT or room < 0):
            for file in files:
                file.unlink(missing_ok=True)
