"""A month of loops out of the database into an archive, and back.

Nothing is lost: every row follows from the log. A replay brings the month back, too. What was
whispered, and whose an unsigned loop is, stay in the log alone: an archive lies where nobody who is
forgotten is looked for.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import psycopg
from psycopg import sql

from apps.archive import archive, restore, verify
from apps.queries import load
from apps.soulfra.upcast import led
from schemas.errors import Refused

SQL: Final = load(Path(__file__).with_suffix(".sql"))
TABLES: Final = ("loops", "loop_owners", "votings", "votes", "blessings", "cluster_loops")
"""What goes with a month: what is referred to comes first."""
OWNERS: Final = "loop_owners"
WHISPER: Final = "whisper_origin"
Connection = psycopg.Connection[Any]


def prune(conn: Connection, month: datetime, folder: Path) -> dict[str, int]:
    """Cut, archive, read back, drop; killed, it is given again. Gives rows by table."""
    month = _first(month)
    cut = f"retired.loops_{month:%Y_%m}"
    if _said(conn, "empty", month=month) and not _said(conn, "exists", table=cut):
        raise Refused(f"loops of {month:%Y-%m}: there are none")
    try:
        (tail,) = conn.execute(SQL["cut"], {"month": month}).fetchone() or ("",)
    except (psycopg.errors.RestrictViolation, psycopg.errors.RaiseException) as error:
        raise Refused(f"{error.diag.message_primary}", error.diag.message_hint) from None
    _forget_owners(folder)
    rows = {}
    # Loops last: as long as they are there, the rest is looked for, too.
    for table in reversed(TABLES):
        name = f"{table}_{tail}"
        if _said(conn, "exists", table=f"retired.{name}"):
            rows[table] = _count(conn, name) if table == OWNERS else _kept(conn, folder, name)
            conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("retired", name)))
    return rows


def bring_back(conn: Connection, month: datetime, folder: Path) -> dict[str, int]:
    """All of it or nothing, into a month that is empty. Gives rows by table."""
    month = _first(month)
    tail = f"{month:%Y_%m}"
    with conn.transaction():
        if not _said(conn, "empty", month=month):
            raise Refused(f"loops of {tail}: are there")
        conn.execute("CREATE SCHEMA IF NOT EXISTS retired")
        rows = {
            table: conn.execute(led(SQL["owners"]), {"month": month}).rowcount
            if table == OWNERS
            else _back(conn, folder, table, f"{table}_{tail}")
            for table in TABLES
        }
        conn.execute(led(SQL["whispers"]), {"month": month})
    _forget_owners(folder)
    return rows


def _forget_owners(folder: Path) -> None:
    """An older release wrote them into the archive, too."""
    for path in folder.glob(f"{OWNERS}_*"):
        path.unlink()


def _back(conn: Connection, folder: Path, table: str, name: str) -> int:
    """By way of a table without policies: COPY does not take a row where there are some."""
    beside, into = sql.Identifier("retired", f"back_{name}"), sql.Identifier("soulfra", table)
    conn.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(beside, into))
    rows = restore(conn, folder, name, f"retired.back_{name}")
    named = verify(folder, name)
    taken = [column for column in (named.columns if named else ()) if column != WHISPER]
    columns = sql.SQL(", ").join(map(sql.Identifier, taken))
    conn.execute(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
            into, columns, columns, beside
        )
    )
    conn.execute(sql.SQL("DROP TABLE {}").format(beside))
    return rows


def _first(month: datetime) -> datetime:
    return month.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _kept(conn: Connection, folder: Path, name: str) -> int:
    """Rows of the archive, made now or by a run that was killed; never of an older one."""
    old, source = verify(folder, name), _shown(conn, name)
    if old is None:
        return archive(conn, source, folder, name).rows
    with TemporaryDirectory(dir=folder) as beside:
        new = archive(conn, source, Path(beside), name)
    if new.sha256 != old.sha256:
        raise Refused(f"{folder / name}: is an archive of other rows", "move it away first")
    return old.rows


def _shown(conn: Connection, name: str) -> sql.Composable:
    """Its rows, without what was whispered; in one order, wherever they lie."""
    table = sql.Identifier("retired", name)
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(table))
        columns = [each.name for each in cursor.description or () if each.name != WHISPER]
    wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("SELECT {} FROM {} ORDER BY 1, 2").format(wanted, table)


def _count(conn: Connection, name: str) -> int:
    table = sql.Identifier("retired", name)
    (count,) = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone() or (0,)
    return int(count)


def _said(conn: Connection, query: str, **asked: Any) -> bool:
    (said,) = conn.execute(SQL[query], asked).fetchone() or (False,)
    return bool(said)
