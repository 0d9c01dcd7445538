"""Who there is: the tools that only read."""

from pathlib import Path
from typing import Any

from apps.bridge.refusals import NotFound
from apps.bridge.tool import Caller, Tool
from apps.governance.descriptions import Descriptions
from apps.governance.desk import Desk
from apps.governance.keyring import SQL as TOKENS
from apps.postgres import Connection
from apps.queries import load
from schemas.governance.calls import Right
from schemas.governance.calls.agents import (
    KIN_LIMIT,
    AgentList,
    AgentListed,
    AgentShown,
    GetAgent,
    ListAgents,
    TokenListed,
)

SQL = load(Path(__file__).with_name("agents.sql"))


class Roster:
    """core.identities, to be looked at."""

    def __init__(self, desk: Desk, descriptions: Descriptions) -> None:
        self._desk = desk
        self._descriptions = descriptions

    def tools(self) -> tuple[Tool, ...]:
        """What one may ask."""
        return (
            Tool(
                "list_agents", "List agents by name, with what was last heard of each.",
                ListAgents, AgentList, Right.READ, self.list,
            ),
            Tool(
                "get_agent", "One agent: its words, its kin, its last verdict, its tokens.",
                GetAgent, AgentShown, Right.READ, self.get,
            ),
        )  # fmt: skip

    async def list(self, caller: Caller, asked: ListAgents) -> AgentList:
        """A page; one row more is read than shown, to know whether there is a next one."""
        values = {"status": asked.status, "after": asked.after, "limit": asked.limit + 1}
        async with self._desk.connection() as conn:
            rows = await (await conn.execute(SQL["list_agents"], values)).fetchall()
        names = list(AgentListed.model_fields)
        shown = [AgentListed.model_validate(dict(zip(names, row, strict=True))) for row in rows]
        page = tuple(shown[: asked.limit])
        more = page[-1].agent_id if len(shown) > asked.limit else None
        return AgentList(resolved_agent_id=caller.agent, agents=page, next=more)

    async def get(self, caller: Caller, asked: GetAgent) -> AgentShown:
        """One agent; its tokens only for itself and for operators."""
        agent = asked.agent or caller.named()
        words = await self._descriptions.get(agent)
        async with self._desk.connection() as conn:
            row = await (await conn.execute(SQL["get_agent"], {"agent": agent})).fetchone()
            if row is None or words is None:
                raise NotFound(f"agent {agent!r}: is not there", "list_agents tells who is")
            kin = {"agent": agent, "limit": KIN_LIMIT}
            ancestors = await _column(conn, "ancestors", kin)
            children = await _column(conn, "children", kin)
            may = agent == caller.agent or Right.OPERATE in caller.rights
            tokens = await _tokens(conn, agent) if may else None
        status, heard, action, margin, reason, at = row
        return AgentShown(
            resolved_agent_id=caller.agent,
            agent_id=agent,
            status=status,
            **dict(words),
            ancestors=ancestors,
            children=children,
            last_activity_at=heard,
            last_action=action,
            last_margin=margin,
            last_reason=reason,
            last_verdict_at=at,
            tokens=tokens,
        )


async def _column(conn: Connection, query: str, values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[0] for row in await (await conn.execute(SQL[query], values)).fetchall())


async def _tokens(conn: Connection, agent: str) -> tuple[TokenListed, ...]:
    rows = await (await conn.execute(TOKENS["tokens_of"], {"agent": agent})).fetchall()
    names = list(TokenListed.model_fields)
    return tuple(TokenListed.model_validate(dict(zip(names, row, strict=True))) for row in rows)
