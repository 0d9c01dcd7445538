"""What follows from the log, made anew from it beside what lives, compared, and put in its place.

Writers go on meanwhile; they wait only while the last events are taken and the tables are swapped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from apps.declared import postgres
from apps.declared.everything import tables
from apps.migrate.lines import line
from apps.queries import load
from apps.soulfra.changes import FOLLOWER
from apps.soulfra.log import SQL as LOG
from apps.soulfra.projections import FOLLOWED
from apps.soulfra.projections import SQL as PROJECTIONS
from schemas.errors import Diverged, Refused
from schemas.table import Table

SQL: Final = load(Path(__file__).with_suffix(".sql"))
LIVE: Final = "soulfra"
SHADOW: Final = "soulfra_rebuild"
OLD: Final = "soulfra_old"
THEN: Final = "soulfra_then"
CHUNK: Final = 20_000
"""Events that are taken in one transaction."""
LAST: Final = 2**62
"""After every transaction that there will be."""
LOCK_MS: Final = 2_000
NEAR: Final = 2_000
"""With so few left, writers are asked to wait."""
Say = Callable[[str], None]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a replay came to."""

    events: int
    differing: tuple[str, ...]
    """Tables that lived otherwise than the log says."""


def rebuild(conn: Connection, say: Say = lambda _: None, chunk: int = CHUNK) -> Rebuilt:
    """Replay, compare and swap; ``conn`` is the owner's, in autocommit."""
    row = conn.execute(SQL["hold"]).fetchone()
    if row is None or not row[0]:
        raise Diverged("soulfra: somebody else rebuilds", "let it finish, then run again")
    _make(conn, SHADOW)
    after, taken = _replay(conn, SHADOW, 0, say, chunk)
    say("building indexes and keys")
    for statement in _finish(SHADOW):
        conn.execute(statement)
    after, more = _replay(conn, SHADOW, after, say, chunk)
    # Transformations are behind a little: while they are held they stay so.
    conn.execute(LOG["hold_changes"])
    try:
        differing = _compare(conn, after, say)
        taken += more + _swap_all(conn, after, say)
    finally:
        conn.execute(LOG["release_changes"])
    return Rebuilt(taken, differing)


def _compare(conn: Connection, after: int, say: Say) -> tuple[str, ...]:
    say("comparing")
    with conn.transaction(force_rollback=True):
        # One snapshot of the log and of what follows from it: no command has to wait.
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _take(conn, SHADOW, after, LAST)
        place = conn.execute(LOG["follower"], {"follower": FOLLOWER}).fetchone()
        conn.execute(FOLLOWED, {"first": place[0] + 1 if place else 1, "last": LAST})
        return tuple(_differing(conn))


def _swap_all(conn: Connection, after: int, say: Say) -> int:
    say("swapping")
    with conn.transaction():
        # From here on nobody adds an event, and what was added is seen. Whoever reads for long is
        # not waited for: then nothing is swapped, and it can be run again.
        conn.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        conn.execute(SQL["lock"])
        conn.execute(SQL["lock_months"])
        taken = _take(conn, SHADOW, after, LAST)
        _swap(conn)
        conn.execute(LOG["begin_follower"], {"follower": FOLLOWER})
        (last,) = conn.execute(SQL["last"]).fetchone() or (0,)
        conn.execute(LOG["move_follower_to"], {"follower": FOLLOWER, "transaction_id": last})
    return taken


def asked_at(
    conn: Connection, until: datetime, query: str, say: Say = lambda _: None, chunk: int = CHUNK
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a query answers of how everything stood at an instant; nothing of it is left.

    Gives the names of the columns, and the rows.
    """
    with conn.transaction(force_rollback=True):
        _make(conn, THEN, until)
        after, _ = _replay(conn, THEN, 0, say, chunk)
        # Also what came while others still write: the instant says what counts.
        _take(conn, THEN, after, LAST)
        conn.execute(f"SET LOCAL search_path = {THEN}")
        cursor = conn.execute(query)
        if cursor.description is None:
            raise Refused("the query answers nothing", "SELECT loop_id FROM loops")
        return [column.name for column in cursor.description], cursor.fetchall()


def _tables() -> tuple[type[Table], ...]:
    return tuple(table for table in tables("soulfra") if table.table.startswith(f"{LIVE}."))


def _into(text: str, schema: str) -> str:
    """A statement about the living tables, about those of another schema."""
    return text.replace(f"{LIVE}.", f"{schema}.")


def _make(conn: Connection, schema: str, until: datetime | None = None) -> None:
    """Empty tables without parts, indexes and keys to others."""
    with conn.transaction():
        conn.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        conn.execute(f"CREATE SCHEMA {schema}")
        for table in _tables():
            create = postgres.create(table).partition("\nCREATE TABLE")[0]
            conn.execute(_into(create, schema))
        said = "true" if until is None else f"e.recorded_at <= '{until.isoformat()}'"
        conn.execute(f"CREATE VIEW {schema}.events AS SELECT e.* FROM log.events AS e WHERE {said}")  # noqa: S608  # names and an instant of ours


def _part(conn: Connection, schema: str) -> None:
    """The parts of the living tables, those too that were made meanwhile."""
    for table in _tables():
        of = _into(table.table, schema)
        there = {name for name, _ in conn.execute(SQL["parts"], {"table": of}).fetchall()}
        for name, bound in conn.execute(SQL["parts"], {"table": table.table}).fetchall():
            if name not in there:
                conn.execute(f"CREATE TABLE {schema}.{name} PARTITION OF {of} {bound}")


def _finish(schema: str) -> Iterator[str]:
    for table in _tables():
        yield from (_into(text, schema) for text in postgres.indexes(table))
    for table in _tables():
        yield from (_into(text, schema) for text in postgres.references(table))


def _replay(conn: Connection, schema: str, after: int, say: Say, chunk: int) -> tuple[int, int]:
    """Chunk by chunk, until little is left; gives the last transaction and the number of events."""
    taken = 0
    while True:
        (horizon,) = conn.execute(LOG["horizon"]).fetchone() or (0,)
        asked = {"after": after, "horizon": horizon, "limit": chunk}
        last, count = conn.execute(LOG["chunk"], asked).fetchone() or (None, 0)
        if last is None:
            return after, taken
        with conn.transaction():
            taken += _take(conn, schema, after, last)
        after = last
        say(f"{taken} events")
        if count < min(NEAR, chunk):
            return after, taken


def _take(conn: Connection, schema: str, after: int, last: int) -> int:
    (count,) = conn.execute(SQL["rest"], {"after": after, "last": last}).fetchone() or (0,)
    if count:
        _part(conn, schema)
        for text in PROJECTIONS.values():
            statement = _into(text, schema).replace("FROM log.events", f"FROM {schema}.events")
            conn.execute(statement, {"first": after + 1, "last": last})
    return int(count)


def _differing(conn: Connection) -> Iterator[str]:
    for table in _tables():
        shadow = _into(table.table, SHADOW)
        if _content(conn, table, table.table) != _content(conn, table, shadow):
            yield table.table


def _content(conn: Connection, table: type[Table], place: str) -> tuple[Any, ...]:
    """How many rows, and a hash of all they say that does not ask for their order."""
    names = ", ".join(table.model_fields)
    row = conn.execute(
        "SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)"  # noqa: S608  # names of ours
        f" FROM (SELECT {names} FROM {place}) AS r"
    ).fetchone()
    return tuple(row or ())


def _swap(conn: Connection) -> None:
    """The new ones take the places, the numbers and the rights of the old ones."""
    _part(conn, SHADOW)
    whole = ", ".join(table.table for table in _tables())
    conn.execute(f"LOCK TABLE {whole} IN ACCESS EXCLUSIVE MODE")
    conn.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")
    conn.execute(f"CREATE SCHEMA {OLD}")
    conn.execute(f"DROP VIEW {SHADOW}.events")
    for table in _tables():
        name = table.table.partition(".")[2]
        for part, _ in conn.execute(SQL["parts"], {"table": table.table}).fetchall():
            conn.execute(f"ALTER TABLE {LIVE}.{part} SET SCHEMA {OLD}")
            conn.execute(f"ALTER TABLE {SHADOW}.{part} SET SCHEMA {LIVE}")
        conn.execute(f"ALTER TABLE {LIVE}.{name} SET SCHEMA {OLD}")
        # The old numbers are held now: the next one is the next one.
        for (before,), (after,) in zip(
            conn.execute(SQL["sequences"], {"table": f"{OLD}.{name}"}).fetchall(),
            conn.execute(SQL["sequences"], {"table": f"{SHADOW}.{name}"}).fetchall(),
            strict=True,
        ):
            conn.execute(f"SELECT setval('{after}', s.last_value, s.is_called) FROM {before} AS s")  # noqa: S608  # names of ours
        conn.execute(f"ALTER TABLE {SHADOW}.{name} SET SCHEMA {LIVE}")
    conn.execute(f"DROP SCHEMA {OLD} CASCADE")
    conn.execute(f"DROP SCHEMA {SHADOW}")
    of = line("soulfra")
    for post_apply in of.post_applies():
        conn.execute(of.sql(post_apply))
