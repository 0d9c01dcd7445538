"""How two answers differ, in one word."""

from collections.abc import Iterator
from typing import Any, Final, Literal

from apps.legacy.shadow.readers import Rows
from schemas.governance.cutover import Class
from schemas.legacy.readers import Reader

TIMES: Final = ("updated_at", "last_active", "recorded_at")
"""What says how old an answer is."""


def differ(reader: Reader, old: Rows, new: Rows) -> Class | Literal["own"] | None:
    """None when they say the same; "own" when the house knows more than the old files ever did."""
    width = min((len(row) for row in old.told), default=0)
    here = [row[:width] for row in new.told] if width else list(new.told)
    if old.told == here:
        return None
    if sorted(map(repr, old.told)) == sorted(map(repr, here)):
        return Class.ORDER
    if reader.is_history and _is_more(reader, old, new):
        return "own"
    if len(old.told) != len(new.told):
        return Class.MISSING
    if _is_stale(reader, old, new):
        return Class.STALE
    return Class.TYPE if all(_is_alike(*pair) for pair in _other(old, new)) else Class.MEANING


def _other(old: Rows, new: Rows) -> Iterator[tuple[Any, Any]]:
    """Values that differ, as they came."""
    for row, told in enumerate(old.told):
        for column, word in enumerate(told):
            if word != new.told[row][column]:
                yield old.raw[row][column], new.raw[row][column]


def _is_more(reader: Reader, old: Rows, new: Rows) -> bool:
    """Later than what they know, or all that they know and something else."""
    at = _time(reader)
    if at is not None and len(old.told) <= 1 and len(new.told) == 1:
        return not old.told or str(new.told[0][at]) > str(old.told[0][at])
    left = list(new.told)
    for row in old.told:
        if row not in left:
            return False
        left.remove(row)
    return True


def _is_stale(reader: Reader, old: Rows, new: Rows) -> bool:
    """Whether the house says when, and that is before."""
    at = _time(reader)
    return at is not None and any(
        str(b[at]) < str(a[at]) for a, b in zip(old.told, new.told, strict=True)
    )


def _time(reader: Reader) -> int | None:
    names = list(reader.columns)
    return next((names.index(name) for name in TIMES if name in names), None)


def _is_alike(a: Any, b: Any) -> bool:
    """The same in another type: 1 and "1", 1 and true."""
    if a is None or b is None:
        return False
    a, b = (int(each) if isinstance(each, bool) else each for each in (a, b))
    try:
        return float(a) == float(b)
    except (ValueError, TypeError):
        return str(a) == str(b)
