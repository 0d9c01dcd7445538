"""The log replayed into a schema of its own, chunk by chunk, each committed.

Who follows the log waits for the oldest transaction that writes: so none of these is long.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from apps.declared import postgres
from apps.declared.everything import tables
from apps.queries import load
from apps.soulfra.log import SQL as LOG
from apps.soulfra.projections import every
from schemas.errors import Diverged
from schemas.table import Table

SQL: Final = load(Path(__file__).with_suffix(".sql"))
LIVE: Final = "soulfra"
CHUNK: Final = 20_000
"""Events that are taken in one transaction."""
LAST: Final = 2**62
"""After every transaction that there will be."""
NEAR: Final = 2_000
"""So few are left at the end of a replay."""
Say = Callable[[str], None]
Connection = psycopg.Connection[Any]


def projected() -> tuple[type[Table], ...]:
    """The tables that follow from the log."""
    return tuple(table for table in tables("soulfra") if table.table.startswith(f"{LIVE}."))


def into(text: str, schema: str) -> str:
    """A statement about the living tables, about those of another schema."""
    return text.replace(f"{LIVE}.", f"{schema}.")


@contextmanager
def alone(conn: Connection, schema: str) -> Iterator[None]:
    """Nobody else makes this schema meanwhile; the server lets go when this connection ends."""
    row = conn.execute(SQL["hold"], {"schema": schema}).fetchone()
    if row is None or not row[0]:
        raise Diverged(f"{schema}: somebody else replays into it", "let it finish, then run again")
    try:
        yield
    finally:
        if not conn.broken:
            conn.execute(SQL["let_go"], {"schema": schema})


def make(conn: Connection, schema: str, said: str = "true") -> None:
    """Empty tables without parts, indexes and keys to others; what a killed one left goes."""
    with conn.transaction():
        drop(conn, schema)
        conn.execute(f"CREATE SCHEMA {schema}")
        for table in projected():
            create = postgres.create(table).partition("\nCREATE TABLE")[0]
            conn.execute(into(create, schema))
        take_only(conn, schema, said)


def drop(conn: Connection, schema: str) -> None:
    """All of it."""
    conn.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def take_only(conn: Connection, schema: str, said: str) -> None:
    """From here on it takes events ``e`` of which this is true."""
    conn.execute(
        f"CREATE OR REPLACE VIEW {schema}.events AS SELECT e.* FROM log.events AS e WHERE {said}"  # noqa: S608  # names and conditions of ours
    )


def seen_in(snapshot: str) -> str:
    """Whether a snapshot has an event."""
    return f"pg_visible_in_snapshot(e.transaction_id::text::xid8, '{snapshot}')"


def parted(conn: Connection, schema: str) -> None:
    """The parts of the living tables, those too that were made meanwhile."""
    for table in projected():
        of = into(table.table, schema)
        there = {name for name, _ in conn.execute(SQL["parts"], {"table": of}).fetchall()}
        for name, bound in conn.execute(SQL["parts"], {"table": table.table}).fetchall():
            if name not in there:
                conn.execute(f"CREATE TABLE {schema}.{name} PARTITION OF {of} {bound}")


def finishes(schema: str) -> Iterator[str]:
    """What makes indexes and keys to others, once there are rows."""
    for table in projected():
        yield from (into(text, schema) for text in postgres.indexes(table))
    for table in projected():
        yield from (into(text, schema) for text in postgres.references(table))


def replay(conn: Connection, schema: str, after: int, say: Say, chunk: int) -> tuple[int, int]:
    """Chunk by chunk, until little is left; gives the last transaction and the number of events."""
    taken = 0
    while True:
        (horizon,) = conn.execute(LOG["horizon"]).fetchone() or (0,)
        asked = {"after": after, "horizon": horizon, "limit": chunk}
        last, count = conn.execute(LOG["chunk"], asked).fetchone() or (None, 0)
        if last is None:
            return after, taken
        with conn.transaction():
            taken += take(conn, schema, after, last)
        after = last
        say(f"{taken} events")
        if count < min(NEAR, chunk):
            return after, taken


def take(conn: Connection, schema: str, after: int, last: int) -> int:
    """What follows from the events of some transactions; gives how many they are."""
    asked = {"after": after, "last": last}
    (count,) = conn.execute(_from(SQL["rest"], schema), asked).fetchone() or (0,)
    if count:
        parted(conn, schema)
        for text in every():
            statement = _from(into(text, schema), schema)
            conn.execute(statement, {"first": after + 1, "last": last})
    return int(count)


def _from(text: str, schema: str) -> str:
    return text.replace("FROM log.events", f"FROM {schema}.events")
