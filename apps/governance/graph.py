"""governance_graph, changed in the transaction of the rows that it repeats.

The Cypher is fixed text out of ``.sql`` files; what varies travels as one map of parameters.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from apps.postgres import Connection
from apps.queries import load

SQL = load(Path(__file__).with_name("graph.sql"))
OPERATORS = "SET LOCAL search_path = pg_catalog, ag_catalog"
"""AGE finds the operators of agtype by the path only; it ends with the transaction."""


async def ask(conn: Connection, cypher: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of one named query of a ``.sql`` file, inside a transaction."""
    await conn.execute(OPERATORS)
    found = await conn.execute(cypher, {"given": to_json(given).decode()})
    return await found.fetchall()


async def know_agents(conn: Connection, agents: Mapping[str, tuple[str, datetime]]) -> None:
    """Make the vertices of agents, given status and creation, or bring them up to date.

    Two writers cannot both MERGE an agent that is new: each waits for the other's end.
    """
    for agent, (status, created_at) in sorted(agents.items()):
        await conn.execute(SQL["hold_agent"], {"agent": agent})
        given = {"id": agent, "status": status, "created_at": created_at.isoformat()}
        await ask(conn, SQL["know_agent"], given)
