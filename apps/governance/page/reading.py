"""Ask Postgres for what the page shows: each answer is rows of one kind."""

from pathlib import Path
from typing import Any, Final, TypeVar

from psycopg.rows import class_row

from apps.bridge.refusals import NotFound
from apps.postgres import Connection
from apps.queries import load

SQL: Final = {
    **load(Path(__file__).with_name("page.sql")),
    **load(Path(__file__).with_name("knowledge.sql")),
}
Row = TypeVar("Row")


async def rows(conn: Connection, kind: type[Row], query: str, /, **values: Any) -> list[Row]:
    """Every row of a named query."""
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(SQL[query], values)
        return await cursor.fetchall()


async def one(conn: Connection, kind: type[Row], query: str, /, **values: Any) -> Row:
    """Its only row; NotFound if there is none."""
    found = await rows(conn, kind, query, **values)
    if not found:
        asked = ", ".join(f"{name} {value!r:.80}" for name, value in values.items())
        raise NotFound(f"{asked}: is not known here", "the lists lead to what there is")
    return found[0]
