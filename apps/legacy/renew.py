"""Apply what changed in the old database: a unit as it is there now, with all that belongs to it.

What was brought of it before is taken back or told anew, and what is there comes through the merges
of the backfill. So it does not matter how often, or from which moment on, a unit is applied.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from apps.legacy import discoveries, disputes
from apps.legacy.backfill import CALIBRATION, OF_DISCOVERIES, STEPS
from apps.legacy.bring import bring
from apps.legacy.bring_events import Shape, bring_rows
from apps.legacy.ledger import Db, Position, clean
from apps.legacy.months import Kind, Months
from apps.legacy.triggers import Old, ordered
from apps.legacy.units import Followed
from apps.legacy.work import Work
from apps.legacy.zone import Clock
from apps.postgres import is_gone
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("renew.sql"))
AT_ONCE: Final = 200
KINDS: Final[dict[str, tuple[Kind, str]]] = {
    "audit_events": ("events", "event_gone"),
    "tool_usage": ("tool_usage", "call_gone"),
}
Keep = Callable[[Sequence[str], Sequence[str]], None]
"""What is kept of parts and units, in the transaction of their rows."""


class Passing(Position):
    """Of a pass over some rows only: how far the part is brought over does not move."""

    def move(self, db: Db) -> None:
        """It stays."""


class Renewal(NamedTuple):
    """One database that is followed."""

    db: Db
    directory: str
    path: Path
    clock: Clock
    tables: dict[str, Followed]

    def family(self, family: Sequence[str], units: Sequence[str], keep: Keep) -> int:
        """Units of one family, some at a time; gives how many were applied."""
        parts = [name for name in family if name in self.tables]
        done = 0
        if parts == ["agent_metadata"] and units:
            present = self.tables[parts[0]].present(units)
            units = [unit for unit in units if unit in present]
        if "discovery_edges" in parts:
            # What speaks of a discovery says it again: it may be there now, or be gone.
            units = sorted({*units, *self.tables["discovery_edges"].pointing(units)})
        for begin in range(0, len(units) if parts else 0, AT_ONCE):
            some = units[begin : begin + AT_ONCE]
            done += self._tried(parts, some, partial(self._apply, parts), keep)
        return done

    def bury(self, units: Sequence[str], keep: Keep) -> int:
        """Agents that are gone, after all that named them."""
        table = self.tables.get("agent_metadata")
        if table is None or not units:
            return 0
        present = table.present(units)
        gone = [unit for unit in units if unit not in present]
        return self._tried([table.name], gone, self._bury, keep) if gone else 0

    def events(self, name: str, units: Sequence[str], olds: Sequence[Old]) -> int:
        """Events that were changed or went; what they were says which they are here."""
        olds = [*olds]
        return self._tried([name], units, partial(self._events, name, olds), keep_nothing)

    def _events(self, name: str, olds: list[Old], units: Sequence[str]) -> None:
        kind, query = KINDS[name]
        made = [*self._made(self.tables[name], kind, olds)]
        ids, at = [each for each, _ in made], [each for _, each in made]
        self.db.execute(SQL[query], {"ids": ids, "at": at})
        self._forget(name, units)
        months = Months(self.db, kind)
        bring_rows(self._work(name, units), months)
        months.end()

    def _made(self, table: Followed, kind: Kind, olds: Sequence[Old]) -> Iterator[tuple[str, str]]:
        shape = Shape.of(kind, table.old, table.there)
        for old in olds:
            told = dict(zip(ordered(table), old, strict=True))
            try:
                _, row = shape.row(tuple(told[name.strip('"')] for name in shape.wanted),
                                   Clock(self.clock.zone))  # fmt: skip
            except ValueError:
                continue  # It was refused when it came, so that it is not here.
            made, instant, _ = row.split("\t", 2)
            yield made, instant

    def _tried(
        self, parts: Sequence[str], units: Sequence[str],
        do: Callable[[Sequence[str]], None], keep: Keep,
    ) -> int:  # fmt: skip
        """All of them together; one by one when that fails, so that only the bad are left."""
        given = {"file": str(self.path), "part": parts[0]}
        try:
            with self.db.transaction():
                do(units)
                keep(parts, units)
                self.db.execute(SQL["mend"], {**given, "units": list(units)})
        except (psycopg.Error, ValueError) as error:
            if isinstance(error, psycopg.Error) and is_gone(error):
                raise
            if len(units) > 1:
                return sum(self._tried(parts, [unit], do, keep) for unit in units)
            with self.db.transaction():
                reason = {"unit": units[0], "reason": _why(error)}
                self.db.execute(SQL["fail"], {**given, **reason})
                keep(parts, units)
            return 0
        return len(units)

    def _apply(self, parts: Sequence[str], units: Sequence[str]) -> None:
        present = self.tables[parts[0]].present(units)
        given = {"units": list(units), "gone": [unit for unit in units if unit not in present]}
        for part in parts:
            self._forget(part, units)
        for query in _queries(self.tables[parts[0]]):
            self.db.execute(SQL[query], given)
        if parts[0] == "discoveries":
            self._work(parts[0], units).graph_lacks(len(units))
        for part, do in self._merges(parts):
            do(self._work(part, units))

    def _forget(self, part: str, units: Sequence[str]) -> None:
        """What was refused of them; what still is says so again."""
        given = {"file": str(self.path), "part": part, "units": list(units)}
        if part == "dialectic_messages":
            # Their keys do not say whose they are: those that are gone are forgotten.
            refused = [key for (key,) in self.db.execute(SQL["refused"], given).fetchall()]
            there = self.tables[part]._replace(aim="id").present(refused)
            given["units"] = [key for key in refused if key not in there]
        self.db.execute(SQL["had_been_rejected"], given)

    def _merges(self, parts: Sequence[str]) -> Iterator[tuple[str, Callable[[Work], None]]]:
        """Those of the backfill, in its order."""
        for step in (*STEPS, *OF_DISCOVERIES, CALIBRATION):
            if step.table in parts and not step.graph:
                yield step.part, partial(bring, step=step)
        if "discoveries" in parts:
            yield "discoveries", discoveries.bring_rows
        for step in OF_DISCOVERIES:
            if step.table in parts:
                yield step.part, partial(bring, step=step)
        for part in ("dialectic_sessions", "dialectic_messages"):
            if part in parts:
                yield part, partial(disputes.bring_rows, table=part)

    def _bury(self, units: Sequence[str]) -> None:
        given = {"gone": list(units)}
        self.db.execute(SQL["agents_gone"], given)
        if self.db.execute(SQL["still_there"], given).fetchone():
            raise ValueError("has checked in here, and stays")

    def _work(self, part: str, units: Sequence[str]) -> Work:
        name = part.partition(".")[0]
        at = Passing(str(self.path), part, resumed=True)
        rows = self.tables[name].rows(units)
        if name == "dialectic_messages":
            rows = f"(SELECT * FROM {disputes.IN_TURN} {self.tables[name].only(units)})"  # noqa: S608  # names are ours
        return Work(self.db, self.directory, self.path, at, self.clock, lambda _: None,
                    only=rows, renews=True)  # fmt: skip


def keep_nothing(_: Sequence[str], __: Sequence[str]) -> None:
    """Of events, whose place is their position; of what is tried again, which was kept."""


def _queries(table: Followed) -> tuple[str, ...]:
    """What is taken back of a family, by its first table."""
    if table.name == "agent_state":
        return (f"agent_state_{table.old.variant.lower()}",)
    if table.name == "discoveries":
        return (
            "discoveries",
            "discovery_links",
            "discovery_answers",
            "discovery_orphans",
            "discovery_gone",
        )
    if table.name == "dialectic_sessions":
        return ("undraw", "dialectic_sessions")
    return (table.name,)


def _why(error: Exception) -> str:
    if isinstance(error, psycopg.Error):
        return clean(error.diag.message_primary or type(error).__name__)[:500]
    return clean(str(error))[:500]
