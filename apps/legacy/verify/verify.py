"""A directory of old data against the house: one snapshot of it, both sides told anew."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from apps.legacy.inspect import inspect
from apps.legacy.ledger import Db
from apps.legacy.seen import Inspected, Thing
from apps.legacy.source import opened
from apps.legacy.verify import agents, discoveries, disputes, events, graph, house, keys
from apps.legacy.verify.canonical import Cells, Instants
from apps.legacy.verify.compare import Comparison
from apps.legacy.verify.findings import Findings
from apps.legacy.verify.old import Old, Row
from apps.legacy.verify.report import Difference, Verified
from apps.legacy.verify.rows import Reader, one_of
from apps.legacy.verify.scratch import Found, scratch
from apps.legacy.verify.targets import DISCOVERIES, TARGETS, Target
from schemas.errors import Refused, Unreachable
from schemas.legacy.files import DIALECTIC, GRAPH, LINES

OPTIONS: Final = "-c timezone=UTC -c statement_timeout=3600000 -c search_path=pg_catalog"
AGENTS: Final = {
    "agent_metadata": (agents.identity, ("tags_json", "parent_agent_id")),
    "session_identities": (agents.session, ()),
    "agent_state": (agents.state, ()),
    "calibration_state": (agents.thresholds, ()),
}
EVENTS: Final = ("audit_events", "tool_usage")


def verify(database: str, directory: Path) -> Verified:
    """Everything that moves, and what was not taken; nothing is changed."""
    seen = inspect(directory, quick=True)
    with connected(database) as db:
        return compared(db, seen)


def compared(db: Db, seen: Inspected) -> Verified:
    """By one connection, whose transaction is one moment of the house."""
    begun = time.monotonic()
    with scratch() as both:
        zone, is_alone = _run(db, seen.directory)
        findings = Findings()
        old = Old(db, both, Instants(zone), Path(seen.directory), findings)
        house.look(db, both, DISCOVERIES)
        _tables(old, seen.things)
        _files(old, seen.things)
        discoveries.finish(both, findings)
        for target in TARGETS:
            if target is not DISCOVERIES:
                house.look(db, both, target)
        graph.look(db, both)
        _stale(old, findings)
        again = partial(_again, db)
        tables = [
            Comparison(both, target, old.origins, again, alone=is_alone).run(findings)
            for target in TARGETS
        ]
        drawn, before, now = graph.compare(both, findings)
        return Verified(
            directory=seen.directory, zone=zone, sources=old.sources, tables=tables, graph=drawn,
            old_graph_sha256=before, new_graph_sha256=now, checks=list(keys.checks(db, findings)),
            batches=findings.batches, differences=findings.first, differing=findings.count,
            seconds=time.monotonic() - begun,
        )  # fmt: skip


def _again(db: Db, target: Target, key: str) -> list[tuple[Found, Cells]]:
    """Rows of one key, whose values were not kept."""
    return list(house.found(db, target, key))


def _run(db: Db, directory: str) -> tuple[str, bool]:
    row = db.execute(house.SQL["run"], {"directory": directory}).fetchone()
    if row is None:
        raise Refused(f"{directory}: was never brought over", "abode legacy backfill")
    if not row[1]:
        raise Refused(f"{directory}: is not brought over to its end", "abode legacy backfill again")
    others = db.execute(house.SQL["others"], {"directory": directory}).fetchone()
    return str(row[0]), others == (0,)


def _tables(old: Old, things: list[Thing]) -> None:
    """Every table that moves; of two files that tell of one, the first's word counts."""
    for thing in things:
        path = old.directory / thing.path
        names = [p.name for p in thing.parts if p.variant and p.fate == "moves"]
        if names:
            with opened(path) as db:
                for name in names:
                    _table(old, thing.path, Reader(db, path, name))


def _table(old: Old, file: str, reader: Reader) -> None:
    table, name, instant = reader.table, reader.table.name, old.instant
    take = partial(old.take, file, name)
    if name in AGENTS:
        derive, columns = AGENTS[name]
        take(reader, agents.each(derive, table, instant), columns=columns)
    elif name in EVENTS:
        path = old.directory / file
        derived = agents.each(events.event, table, instant)

        def again(at: int) -> Iterator[Row]:
            return iter(derived(one_of(path, name, at)[1], frozenset()))

        take(reader, derived, again=again)
    elif name == "discoveries":
        take(reader, discoveries.discovery(table, instant))
    elif name == "discovery_tags":
        take(reader, discoveries.tag)
    elif name == "discovery_edges":
        take(reader, discoveries.edge(old.scratch, table, instant))
    elif name == "dialectic_sessions":
        take(reader, disputes.session(old.scratch, table, instant))
    else:
        take(reader.in_turn(), disputes.message(table, instant))


def _files(old: Old, things: list[Thing]) -> None:
    for thing in things:
        path, instant = old.directory / thing.path, old.instant
        take = partial(old.take, thing.path)
        if thing.kind == GRAPH.kind:
            take("nodes", discoveries.nodes(path), discoveries.node(instant))
            take("links", discoveries.links(path), discoveries.link(old.scratch, instant))
        elif thing.kind == DIALECTIC.kind:
            take("transcript", disputes.file(path), disputes.whole(old.scratch, instant))
        elif thing.kind in {kind.kind for kind in LINES}:
            kind = next(each for each in LINES if each.kind == thing.kind)
            _lines(old, thing.path, partial(events.line, kind))


def _lines(old: Old, file: str, line: Any) -> None:
    path = old.directory / file

    def derive(body: bytes, _: frozenset[str]) -> Iterator[Row]:
        yield line(body, old.instant)

    def again(at: int) -> Iterator[Row]:
        return derive(events.line_at(path, at), frozenset())

    old.take(file, "lines", events.lines(path), derive, again=again)


def _stale(old: Old, findings: Findings) -> None:
    """Rejects of rows that are not there."""
    known = "SELECT 1 FROM seen WHERE file = ? AND part = ? AND name = ?"
    with old.db.cursor(name="rejects") as cursor:
        cursor.execute(house.SQL["all_rejected"], {"directory": f"{old.directory}/"})
        for file, part, key in cursor:
            if next(old.scratch.rows(known, file, part, key), None) is None:
                inside = str(Path(file).relative_to(old.directory))
                findings.add(
                    Difference(what="not there", table="legacy.rejected", key=key, file=inside,
                               part=part)
                )  # fmt: skip


@contextmanager
def connected(database: str) -> Iterator[Db]:
    """One that changes nothing, and sees one moment."""
    try:
        with psycopg.connect(
            database, options=OPTIONS, connect_timeout=10, application_name="abode legacy verify"
        ) as db:
            db.execute(house.SQL["functions"])
            db.commit()
            db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            db.read_only = True
            yield db
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise Unreachable("postgres: does not answer", "run it again") from None
        raise Refused(f"postgres: {error.diag.message_primary}", "run it again") from None
