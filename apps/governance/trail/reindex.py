"""Every line a row again, out of the files alone. Once more it changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

from psycopg.errors import DataError, IntegrityError

from apps.governance.trail.files import UNREADABLE, listing, opened, packed
from apps.governance.trail.follow import SQL, Connection, Indexed, index, is_misplaced, one_by_one
from apps.governance.trail.line import link
from schemas.governance.audit import Trail
from schemas.quantity import Closed

BATCH = 2_000


class Reindexed(Closed):
    """What became of the lines of a trail."""

    trail: Trail
    files: int
    lines: int
    made: int
    """Rows that were missing."""
    old: int
    """Lines past the time for which rows are kept."""
    refused: int
    """Lines that cannot be rows."""
    spoilt: tuple[str, ...] = ()
    """Packed days that cannot be read to their ends."""


def reindex(conn: Connection, trail: Trail, current: Path, say: Callable[[str], None]) -> Reindexed:
    """Read all files. The follower may run: a row is there once, whoever made it."""
    lines = made = old = refused = 0
    files = listing(current)
    known = {file.path for file in files}
    spoilt = [path.name for path in packed(current) if not {path, path.with_suffix("")} & known]
    for file in files:
        for batch in _batches(file.path, spoilt):
            done = _insert(conn, trail, [line for line in batch if link(line)])
            bad = sum(link(line) is None for line in batch)
            lines += len(batch)
            made, old = made + done.made, old + done.old
            refused += done.refused + bad
        say(f"{file.path.name}: {lines} lines, {made} rows made")
    for name in spoilt:
        say(f"{name}: cannot be unpacked")
    while (conn.execute(SQL["make_months"]).fetchone() or (0,))[0]:
        pass  # so many rows a call
    return Reindexed(
        trail=trail, files=len(files), lines=lines, made=made, old=old, refused=refused,
        spoilt=tuple(spoilt),
    )  # fmt: skip


def _insert(conn: Connection, trail: Trail, lines: list[bytes]) -> Indexed:
    try:
        with conn.transaction():
            return index(conn, trail, lines)
    except (DataError, IntegrityError, UnicodeDecodeError) as error:
        if is_misplaced(error):
            raise
        with conn.transaction():
            return one_by_one(conn, trail, lines)


def _batches(path: Path, spoilt: list[str]) -> Iterator[list[bytes]]:
    """The lines of a file; of one that is spoilt those before the place, and its name is noted."""
    batch: list[bytes] = []
    try:
        with opened(path) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written
                batch.append(line[:-1])
                if len(batch) == BATCH:
                    yield batch
                    batch = []
    except UNREADABLE:
        spoilt.append(path.name)
    if batch:
        yield batch
