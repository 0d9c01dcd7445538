"""How a row that the house wrote into an old file says so: read again, it is the row that it was.

An old table has no place for an id of ours, and the house knows a session's key by its hash only.
"""

import re
from typing import Any, Final

MARK: Final = "abode:"
KEY: Final = "abode"
"""Of a line: an object with the columns of ours that the file's own keys cannot say."""
HASHED: Final = re.compile(rf"{MARK}([0-9a-f]{{64}})")
TOLD: Final = re.compile(rf"{MARK}([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")


def secret(digest: str) -> str:
    """In the place of a secret of which only the SHA-256 is known; it opens nothing."""
    return f"{MARK}{digest}"


def digest_of(value: Any) -> str | None:
    """The SHA-256 that stands in the place of a secret."""
    found = HASHED.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def event(event_id: str) -> str:
    """In the place of the hash of an old event: its id here. What it says is all in its details."""
    return f"{MARK}{event_id}"


def event_of(raw_hash: Any) -> str | None:
    """The id of an event that the house wrote there."""
    found = TOLD.fullmatch(raw_hash) if isinstance(raw_hash, str) else None
    return found[1] if found else None
