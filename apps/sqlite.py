"""Open a SQLite file so that a commit survives a power cut, and put models into it."""

import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.errors import Diverged, Refused, Unreachable

BUSY_TIMEOUT_MS = 5_000
RESTORE = "move it aside and restore the last backup"
MALFORMED = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What a damaged file raises: SQLite may quote of it what is no text."""


def connect(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection in WAL mode that syncs every commit; transactions are opened by hand.

    The file is made if it is missing, and its directory entry is made durable. With ``any_thread``
    the caller sees to it that no two use it at once.
    """
    if not path.is_absolute():
        raise Refused(f"{path}: is relative", hint="give the database's absolute path")
    is_new = not path.exists()
    try:
        db = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
    except sqlite3.OperationalError as error:
        raise Unreachable(f"{path}: {error}", hint="does its directory exist?") from error
    try:
        db.row_factory = sqlite3.Row
        # A flipped bit in a text must not stop whoever reads it for ever.
        db.text_factory = lambda text: text.decode(errors="replace")
        db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except sqlite3.OperationalError as error:
        db.close()
        raise Unreachable(f"{path}: {error}", hint="who else has it open?") from error
    except MALFORMED as error:
        db.close()
        raise Diverged(f"{path}: {error}", hint=RESTORE) from error
    if mode != "wal":
        db.close()
        hint = "it must lie on a local disk: WAL needs shared memory beside the file"
        raise Diverged(f"{path}: the journal mode is {mode}, not wal", hint=hint)
    if is_new:
        sync_directory(path.parent)
    return db


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def as_text(instant: datetime) -> str:
    """UTC, ISO-8601, always 32 characters, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def as_row(model: BaseModel) -> dict[str, Any]:
    """A model as query parameters: times as text, lists and objects as JSON."""
    return {name: _as_value(value) for name, value in model.model_dump().items()}


def _as_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return as_text(value)
    if isinstance(value, dict | list):
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return value
