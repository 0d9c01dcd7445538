"""One event or call of a tool, in COPY's text form."""

from hashlib import sha1
from typing import Final
from uuid import UUID

NAMESPACE: Final = UUID("a0b0de00-0000-5000-8000-1e6acf000000").bytes
"""Of ids that are made from what a row says."""
BEGUN: Final = sha1(NAMESPACE, usedforsecurity=False)
VARIANT: Final = {each: "89ab"[int(each, 16) & 3] for each in "0123456789abcdef"}
SPECIAL: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
"""In COPY's text; the backslash first."""


def made_id(told: bytes) -> str:
    """The uuid5 of what a row says: the same row has it again."""
    made = BEGUN.copy()
    made.update(told)
    digest = made.hexdigest()
    return f"{digest[:12]}5{digest[13:16]}{VARIANT[digest[16]]}{digest[17:32]}"


def own_id(told: object) -> str | None:
    """An id that is one already."""
    if not isinstance(told, str) or len(told) != len("00000000-0000-0000-0000-000000000000"):
        return None
    try:
        return str(UUID(told))
    except ValueError:
        return None


def is_special(told: str) -> bool:
    """Whether a text holds what COPY's text has otherwise."""
    return "\\" in told or "\t" in told or "\n" in told or "\r" in told


def cell(value: object) -> str:
    """A value as COPY's text has it."""
    if value is None:
        return "\\N"
    told = value if isinstance(value, str) else str(value)
    for plain, escaped in SPECIAL:
        if plain in told:
            told = told.replace(plain, escaped)
    return told


def with_beside(payload: str, beside: str) -> str:
    """JSON text of an object, and what has no column beside it; ``beside`` without its braces."""
    if not beside:
        return payload
    head = payload[:-1].rstrip()
    return f'{head}{"" if head.endswith("{") else ", "}"beside": {{{beside}}}}}'
