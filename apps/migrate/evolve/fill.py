"""Step 2: rows in the order of their key, a few at a time; the place is committed with them."""

import time
from collections.abc import Sequence
from dataclasses import replace

from apps.migrate.errors import Locked
from apps.migrate.evolve.names import literal, quoted, unset
from apps.migrate.evolve.standing import SQL, Place
from apps.migrate.evolve.work import CANCELLED, LOCK_MS, PAUSE_SECONDS, Work
from schemas.errors import Diverged, Refused


def fill(work: Work) -> None:
    """All rows that were there when the column was added; those that came since have it."""
    refuse_hidden(work)
    if not work.place.total:
        total = sum(_count(work, leaf) for leaf in work.leaves())
        work.place = replace(work.place, total=total)
        with work.ledger.transaction():
            _keep(work)
    work.expect(work.place.total - work.place.seen)
    while left := [leaf for leaf in work.leaves() if leaf not in work.place.done]:
        # A part that was begun is ended first; one that is gone was moved away, with its rows.
        part = work.place.part if work.place.part in left else left[0]
        _fill_part(work, str(part))
    missed = sum(_count(work, leaf, missed=True) for leaf in work.leaves())
    if missed:
        raise Diverged(
            f"{work.declared.name}: {missed} rows of {work.of.table} are not filled",
            "is the trigger still there? undo, and begin again",
        )
    work.reached("rows")


def refuse_hidden(work: Work) -> None:
    """Rows that row security hides would stay as they are, and nobody would know."""
    hidden = work.ask("hidden", oids=[name for name, _ in work.tree()])
    if hidden:
        raise Refused(
            f"{work.declared.name}: row security hides rows of {hidden[0][0]} from its owner",
            f"CREATE POLICY ... ON {hidden[0][0]} FOR ALL TO the owner USING (true)",
        )


def batch(work: Work, leaf: str, key: Sequence[tuple[str, str]], after: Sequence[str]) -> str:
    """One statement: which rows are next, filling them, how many they were, and the last key."""
    of, limit = work.of, work.pace.limit()
    assert of.fill is not None  # noqa: S101  # else there is nothing to fill
    names = [quoted(name) for name, _ in key]
    by = ", ".join(names)
    values = ", ".join(
        f"{literal(value)}::{kind}" for value, (_, kind) in zip(after, key, strict=False)
    )
    where = f"WHERE ({by}) > ({values})" if after else ""
    aliased = ", ".join(f"{name} AS abode_{n}" for n, name in enumerate(names))
    same = " AND ".join(f"filled.{name} = abode_{n}" for n, name in enumerate(names))
    last = ", ".join(f"abode_{n}::text" for n in range(len(names)))
    back = ", ".join(f"abode_{n} DESC" for n in range(len(names)))
    return f"""
WITH abode_batch AS MATERIALIZED (
    SELECT {aliased} FROM {leaf} {where} ORDER BY {by} LIMIT {limit}
), abode_filled AS (
    UPDATE {leaf} AS filled SET {quoted(of.column.name)} = {of.fill.value}
      FROM abode_batch WHERE {same} AND {unset(of, "filled")} RETURNING 1
)
SELECT (SELECT count(*) FROM abode_batch), (SELECT count(*) FROM abode_filled),
       (SELECT ARRAY[{last}] FROM abode_batch ORDER BY {back} LIMIT 1)
"""  # noqa: S608  # names of the catalog, expressions of the declaration


def _fill_part(work: Work, leaf: str) -> None:
    key = [(name, kind) for name, kind in work.ask("key", table=leaf)]
    if work.place.part != leaf:
        work.place = replace(work.place, part=leaf, after=())
    until = time.monotonic() + work.wait
    while True:
        work.pace.catch_up(lambda: _lag(work), lambda s: _behind(work, s))
        begun = time.monotonic()
        try:
            seen, place = _one(work, leaf, key, begun)
        except work.ledger.error as error:
            if not work.ledger.busy(error) and getattr(error, "sqlstate", "") != CANCELLED:
                raise
            if time.monotonic() > until:
                raise Locked(
                    f"{work.declared.name}: rows of {leaf} after {work.place.after} are held",
                    f"tried {work.wait:g} s; let whoever holds them finish, then run again",
                ) from None
            work.pace.late()
            time.sleep(min(PAUSE_SECONDS, 0.1 + begun % 0.2))
            continue
        work.place = place
        if not seen:
            return
        until = time.monotonic() + work.wait
        work.came(seen)
        time.sleep(work.pace.after(seen, time.monotonic() - begun))


def _one(work: Work, leaf: str, key: Sequence[tuple[str, str]], begun: float) -> tuple[int, Place]:
    """A batch and the place after it, both or neither."""
    was = work.place
    with work.ledger.transaction():
        work.ledger.tell(
            f"SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL synchronous_commit = off;"
            "SET LOCAL search_path TO DEFAULT; SET LOCAL jit = off;"
            f"SET LOCAL statement_timeout = {work.pace.held_ms()}"
        )
        seen, filled, last = work.ledger.ask(batch(work, leaf, key, was.after)).fetchone()
        now = replace(
            was, seen=was.seen + seen, filled=was.filled + filled,
            seconds=round(was.seconds + time.monotonic() - begun, 3),
            **({"after": tuple(last)} if seen else
               {"part": None, "after": (), "done": (*was.done, leaf)}),
        )  # fmt: skip
        work.place = now
        try:
            _keep(work)
        finally:
            work.place = was
    return int(seen), now


def _keep(work: Work) -> None:
    work.ledger.tell(SQL["place"], {"name": work.declared.name, "place": work.place.text()})


def _count(work: Work, leaf: str, *, missed: bool = False) -> int:
    """Rows, or those that should have been filled and were not."""
    of = work.of
    where = ""
    if missed and of.fill:
        default = f"({of.column.default or 'NULL'})::{of.column.type}"
        where = f" WHERE {unset(of, 'kept')} AND ({of.fill.value}) IS DISTINCT FROM {default}"
    with work.ledger.transaction():
        work.ledger.tell("SET LOCAL search_path TO DEFAULT")
        query = f"SELECT count(*) FROM {leaf} AS kept{where}"  # noqa: S608  # as above
        return int(work.ledger.ask(query).fetchone()[0])


def _lag(work: Work) -> tuple[int, int | None, float | None]:
    log, slot, told = work.ask("lag")[0]
    return int(log), None if slot is None else int(slot), told


def _behind(work: Work, seconds: float) -> None:
    work.say(f"{work.of.table}: a replica is {seconds:.1f} s behind; waiting")
