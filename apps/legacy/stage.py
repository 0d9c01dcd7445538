"""Rows of an old table as text in a table of this session, where SQL takes them from.

Only what SQL cannot do is done here: times get their offset, secrets become their SHA-256, columns
without a place become one object, and what Postgres cannot hold as text is named.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import sql

from apps.legacy.keyset import Row, hashed
from apps.legacy.ledger import Db, clean
from apps.legacy.zone import Clock
from schemas.legacy.shape import OldTable, Take

BESIDE: Final = "beside"
SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes that are no text."""
Cell = Callable[[Any], str | None]


class Unfit(ValueError):
    """A value that no column can hold."""


class Stage:
    """The table of one part; each piece takes the place of the last."""

    def __init__(
        self,
        table: OldTable,
        there: set[str],
        clock: Clock,
        looks: Sequence[str] = (),
        others: Sequence[Take] = (),
    ) -> None:
        """``there`` is what this file has, ``looks`` what else the checks look at.

        ``others`` are columns that a table of this name had elsewhere: they are null.
        """
        self._clock = clock
        taken = [take for take in table.takes if take.old in there and _is_staged(take, looks)]
        self._plain = [take for take in taken if take.how != BESIDE]
        self._beside = [take for take in taken if take.how == BESIDE]
        self.wanted = [f'"{take.old}"' for take in (*self._plain, *self._beside)]
        secret = {take.old for take in table.takes if take.how == "secret"}
        self.key = [f"sha256({each})" if each in secret else each for each in table.key]
        """Its order; a secret is never a position."""
        self._cells: list[tuple[str, Cell]] = [(t.old, self._cell(t)) for t in self._plain]
        missing = [t.old for t in (*table.takes, *others) if _is_staged(t, looks)]
        self._names = [*(take.old.lower() for take in self._plain), BESIDE]
        self._columns = [*self._names, *(each.lower() for each in missing)]

    def make(self, db: Db) -> None:
        """The empty table, gone with the session."""
        db.execute("DROP TABLE IF EXISTS pg_temp.staged")
        columns = sql.SQL(", ").join(
            sql.SQL("{} text").format(sql.Identifier(name))
            for name in ("row_key", "reason", *dict.fromkeys(self._columns))
        )
        db.execute(sql.SQL("CREATE TEMP TABLE staged ({}) ON COMMIT DELETE ROWS").format(columns))

    def fill(self, db: Db, rows: Sequence[Row]) -> None:
        """Values of ``wanted`` in order, then the key."""
        names = sql.SQL(", ").join(map(sql.Identifier, ("row_key", "reason", *self._names)))
        with db.cursor().copy(sql.SQL("COPY pg_temp.staged ({}) FROM STDIN").format(names)) as sink:
            for row in rows:
                sink.write_row(self._told(row))

    def _told(self, row: Row) -> list[str | None]:
        plain, reason = len(self._plain), None
        values: list[str | None] = []
        for (name, cell), value in zip(self._cells, row, strict=False):
            try:
                values.append(None if value is None else cell(value))
            except ValueError as error:
                values.append(None)
                reason = reason or f"{name}: {_why(error, value)}"
        beside = {
            take.old: value
            for take, value in zip(self._beside, row[plain:], strict=False)
            if value is not None
        }
        try:
            for name, value in beside.items():
                text(value, name)
            told = json.dumps(beside, ensure_ascii=False, allow_nan=False) if beside else None
            values.append(told)
        except ValueError as error:
            values.append(None)
            reason = reason or str(error)
        return [named(row[plain + len(self._beside) :]), reason, *values]

    def _cell(self, take: Take) -> Cell:
        if take.how == "instant":
            return lambda value: self._clock.instant(_text(value))
        return hashed if take.how == "secret" else _text


def _is_staged(take: Take, looks: Sequence[str]) -> bool:
    return take.old in looks or (
        take.how != "follows" and not (take.how == "secret" and not take.new)
    )


def is_text(value: str) -> bool:
    """Whether Postgres can hold it."""
    return "\0" not in value and (value.isascii() or not SURROGATE.search(value))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise Unfit("holds bytes")
    if not isinstance(value, str):
        return repr(value)
    if "\0" in value:
        raise Unfit("holds a NUL")
    if not value.isascii() and SURROGATE.search(value):
        raise Unfit("is not UTF-8")
    return value


def named(key: Row) -> str:
    """How a row is called."""
    shown = [_shown(each) for each in key]
    return shown[0] if len(shown) == 1 else json.dumps(shown, ensure_ascii=False)


def text(value: Any, name: str) -> str:
    """As Postgres can hold it; ValueError names the column when it cannot."""
    try:
        return _text(value)
    except Unfit as error:
        raise Unfit(f"{name}: {error}") from None


def _shown(value: Any) -> str:
    return "null" if value is None else clean(str(value))


def _why(error: ValueError, value: Any) -> str:
    if isinstance(error, Unfit) or str(error).startswith("is "):
        return str(error)
    return f"{_shown(value)!r:.60} is no time"
