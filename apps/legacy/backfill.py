"""A directory of old data into the new house; killed anywhere, it goes on where it was."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from apps.legacy import ledger
from apps.legacy.bring import SQL, Step, bring
from apps.legacy.bring_events import bring_lines, bring_rows
from apps.legacy.database import known
from apps.legacy.inspect import inspect
from apps.legacy.keyset import columns
from apps.legacy.ledger import Db, Position
from apps.legacy.months import Kind, Months
from apps.legacy.report import Backfilled, Brought
from apps.legacy.seen import Inspected, Part, Thing
from apps.legacy.source import opened
from apps.legacy.work import Say, Work
from apps.legacy.zone import Clock
from schemas.errors import Refused, Unreachable
from schemas.legacy.files import AUDIT_LOG, TOOL_USAGE
from schemas.legacy.shape import OldTable

OPTIONS: Final = (
    "-c timezone=UTC -c lock_timeout=5000 -c statement_timeout=600000 -c search_path=pg_catalog"
)
STEPS: Final = (
    Step("agent_metadata", "identities"),
    Step("agent_metadata", "parents", "parent_agent_id"),
    Step("session_identities", "sessions"),
    Step("agent_state", "state", looks=("stability_index", "id")),
)
"""In this order over all files: what others speak of comes first."""
EVENTS: Final[dict[Kind, tuple[str, str]]] = {
    "events": ("audit_events", AUDIT_LOG.kind),
    "tool_usage": ("tool_usage", TOOL_USAGE.kind),
}
"""The old table, and the kind of the file of lines."""
Show = Callable[[str, int], Say]
"""Given a part and its rows, gives whom to tell how many came."""


class Run(NamedTuple):
    """One run over a directory."""

    db: Db
    seen: Inspected
    zone: str
    show: Show
    parts: list[Brought]

    def having(self, table: str) -> Iterator[tuple[Thing, Part]]:
        """Databases that have a table."""
        for thing in self.seen.things:
            for part in thing.parts:
                if part.name == table and part.variant is not None and part.fate == "moves":
                    yield thing, part

    @contextmanager
    def work(self, thing: Thing, name: str, part: Part, *, again: bool) -> Iterator[Work]:
        """A part, from where it was left; what is finished begins anew when its rows may change."""
        path = Path(self.seen.directory) / thing.path
        at = ledger.position(self.db, str(path), name)
        if at.finished and again:
            at = Position(at.file, at.part, resumed=True)
        begun, clock = time.monotonic(), Clock(self.zone)
        clock.folds, clock.gaps = at.folds, at.gaps
        say = self.show(f"{thing.path} {name}", part.rows)
        yield Work(self.db, self.seen.directory, path, at, clock, say)
        at.finished = True
        at.move(self.db)
        self.parts.append(
            Brought(
                file=thing.path, part=name, target=part.target, read=at.read, taken=at.taken,
                rejected=at.rejected, folds=at.folds, gaps=at.gaps,
                seconds=time.monotonic() - begun,
            )
        )  # fmt: skip


def backfill(database: str, directory: Path, zone: str, show: Show) -> Backfilled:
    """Everything that moves."""
    begun = time.monotonic()
    Clock(zone)
    seen = inspect(directory, quick=True)
    with _connected(database) as db:
        ledger.begin(db, seen.directory, zone)
        db.execute(SQL["functions"])
        run = Run(db, seen, zone, show, [])
        for step in STEPS:
            for thing, part in run.having(step.table):
                with run.work(thing, step.part, part, again=True) as work:
                    bring(work, _table(work.path, step.table), step)
        repeated = sum(_events(run, kind) for kind in EVENTS)
        files = [str(Path(seen.directory) / thing.path) for thing in seen.things]
        rejected = ledger.rejected(db, files)
    return Backfilled(
        directory=seen.directory, zone=zone, parts=run.parts, repeated=repeated,
        rejected=rejected, seconds=time.monotonic() - begun,
    )  # fmt: skip


def _events(run: Run, kind: Kind) -> int:
    """Rows first, then lines: what both say is kept as the row says it. Gives what came twice."""
    table, lines = EVENTS[kind]
    months = Months(run.db, kind)
    for thing, part in run.having(table):
        with run.work(thing, table, part, again=False) as work:
            bring_rows(work, months, kind, _table(work.path, table))
    for thing in run.seen.things:
        if thing.kind == lines:
            with run.work(thing, "lines", thing.parts[0], again=False) as work:
                bring_lines(work, months, kind)
    return months.end()


def _table(path: Path, name: str) -> OldTable:
    with opened(path) as file:
        old = known(name, frozenset(columns(file, name)))
    if old is None:
        raise Refused(f"{path}: table {name!r} is another than it was", "run it again")
    return old


@contextmanager
def _connected(database: str) -> Iterator[Db]:
    try:
        with psycopg.connect(
            database,
            autocommit=True,
            options=OPTIONS,
            connect_timeout=10,
            application_name="abode legacy",
        ) as db:
            yield db
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise Unreachable("postgres: does not answer", "run it again: it goes on") from None
        raise Refused(f"postgres: {error.diag.message_primary}", "run it again") from None
