"""Indexes made while everybody writes: of a partitioned table one by one, then joined."""

from functools import partial
from hashlib import sha256
from typing import Final

from apps.migrate.evolve.declared import Index
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.work import LOCK_MS, Work, alone, patiently
from schemas.errors import Refused

DOUBLE: Final = "23505"


def make(work: Work, index: Index) -> None:
    """It is there and valid when this returns; halves that a kill left are made anew."""
    if work.is_partitioned():
        _make_parts(work, index)
    else:
        _concurrently(work, index, index.name, quoted(work.of.table))
    work.reached(f"index {index.name}")


def drop(work: Work, index: Index) -> None:
    """The same back."""
    if not work.is_partitioned():
        _sweep(work, _full(work, index.name))
        return
    name = _full(work, index.name)

    def do() -> None:
        work.ledger.ask(f"DROP INDEX IF EXISTS {name}")

    if work.ask("index", index=name):
        alone(work, do)
    for leaf in work.leaves():
        _sweep(work, _full(work, part_name(index, leaf)))


def part_name(index: Index, leaf: str) -> str:
    """Of a partition's own index; Postgres cuts names at 63."""
    bare = leaf.replace('"', "").rpartition(".")[2]
    name = f"{bare}_{index.name}"
    if len(name) <= 63:
        return name
    return f"{name[:54]}_{sha256(name.encode()).hexdigest()[:8]}"


def definition(index: Index) -> str:
    """Columns and condition."""
    where = f" WHERE {index.where}" if index.where else ""
    return f"({', '.join(index.columns)}){where}"


def _make_parts(work: Work, index: Index) -> None:
    whole, table = _full(work, index.name), quoted(work.of.table)
    unique = "UNIQUE " * index.unique

    def frame() -> None:
        work.ledger.ask(
            f"CREATE {unique}INDEX {quoted(index.name)} ON ONLY {table} {definition(index)}"
        )

    if not work.ask("index", index=whole):
        alone(work, frame, "SHARE", only=table)
    while left := [leaf for leaf in work.leaves() if not _has(work, whole, leaf)]:
        for number, leaf in enumerate(left, start=1):
            work.say(f"{index.name}: {number} of {len(left)}, {leaf}")
            name = part_name(index, leaf)
            _concurrently(work, index, name, leaf)
            join = f"ALTER INDEX {whole} ATTACH PARTITION {_full(work, name)}"
            patiently(work, partial(_join, work, join), [leaf])


def _has(work: Work, whole: str, leaf: str) -> bool:
    return bool(work.ask("indexed", index=whole, table=leaf)[0][0])


def _join(work: Work, sql: str) -> None:
    with work.ledger.transaction():
        work.ledger.tell(f"SET LOCAL lock_timeout = {LOCK_MS}")
        work.ledger.ask(sql)


def _concurrently(work: Work, index: Index, name: str, table: str) -> None:
    full = _full(work, name)
    found = work.ask("index", index=full)
    if found and found[0][0]:
        return
    if found:
        work.say(f"{name}: is a half that was left; making it anew")
        _sweep(work, full)
    unique = "UNIQUE " * index.unique
    sql = f"CREATE {unique}INDEX CONCURRENTLY {quoted(name)} ON {table} {definition(index)}"
    try:
        _outside(work, sql)
    except work.ledger.error as error:
        if getattr(error, "sqlstate", None) != DOUBLE:
            raise
        _sweep(work, full)
        detail = getattr(getattr(error, "diag", None), "message_detail", None)
        raise Refused(f"{work.declared.name}: {name}: {detail or 'not unique'}") from None


def _sweep(work: Work, full: str) -> None:
    if work.ask("index", index=full):
        _outside(work, f"DROP INDEX CONCURRENTLY IF EXISTS {full}")


def _outside(work: Work, sql: str) -> None:
    """Not in a transaction; whom it waits for does not wait for it, so it may take its time."""
    wait = max(1, int(work.wait * 1000))
    work.ledger.ask(f"SET lock_timeout = {wait}; SET search_path TO DEFAULT")
    try:
        work.ledger.ask(sql)
    finally:
        if not work.ledger.connection.closed:
            work.ledger.ask("RESET ALL; SET search_path TO ledger")


def _full(work: Work, name: str) -> str:
    return quoted(f"{work.of.schema_name}.{name}")
