"""``abode graph CYPHER``: ad-hoc Cypher, the owner's alone, within a time and without a trace.

AGE 1.5 writes even where only reading is allowed, so what was asked is taken back unless it is to
stay. Agents reach the graph through governance's tools, which know no Cypher.
"""

from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import errors

from apps.governance.data import cypher
from apps.hosts import in_force
from apps.ops.migrate import reached
from schemas.errors import Refused, Unreachable
from schemas.governance.graph import GRAPH
from schemas.governance.server import OWNER

OPTIONS = "-c lock_timeout=2000 -c search_path=pg_catalog,ag_catalog"


class Answer(NamedTuple):
    """What was returned: names of columns, then values."""

    columns: list[str]
    rows: list[list[Any]]


def on_hosts(root: Path, text: str, *, write: bool, seconds: float) -> Answer:
    """Ask the graph of the hosts in force."""
    with reached(*in_force(root)) as database:
        return ask(database, text, write=write, seconds=seconds)


def ask(database: str, text: str, *, write: bool = False, seconds: float = 5) -> Answer:
    """Ask; what it changes is kept only with ``write``."""
    sql, given, columns = cypher.asked(GRAPH, text, {})
    limit = (
        f"-c statement_timeout={max(1, int(seconds * 1000))} -c search_path=pg_catalog,ag_catalog"
    )
    try:
        with psycopg.connect(database, options=limit, connect_timeout=10) as conn:
            rows = conn.execute(sql, [given]).fetchmany(cypher.ROWS_LIMIT + 1)
            if not write:
                conn.rollback()
    except errors.QueryCanceled:
        raise Refused(f"graph: took longer than {seconds:g} s", "ask less, or --seconds") from None
    except psycopg.OperationalError as error:
        if error.sqlstate is None:
            raise Unreachable(f"postgres: as {OWNER}: does not answer", "abode status") from None
        raise Refused(f"graph: {error.diag.message_primary}") from None
    except psycopg.Error as error:
        raise Refused(f"graph: {error.diag.message_primary}", error.diag.message_hint) from None
    if len(rows) > cypher.ROWS_LIMIT:
        raise Refused(f"graph: more than {cypher.ROWS_LIMIT} rows", "add LIMIT")
    return Answer(columns, [[cypher.value(each) for each in row] for row in rows if columns])
