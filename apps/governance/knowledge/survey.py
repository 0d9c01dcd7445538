"""Who descends from whom, and how much there is of everything."""

from pathlib import Path

from psycopg.rows import dict_row

from apps.bridge.refusals import NotFound
from apps.postgres import Connection
from apps.queries import load
from schemas.governance.calls.knowledge import Lineage, Relative, Stats

SQL = load(Path(__file__).with_name("survey.sql"))


async def lineage(conn: Connection, agent: str) -> Lineage:
    """Ancestors and descendants, as core.identities has them."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["lineage"], {"of": agent})
    rows = await cursor.fetchall()
    if not rows:
        raise NotFound(f"no agent {agent!r}", "list_agents tells whom there is")
    circular = any(row["circular"] for row in rows)
    seen: dict[str, Relative] = {}
    for row in sorted(rows, key=lambda row: abs(row["depth"])):
        told = {name: row[name] for name in Relative.model_fields}
        seen.setdefault(row["agent_id"], Relative.model_validate(told))
    relatives = sorted(seen.values(), key=lambda each: (each.depth, each.agent_id))
    return Lineage(of=agent, relatives=tuple(relatives), circular=circular)


async def stats(conn: Connection) -> Stats:
    """Counts; and whether the graph repeats what the rows say."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["stats"])
    row = await cursor.fetchone() or {}
    wanted = row.pop("rows", {})
    agrees = all(row["graph"][label] == count for label, count in wanted.items())
    return Stats.model_validate({**row, "graph_agrees": agrees})
