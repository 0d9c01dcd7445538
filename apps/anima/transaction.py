"""One transaction for many works: each can fail alone, and the disk fails them all."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

Work = Callable[[sqlite3.Connection], Any]

PASSING = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""Primary codes that speak of the moment, not of the work: the same work may succeed later."""


def commit(db: sqlite3.Connection, works: Iterable[Work], last: Work = lambda _: None) -> list[Any]:
    """The result of each work, or the exception that undid it alone; ``last`` sees what they did.

    Raises the sqlite3.Error that undid all of them: nothing of it is on disk then.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        outcomes = [_attempt(db, work) for work in works]
        last(db)
        db.execute("COMMIT")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return outcomes


def _attempt(db: sqlite3.Connection, work: Work) -> Any:
    """A full disk ends the whole transaction by itself; then there is no savepoint to return to."""
    db.execute("SAVEPOINT job")
    try:
        result = work(db)
    except Exception as error:
        if not db.in_transaction or _code(error) in PASSING:
            raise
        db.execute("ROLLBACK TO job")
        result = error
    db.execute("RELEASE job")
    return result


DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""The only codes that speak of the file itself. A full, read-only, failing or locked disk does not
speak of it, however loudly."""


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file is not as it wrote it."""
    return _code(error) in DAMAGE


def is_passing(error: Exception) -> bool:
    """Whether the trouble is of the moment: neither the file nor the work is at fault."""
    return _code(error) in PASSING


def is_full(error: sqlite3.Error) -> bool:
    """Whether there may have been no room: a quota says so in a write that failed."""
    name = getattr(error, "sqlite_errorname", "")
    return name in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE"}


def is_locked(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock: trying at once again only waits again."""
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _code(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
