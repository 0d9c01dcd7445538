"""The timestamps of an adopted anima.db: its old rows have no offset, its new ones are in UTC."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from schemas.errors import Refused

ALONE = timedelta(days=1)
"""A time so much later than every other has a flipped bit: a creature writes each minute."""
Zones = dict[str, tzinfo]
"""By table: where its naive timestamps were taken. Empty for a file that was never adopted."""


def zones(db: sqlite3.Connection, adopted: str) -> Zones:
    """What the adoption recorded; ``adopted`` is the query for it."""
    found = db.execute(adopted).fetchall()
    if not found:
        return {}
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415  only if adopted

    try:
        return {row["name"]: ZoneInfo(row["time_zone"]) for row in found}
    except ZoneInfoNotFoundError as error:
        raise Refused(str(error.args[0]), hint="install the package tzdata") from None


def as_instant(text: str, zone: tzinfo = UTC) -> datetime:
    """The instant of a timestamp; ``zone`` counts only where the text has no offset.

    An hour that a clock went through twice is taken for the first time, which is what
    ``fold=0`` says: such a row may be one hour early.
    """
    told = datetime.fromisoformat(text)
    return (told if told.tzinfo else told.replace(tzinfo=zone, fold=0)).astimezone(UTC)


def borne_out(stamps: Iterable[datetime]) -> datetime | None:
    """The newest time with an older one at most ALONE before it; the oldest if none has that."""
    ordered = sorted(stamps)
    near = [later for earlier, later in pairwise(ordered) if later - earlier <= ALONE]
    return max(near or ordered[:1], default=None)


def told(
    marks: Iterable[tuple[str | None, str]],
    in_utc: Callable[[str, str], str | None],
    note: Callable[[str, Exception], None],
) -> Iterator[datetime]:
    """The times that are one; of another, with its table, a note: it must stop no start."""
    for text, table in marks:
        try:
            if text:
                yield as_instant(in_utc(table, text) or text)
        except (ValueError, OverflowError) as error:
            note(f"clock {table}", error)
