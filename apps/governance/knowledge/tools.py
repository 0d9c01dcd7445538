"""The knowledge graph as agents ask and tell it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from apps.bridge.tool import Caller, Tool
from apps.governance.audit import AuditLog, event
from apps.governance.change import change
from apps.governance.desk import Desk
from apps.governance.knowledge import search, store, survey, walk
from apps.postgres import Connection
from schemas.governance.calls import Right
from schemas.governance.calls import knowledge as said
from schemas.quantity import Closed


class Knowledge:
    """What agents found out: each question or change is one connection, one transaction."""

    def __init__(self, desk: Desk, audit: AuditLog) -> None:
        self._desk = desk
        self._audit = audit

    def tools(self) -> tuple[Tool, ...]:
        """All of them."""
        read, write = Right.READ, Right.WRITE
        return (
            Tool(
                "store_discovery", "Tell what you found out; at most 20 an hour.",
                said.StoreDiscovery, said.Stored, write, self.store,
            ),
            Tool(
                "get_discovery", "A discovery in full, with what answers it.",
                said.GetDiscovery, said.Told, read, self.get,
            ),
            Tool(
                "search_discoveries", "Find discoveries by their words, kind, finder or tags.",
                said.SearchDiscoveries, said.Hits, read, self._asks(search.search),
            ),
            Tool(
                "related_discoveries", "What shares tags or links with a discovery.",
                said.RelatedDiscoveries, said.Relations, read, self._asks(search.related),
            ),
            Tool(
                "response_chain", "The conversation that a discovery is part of.",
                said.ResponseChain, said.Chain, read, self._asks(search.chain),
            ),
            Tool(
                "update_discovery", "Change a discovery's status, words, tags or links.",
                said.UpdateDiscovery, said.Changed, write, self.update,
            ),
            Tool(
                "supersede_discovery", "Let a newer discovery take an older one's place.",
                said.SupersedeDiscovery, said.Changed, write, self.supersede,
            ),
            Tool(
                "agent_lineage", "Ancestors and descendants of an agent.",
                said.AgentLineage, said.Lineage, read, self.lineage,
            ),
            Tool(
                "neighbourhood", "What lies around a discovery, an agent or a tag in the graph.",
                said.Neighbourhood, said.Surroundings, read, self._asks(walk.around),
            ),
            Tool(
                "path_between", "A shortest path through the graph.",
                said.PathBetween, said.Path, read, self._asks(walk.between),
            ),
            Tool(
                "knowledge_stats", "How much there is, and whether the graph agrees.",
                said.KnowledgeStats, said.Stats, read, self.stats,
            ),
        )  # fmt: skip

    async def store(self, caller: Caller, asked: said.StoreDiscovery) -> said.Stored:
        """Keep a discovery, its tags and links, in rows and graph."""
        agent = caller.named()
        async with change(self._desk, self._audit) as (conn, events):
            done = await store.store(conn, agent, asked)
            if done.is_new_agent:
                events.append(event(agent, "identity_created", {}))
            if done.is_new:
                found = done.discovery
                told = {"discovery_id": found.discovery_id, "type": found.type}
                events.append(event(agent, "discovery_stored", told))
        return said.Stored(discovery=done.discovery, stores_left=done.left, resolved_agent_id=agent)

    async def get(self, caller: Caller, asked: said.GetDiscovery) -> said.Told:
        """All that is known of one."""
        async with self._question() as conn:
            found = await store.one(conn, asked.discovery_id)
            came = await store.what_came_of(conn, asked.discovery_id)
        return said.Told(discovery=found, resolved_agent_id=caller.agent, **came)

    async def update(self, caller: Caller, asked: said.UpdateDiscovery) -> said.Changed:
        """Change what was told to change."""
        agent = caller.named()
        async with change(self._desk, self._audit) as (conn, events):
            before, after = await store.update(conn, caller, asked)
            told = {
                "discovery_id": after.discovery_id,
                "keys": sorted(asked.changes()),
                "status_before": before.status,
                "status": after.status,
            }
            events.append(event(agent, "discovery_updated", told))
        return said.Changed(discovery=after, resolved_agent_id=agent)

    async def supersede(self, caller: Caller, asked: said.SupersedeDiscovery) -> said.Changed:
        """Archive a discovery and say what took its place."""
        agent = caller.named()
        async with change(self._desk, self._audit) as (conn, events):
            old = await store.supersede(conn, caller, asked)
            told = {"discovery_id": asked.discovery_id, "superseded_by": asked.superseded_by}
            events.append(event(agent, "discovery_superseded", told))
        return said.Changed(discovery=old, resolved_agent_id=agent)

    async def lineage(self, caller: Caller, asked: said.AgentLineage) -> said.Lineage:
        """Of an agent, or of whoever asks."""
        async with self._question() as conn:
            found = await survey.lineage(conn, asked.of or caller.named())
        return found.model_copy(update={"resolved_agent_id": caller.agent})

    async def stats(self, caller: Caller, _: said.KnowledgeStats) -> said.Stats:
        """Counts."""
        async with self._question() as conn:
            found = await survey.stats(conn)
        return found.model_copy(update={"resolved_agent_id": caller.agent})

    def _asks(
        self, ask: Callable[[Connection, Any], Awaitable[Closed]]
    ) -> Callable[[Caller, Any], Awaitable[Closed]]:
        """A question that needs to know no more than what was asked."""

        async def run(caller: Caller, asked: Any) -> Closed:
            async with self._question() as conn:
                found = await ask(conn, asked)
            return found.model_copy(update={"resolved_agent_id": caller.agent})

        return run

    @asynccontextmanager
    async def _question(self) -> AsyncIterator[Connection]:
        """One moment of the database; nothing can be written."""
        async with self._desk.connection() as conn, conn.transaction():
            await conn.execute(walk.SQL["one_moment"])
            yield conn
