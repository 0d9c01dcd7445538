"""A directory of old data into the new house; killed anywhere, it goes on where it was."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from apps.legacy import discoveries, disputes, epochs, graph, ledger
from apps.legacy.bring import SQL, Step, bring
from apps.legacy.bring_events import bring_lines, bring_rows
from apps.legacy.inspect import inspect
from apps.legacy.ledger import Db
from apps.legacy.months import Kind, Months
from apps.legacy.report import Backfilled
from apps.legacy.run import Run
from apps.legacy.work import Say
from apps.legacy.zone import Clock
from apps.postgres import is_gone
from schemas.errors import Refused, Unreachable
from schemas.legacy.files import AUDIT_LOG, DIALECTIC, GRAPH, TOOL_USAGE

OPTIONS: Final = (
    "-c timezone=UTC -c lock_timeout=5000 -c statement_timeout=600000 -c search_path=pg_catalog"
    " -c synchronous_commit=off -c maintenance_work_mem=128MB -c work_mem=64MB -c jit=off"
)
"""A commit that a crash of the server loses takes its position with it; the last one waits."""
STEPS: Final = (
    Step("agent_metadata", "identities"),
    Step("agent_metadata", "parents", "parent_agent_id"),
    Step("session_identities", "sessions"),
    Step("agent_state", "state", looks=("stability_index", "id")),
)
"""In this order over all files. Who is only spoken of, in discoveries and disputes, becomes known
after the identities and before what may only be of somebody who is known."""
OF_DISCOVERIES: Final = (
    Step("discovery_tags", "tags", graph=True),
    Step("discovery_edges", "edges", graph=True),
)
CALIBRATION: Final = Step("calibration_state", "calibration")
EVENTS: Final[dict[Kind, tuple[str, str]]] = {
    "events": ("audit_events", AUDIT_LOG.kind),
    "tool_usage": ("tool_usage", TOOL_USAGE.kind),
}
"""The old table, and the kind of the file of lines."""


def _nobody(_: int) -> None:
    """Who is told when nobody asked."""


def backfill(
    database: str, directory: Path, zone: str, expect: Say = _nobody, came: Say = _nobody
) -> Backfilled:
    """Everything that moves; tells how many rows are expected, and how many came."""
    begun = time.monotonic()
    Clock(zone)
    seen = inspect(directory, quick=True)
    with connected(database) as db:
        epochs.old_is_writer(db, seen.directory)
        ledger.begin(db, seen.directory, zone)
        db.execute(SQL["functions"])
        run = Run(db, seen, zone, came, [])
        expect(sum(part.rows for thing in seen.things for part in thing.parts
                   if part.fate == "moves"))  # fmt: skip
        repeated = everything(run)
        files = [str(Path(seen.directory) / thing.path) for thing in seen.things]
        rejected = ledger.rejected(db, files)
        vertices, edges = graph.repeat(database, seen.directory)
        ledger.end(db, seen.directory)
    strange = [f"{each.path}: {one}" for each in seen.things for one in each.not_understood]
    return Backfilled(
        directory=seen.directory, zone=zone, parts=run.parts, repeated=repeated,
        vertices=vertices, edges=edges, rejected=rejected, not_understood=strange,
        seconds=time.monotonic() - begun,
    )  # fmt: skip


def everything(run: Run) -> int:
    """All parts in their order; gives what came twice."""
    _tables(run, STEPS[:1])
    _discoveries(run)
    _disputes(run)
    _tables(run, STEPS[1:])
    repeated = events(run)
    _tables(run, (CALIBRATION,))
    return repeated


def events(run: Run) -> int:
    """Events and calls that came since; gives what came twice."""
    return sum(_events(run, kind) for kind in EVENTS)


def _tables(run: Run, steps: Sequence[Step]) -> None:
    for step in steps:
        for thing, part in run.having(step.table):
            run.bring(thing, step.part, part, partial(bring, step=step),
                      counts=not step.column)  # fmt: skip


def _discoveries(run: Run) -> None:
    """Rows first: what both a table and a file tell of is as the table has it. Links last."""
    for thing, part in run.having("discoveries"):
        run.bring(thing, "discoveries", part, discoveries.bring_rows)
    files = [thing for thing in run.seen.things if thing.kind == GRAPH.kind]
    for thing in files:
        run.bring(thing, "nodes", thing.parts[0], discoveries.bring_nodes)
    _tables(run, OF_DISCOVERIES)
    for thing in files:
        run.bring(thing, "links", thing.parts[0], discoveries.bring_links, counts=False)


def _disputes(run: Run) -> None:
    """Rows first, as with discoveries; then files, each a dispute with all that was said in it."""
    for table in ("dialectic_sessions", "dialectic_messages"):
        for thing, part in run.having(table):
            run.bring(thing, table, part, partial(disputes.bring_rows, table=table))
    for thing in run.seen.things:
        if thing.kind == DIALECTIC.kind:
            run.bring(thing, "transcript", thing.parts[1], disputes.bring_file)


def _events(run: Run, kind: Kind) -> int:
    """Rows first, then lines: what both say is kept as the row says it. Gives what came twice."""
    table, lines = EVENTS[kind]
    months = Months(run.db, kind)
    for thing, part in run.having(table):
        run.bring(thing, table, part, partial(bring_rows, months=months), again=False)
    for thing in run.seen.things:
        if thing.kind == lines:
            run.bring(
                thing, "lines", thing.parts[0], partial(bring_lines, months=months), again=False
            )
    return months.end()


@contextmanager
def connected(database: str) -> Iterator[Db]:
    """As the owner; what Postgres refuses is one of our errors."""
    try:
        with psycopg.connect(
            database,
            autocommit=True,
            options=OPTIONS,
            connect_timeout=10,
            application_name="abode legacy",
        ) as db:
            yield db
    except psycopg.Error as error:
        if is_gone(error):
            raise Unreachable("postgres: does not answer", "run it again: it goes on") from None
        said = error.diag.message_primary or type(error).__name__
        raise Refused(f"postgres: {said}", "run it again: it goes on") from None
