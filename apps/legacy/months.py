"""Events and calls of tools by month: COPY into bare tables, indexed and attached at the end.

A month that the house has already is filled through a staging table, which knows what is there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from psycopg import DataError, IntegrityError, OperationalError, sql

from apps.legacy.ledger import Db, Position
from apps.legacy.row import cell
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("months.sql"))
Kind = Literal["events", "tool_usage"]
IDS: Final[dict[Kind, str]] = {"events": "event_id", "tool_usage": "usage_id"}
COLUMNS: Final[dict[Kind, str]] = {
    "events": "event_id, recorded_at, agent_id, event_type, payload",
    "tool_usage": "usage_id, recorded_at, agent_id, session_id, tool_name, latency_ms, success,"
    " error_type, payload",
}


Told = tuple[int | str, str]
"""How a row is called when it is rejected, and it in COPY's text form with its end of line."""


class Months:
    """Where rows of one table go."""

    def __init__(self, db: Db, kind: Kind) -> None:
        self._db = db
        self.kind = kind
        self._parent = f"audit.{kind}"
        for query in ("functions", "said", "month_end", "staged"):
            db.execute(SQL[query])

    def add(self, at: Position, by_month: dict[str, list[Told]]) -> None:
        """Rows of some months, in the caller's transaction; what cannot be held is rejected."""
        for month, told in sorted(by_month.items()):
            place = self._place(month)
            if place is None or not self._copied(place, [row for _, row in told]):
                at.taken += self._one_by_one(at, place, told)
            else:
                at.taken += len(told)

    def end(self) -> int:
        """Every month that was filled in its place; gives how many rows were there twice."""
        twice = 0
        for (kept,) in self._db.execute(SQL["building"], {"table": self.kind}).fetchall():
            given = {"parent": self._parent, "kept": kept, "id": IDS[self.kind]}
            row = self._db.execute(SQL["end"], given).fetchone()
            twice += int(row[0]) if row else 0
        return twice

    def _place(self, month: str) -> str | None:
        given = {"parent": self._parent, "month": month}
        row = self._db.execute(SQL["begin"], given).fetchone()
        return row[0] if row else None

    def _copied(self, place: str, rows: Sequence[str]) -> bool:
        """Whether all were as the table wants them."""
        try:
            with self._db.transaction():
                self._copy(place, "".join(rows))
        except (DataError, IntegrityError):
            return False
        except OperationalError as error:
            if error.sqlstate != "54000":  # a name that no index can hold
                raise
            return False
        return True

    def _copy(self, place: str, rows: str | bytes) -> None:
        text = f"COPY {place} ({COLUMNS[self.kind]}) FROM STDIN"
        with self._db.cursor().copy(sql.SQL(text)) as sink:
            sink.write(rows)

    def _one_by_one(self, at: Position, place: str | None, told: Sequence[Told]) -> int:
        self._db.execute("TRUNCATE pg_temp.staged_events")
        with self._db.cursor().copy(SQL[f"copy_{self.kind}"]) as sink:
            sink.write("".join(f"{cell(key)}\t{row}" for key, row in told))
        self._db.execute(SQL["check"])
        if place is None:
            self._db.execute(SQL[f"clash_{self.kind}"])
        bad = self._db.execute(SQL["rejected"]).fetchall()
        at.reject(self._db, bad)
        if place is None:
            return max(0, self._db.execute(SQL[f"into_{self.kind}"]).rowcount)
        with self._db.cursor().copy(SQL[f"good_{self.kind}"]) as source:
            good = b"".join(bytes(block) for block in source)
        self._copy(place, good)
        return len(told) - len(bad)
