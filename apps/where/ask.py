"""The questions that tell how fresh a place is: for whoever can reach its store."""

from typing import Any, Final

from apps.where.entry import Entry
from apps.where.read import age_of, glob, home_of
from schemas.bridge import CheckIn, Verdict
from schemas.document import Document
from schemas.files import Beside, Home
from schemas.governance.graph import GRAPH
from schemas.governance.tables import AgentState
from schemas.governance.views import View
from schemas.label import Label
from schemas.postgres import Login
from schemas.table import Store, Table

STATEMENT_MS: Final = 250
"""How long one answer may take."""
BEST: Final = 5
"""Places whose stores are asked, the best ones."""


def table_of(entry: Entry) -> type[Table] | None:
    """The table whose rows it is, or that tells of it: a message is a row once it is answered."""
    of: Any = entry.of
    if isinstance(of, View):
        return of.of
    if isinstance(of, type):
        if issubclass(of, Table):
            return of
        if of in {CheckIn, Verdict}:
            return AgentState
    return None


def files_of(entry: Entry) -> tuple[Home, str] | None:
    """Where the files are that it is, or is in, and what they are called below their folder."""
    of: Any = entry.of
    if isinstance(of, Beside):
        return of.home, of.glob
    is_document = isinstance(of, type) and issubclass(of, Document)
    return (home_of(of), glob(of)) if is_document else None


def in_postgres(entry: Entry, database: Store = "governance") -> str | None:
    """A query of one column, the seconds since the newest: no row where it is empty.

    The seconds are null where nothing tells the time. None where that database does not hold it.
    """
    of: Any = entry.of
    if database != "governance":
        return _age(table_of(entry), database)
    if isinstance(of, Login):
        return f"SELECT NULL::float8 FROM pg_catalog.pg_roles WHERE rolname = '{of.role}'"  # noqa: S608
    if isinstance(of, type) and issubclass(of, Label):
        return f'SELECT NULL::float8 FROM {GRAPH}."{of.label}" LIMIT 1'  # noqa: S608
    if isinstance(of, View) and of.of is None:
        return f"SELECT NULL::float8 FROM {of.view} LIMIT 1"  # noqa: S608
    return _age(table_of(entry), database)


def in_sqlite(entry: Entry) -> str | None:
    """The instant of the newest row, as text. None where the Pi's file does not hold it."""
    table = table_of(entry)
    if table is None or table.store != "anima":
        return None
    return age_of(table) or f"SELECT NULL FROM {table.table} LIMIT 1"  # noqa: S608


def _age(table: type[Table] | None, store: Store) -> str | None:
    if table is None or table.store != store:
        return None
    asked = age_of(table)
    if asked is None:
        return f"SELECT NULL::float8 FROM {table.table} LIMIT 1"  # noqa: S608
    return f"SELECT extract(epoch FROM now() - newest.at)::float8 FROM ({asked}) AS newest (at)"  # noqa: S608
