"""Files of lines that grow: which is which after a rotation, and how far each is read."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from apps.legacy import lines
from apps.legacy.ledger import Db
from apps.legacy.seen import Inspected
from apps.queries import load
from schemas.legacy.files import LINES

SQL: Final = load(Path(__file__).with_name("tails.sql"))
BESIDE: Final = ("-wal", "-shm", "-journal")
BLOCK_BYTES: Final = 1 << 20
KINDS: Final = frozenset(kind.kind for kind in LINES)


def paths(seen: Inspected) -> list[Path]:
    """Every file of lines."""
    return [Path(seen.directory) / thing.path for thing in seen.things if thing.kind in KINDS]


def stamps(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """What changes when somebody writes to one."""
    return [(str(file), *_stamp(file)) for file in files]


def names(directory: Path) -> list[tuple[str, int]]:
    """Every file and which it is: other than before, and the directory must be looked at again."""
    found = []
    for folder, _, files in os.walk(directory):
        for path in (Path(folder) / name for name in files if not name.endswith(BESIDE)):
            with suppress(FileNotFoundError):
                found.append((str(path), path.lstat().st_ino))
    return sorted(found)


def notices(db: Db, files: Sequence[Path]) -> Iterator[str]:
    """What is not as it was left; a file that only got another name goes on where it was."""
    known = {
        str(file): (after, head)
        for file, after, head in db.execute(SQL["known"], {"files": [*map(str, files)]}).fetchall()
    }
    heads = {str(file): lines.head(file) for file in files}
    for file, head in heads.items():
        if file not in known:
            found = db.execute(SQL["named_before"], {"file": file, "head": head}).fetchone()
            if found and heads.get(found[0], _head(Path(found[0]))) != head:
                given = {"file": file, "before": found[0]}
                with db.transaction():
                    db.execute(SQL["rename"], given)
                    db.execute(SQL["rename_rejected"], given)
                known.pop(found[0], None)
                yield f"{file}: was {found[0]}, and goes on"
    for file, (after, head) in known.items():
        size = Path(file).stat().st_size
        if heads[file] != head and after and after[0]:
            yield f"{file}: is another file than it was, and is read from its start"
        elif after and after[0] > size:
            yield f"{file}: is {after[0] - size} bytes shorter, and is read from its start"


def behind(db: Db, files: Sequence[Path]) -> int:
    """Ended lines that are not read yet."""
    known = db.execute(SQL["known"], {"files": [*map(str, files)]}).fetchall()
    after = {file: int(place[0]) if place else 0 for file, place, _ in known}
    count = 0
    for path in files:
        with path.open("rb") as file:
            file.seek(after.get(str(path), 0))
            while block := file.read(BLOCK_BYTES):
                count += block.count(b"\n")
    return count


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _head(file: Path) -> str | None:
    return lines.head(file) if file.is_file() else None
