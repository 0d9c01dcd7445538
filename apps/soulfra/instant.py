"""How everything stood at an instant: the log replayed up to it, beside what lives."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg.errors import ReadOnlySqlTransaction

from apps.queries import load
from apps.soulfra.replay import (
    CHUNK,
    LAST,
    Connection,
    Say,
    alone,
    drop,
    make,
    replay,
    seen_in,
    take,
    take_only,
)
from schemas.errors import Refused

SQL: Final = load(Path(__file__).with_name("rebuild.sql"))
THEN: Final = "soulfra_then"


def asked_at(
    conn: Connection, until: datetime, query: str, say: Say = lambda _: None, chunk: int = CHUNK
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a query answers of how everything stood at an instant; nothing of it is left.

    Gives the names of the columns, and the rows.
    """
    with alone(conn, THEN):
        said = f"e.recorded_at <= '{until.isoformat()}'"
        make(conn, THEN, said)
        try:
            after, _ = replay(conn, THEN, 0, say, chunk)
            with conn.transaction():
                # Also what came while others still write: the instant says what counts.
                (snapshot, _) = conn.execute(SQL["seen"], {"follower": ""}).fetchone() or ("", 0)
                take_only(conn, THEN, f"{said} AND {seen_in(snapshot)}")
                take(conn, THEN, after, LAST)
            return _answered(conn, query)
        finally:
            if not conn.broken:
                drop(conn, THEN)


def _answered(conn: Connection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    wrong = "SELECT loop_id FROM loops"
    with conn.transaction():
        conn.execute("SET TRANSACTION READ ONLY")
        conn.execute(f"SET LOCAL search_path = {THEN}")
        try:
            cursor = conn.execute(query, prepare=True)  # one statement, and no more
        except ReadOnlySqlTransaction:
            raise Refused("the query changes something", wrong) from None
        if cursor.description is None:
            raise Refused("the query answers nothing", wrong)
        return [column.name for column in cursor.description], cursor.fetchall()
