"""One pass: all that the house wrote since a marker, into the old files; again, it changes nothing.

What changed is told by Postgres itself, by the transaction that wrote a row: nothing in the house
has to note anything. A restored dump makes every row new, and costs only time.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from apps.legacy import ledger
from apps.legacy.back import agents, disputes, events, knowledge
from apps.legacy.back.inverse import Local, Row
from apps.legacy.back.old import Old, lifted
from apps.legacy.ledger import Db
from apps.legacy.units import Followed
from apps.legacy.verify.canonical import parse
from apps.queries import load
from schemas.legacy.files import AUDIT_LOG, TOOL_USAGE

SQL: Final = load(Path(__file__).with_name("changed.sql"))
Live = dict[Path, dict[str, Followed]]
Put = Callable[[Old, Row], None]


class House(NamedTuple):
    """What is read of the house, and since when."""

    db: Db
    directory: str
    marker: str

    def rows(self, query: str, **given: Any) -> Iterator[Row]:
        """One by one; numbers in JSON as they were written."""
        with self.db.cursor(row_factory=dict_row) as cursor:
            set_json_loads(_parsed, cursor)
            yield from cursor.stream(SQL[query], {"marker": self.marker, **given})


def give_back(house: House, live: Live, lines: dict[str, Path], zone: str) -> int:
    """Into the databases as the old server has them, and the files of lines; gives the writes."""
    local = Local(zone)
    done = 0
    for path, tables in live.items():
        found = house.db.execute(SQL["rejected"], {"file": str(path)}).fetchall()
        rejected = {part: set(keys) for part, keys in found}
        with lifted(path, tables, local, rejected) as old:
            _into(old, house)
            done += old.written
    return done + _lines(house, live, lines, local)


def _into(old: Old, house: House) -> None:
    """Agents last: whoever is named there and is not yet there comes, too."""
    named: set[str] = set()
    for table, put in PUTS.items():
        if table in old.tables:
            named |= put(old, house)
    if "session_identities" in old.tables:
        known = {each["session_id"] for each in house.rows("session_ids")}
        agents.sessions_gone(old, known)
    if "agent_metadata" in old.tables:
        lacking = [each for each in sorted(named)
                   if not old.row("agent_metadata", '"agent_id" = ?', each)]  # fmt: skip
        for row in house.rows("identities", named=lacking):
            agents.identity(old, row)


def _sessions(old: Old, house: House) -> set[str]:
    return _each(old, house.rows("sessions"), agents.session, "identity_id")


def _states(old: Old, house: House) -> set[str]:
    if old.mapping("agent_state").variant == "A":
        return _each(old, house.rows("newest_states"), agents.newest_state, "identity_id")
    return _each(old, house.rows("states"), agents.state, "identity_id")


def _discoveries(old: Old, house: House) -> set[str]:
    return _each(old, house.rows("discoveries"), knowledge.discovery, "agent_id")


def _disputes(old: Old, house: House) -> set[str]:
    def put(old: Old, row: Row) -> None:
        disputes.dispute(
            old, row, lambda own, there: house.rows("messages", session_id=own, there=there)
        )

    rows = list(house.rows("disputes"))  # Their words are asked for one by one.
    return _each(old, rows, put, "paused_agent_id", "reviewer_agent_id")


def _events(old: Old, house: House) -> set[str]:
    return _each(old, house.rows("events"), events.event)


def _calls(old: Old, house: House) -> set[str]:
    there = {str(own) for (own,) in old.all("tool_usage", "usage_id", "usage_id IS NOT NULL")}
    return _each(old, house.rows("calls"), lambda old, row: events.call(old, row, there))


def _each(old: Old, rows: Iterable[Row], put: Put, *naming: str) -> set[str]:
    """Gives the agents that the rows name."""
    named: set[str] = set()
    for row in rows:
        put(old, row)
        named.update(str(row[column]) for column in naming if row[column] is not None)
    return named


PUTS: Final[dict[str, Callable[[Old, House], set[str]]]] = {
    "session_identities": _sessions,
    "agent_state": _states,
    "discoveries": _discoveries,
    "dialectic_sessions": _disputes,
    "audit_events": _events,
    "tool_usage": _calls,
}


def _lines(house: House, live: Live, lines: dict[str, Path], local: Local) -> int:
    """What has no table there, if it has a file."""
    done = 0
    for table, kind, query, line in (
        ("audit_events", AUDIT_LOG.kind, "events", events.line_of_event),
        ("tool_usage", TOOL_USAGE.kind, "calls", events.line_of_call),
    ):
        path = lines.get(kind)
        if path is None or any(table in tables for tables in live.values()):
            continue
        at = ledger.position(house.db, house.directory, str(path), "lines")
        own = "event_id" if query == "events" else "usage_id"
        rows = [(row[own], line(row, local)) for row in house.rows(query)]
        done += events.append(path, int(at.after[0]) if at.after else 0, rows)
    return done


def _parsed(told: str | bytes) -> Any:
    return parse(told.decode() if isinstance(told, bytes) else told)
