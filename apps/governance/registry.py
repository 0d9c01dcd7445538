"""Who may come to be, whose child it is, what tokens it has, and how it ends; all of it audited.

With the right to write an agent has a say over itself and its children; an operator over all. The
table of rights is ``_may``. A parent is named when a child is registered and never changes.
"""

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from apps.bridge.refusals import Conflict, Forbidden, NotFound
from apps.bridge.tool import Caller, Tool
from apps.governance.audit import AuditLog, event
from apps.governance.change import change
from apps.governance.desk import Desk
from apps.governance.graph import ask, know_agents
from apps.governance.identities import SQL as IDENTITY
from apps.governance.keyring import SQL as TOKENS
from apps.governance.keyring import Keyring, Shown, Wish
from apps.governance.lives import Lives
from apps.governance.sessions import SQL as SESSIONS
from apps.governance.sessions import Sessions
from apps.postgres import Connection
from apps.queries import load
from schemas.governance.calls import Right
from schemas.governance.calls.agents import (
    ArchiveAgent,
    Archived,
    IssueToken,
    RegisterAgent,
    Registered,
    Revoked,
    RevokeToken,
    TokenShown,
)
from schemas.governance.tables import Purpose, Status

SQL = load(Path(__file__).with_name("agents.sql"))


class Registry:
    """core.identities and core.tokens, as agents and operators may change them."""

    def __init__(
        self,
        desk: Desk,
        audit: AuditLog,
        keyring: Keyring,
        sessions: Sessions,
        lives: Lives,
        *,
        deployed: AbstractSet[str] = frozenset(),
    ) -> None:
        self._desk = desk
        self._audit = audit
        self._keyring = keyring
        self._sessions = sessions
        self._lives = lives
        self._deployed = deployed
        """Names that are taken though nobody may have heard of them yet."""

    def tools(self) -> tuple[Tool, ...]:
        """What one may change."""
        return (
            Tool(
                "register_agent", "Make a new agent known: a child of yours, with its own token.",
                RegisterAgent, Registered, Right.WRITE, self.register,
            ),
            Tool(
                "issue_token", "Another token for yourself or a child; it is shown this once.",
                IssueToken, TokenShown, Right.WRITE, self.issue,
            ),
            Tool(
                "revoke_token", "End a token; within seconds it opens nothing.",
                RevokeToken, Revoked, Right.WRITE, self.revoke,
            ),
            Tool(
                "archive_agent", "End yourself or a child: tokens and sessions end with it.",
                ArchiveAgent, Archived, Right.WRITE, self.archive,
            ),
        )  # fmt: skip

    async def register(self, caller: Caller, asked: RegisterAgent) -> Registered:
        """A new agent, its parent, its vertex and its first token, or none of them."""
        agent = asked.new_agent or str(uuid4())
        parent = asked.parent
        if Right.OPERATE not in caller.rights:
            parent = parent or caller.named()
            if parent != caller.agent:
                raise Forbidden(
                    f"agent {parent!r}: is not you", "register your own child, or ask an operator"
                )
            if agent in self._deployed:
                raise Conflict(f"agent {agent!r}: is one of the deploy's", "take another name")
        given = _given(caller, asked.rights)
        async with change(self._desk, self._audit) as (conn, events):
            values = {"agent": agent, "parent": parent, "reason": asked.spawn_reason}
            row = await (await conn.execute(SQL["register_agent"], values)).fetchone()
            if row is None:
                await self._why_not(conn, agent, parent)
            words = asked.model_dump(include={"label", "purpose", "tags"}, exclude_none=True)
            await conn.execute(IDENTITY["describe_identity"], _words(agent, words))
            await self._in_graph(conn, agent, parent)
            shown = await self._issue(conn, agent, given, asked.token_days, caller)
            payload = {"parent": parent, "by": caller.agent, "spawn_reason": asked.spawn_reason}
            events.append(event(agent, "identity_created", payload))
            events.append(event(agent, "token_issued", _told(shown, given, caller)))
        return Registered(parent_agent_id=parent, **_shown(caller, agent, shown, given))

    async def issue(self, caller: Caller, asked: IssueToken) -> TokenShown:
        """A token beside those that the agent has."""
        agent = asked.agent or caller.named()
        given = _given(caller, asked.rights)
        async with change(self._desk, self._audit) as (conn, events):
            await self._may(conn, caller, agent)
            shown = await self._issue(conn, agent, given, asked.token_days, caller)
            events.append(event(agent, "token_issued", _told(shown, given, caller)))
        return TokenShown(**_shown(caller, agent, shown, given))

    async def revoke(self, caller: Caller, asked: RevokeToken) -> Revoked:
        """End one; a token of another agent is not there, whoever's it is."""
        mine = None if Right.OPERATE in caller.rights else caller.named()
        try:
            async with change(self._desk, self._audit) as (conn, events):
                values = {"token_id": asked.token_id, "agent": mine}
                row = await (await conn.execute(TOKENS["revoke_token"], values)).fetchone()
                if row is None:
                    raise NotFound(
                        f"token {asked.token_id}: is not there, or has ended",
                        "get_agent lists those that live",
                    )
                payload = {"token_id": asked.token_id, "by": caller.agent}
                events.append(event(row[0], "token_revoked", payload))
        finally:  # also when it is done and cannot be told yet
            self._keyring.forget([asked.token_id])
        return Revoked(resolved_agent_id=caller.agent, token_id=asked.token_id, agent=row[0])

    async def archive(self, caller: Caller, asked: ArchiveAgent) -> Archived:
        """End an agent; what an operator holds only an operator ends."""
        agent = asked.agent or caller.named()
        tokens: list[int] = []
        sessions: list[str] = []
        try:
            async with change(self._desk, self._audit) as (conn, events):
                status = await self._may(conn, caller, agent)
                if status == Status.PAUSED and Right.OPERATE not in caller.rights:
                    raise Forbidden(f"agent {agent!r}: is paused", "ask an operator")
                done = await (await conn.execute(SQL["archive_agent"], {"agent": agent})).fetchone()
                if done is None or not done[0]:
                    raise Conflict(f"agent {agent!r}: is {status}", "it has ended before")
                tokens += await _ids(conn, TOKENS["revoke_tokens"], agent)
                sessions += await _ids(conn, SESSIONS["end_sessions"], agent)
                await self._in_graph(conn, agent, None)
                payload = {
                    "by": caller.agent, "reason": asked.reason,
                    "tokens": tokens, "sessions": len(sessions),
                }  # fmt: skip
                events.append(event(agent, "identity_archived", payload))
        finally:  # also when it is done and cannot be told yet
            self._lives.forget([agent])
            self._keyring.forget(tokens)
            self._sessions.forget(sessions)
        return Archived(
            resolved_agent_id=caller.agent,
            agent=agent,
            status=Status.ARCHIVED,
            tokens_ended=len(tokens),
            sessions_ended=len(sessions),
        )

    async def _may(self, conn: Connection, caller: Caller, agent: str) -> str:
        """Its status, if the caller has a say over it: itself, its parent, an operator."""
        row = await (await conn.execute(SQL["standing_of"], {"agent": agent})).fetchone()
        is_operator = Right.OPERATE in caller.rights
        if row is None and (is_operator or agent == caller.agent):
            raise NotFound(f"agent {agent!r}: is not there", "list_agents tells who is")
        if not (is_operator or caller.named() in {agent, row[1] if row else None}):
            raise Forbidden(f"agent {agent!r}: is neither you nor your child", "ask an operator")
        return str(row[0]) if row else ""

    async def _why_not(self, conn: Connection, agent: str, parent: str | None) -> None:
        if await (await conn.execute(SQL["standing_of"], {"agent": agent})).fetchone():
            raise Conflict(f"agent {agent!r}: is there already", "choose another name")
        raise NotFound(f"parent {parent!r}: is not there, or has ended", "list_agents tells who is")

    async def _issue(
        self, conn: Connection, agent: str, given: frozenset[Right], days: int, caller: Caller
    ) -> Shown:
        wish = Wish(agent, Purpose.ACCESS, given, days, caller.agent)
        return await self._keyring.issue(conn, wish)

    async def _in_graph(self, conn: Connection, agent: str, parent: str | None) -> None:
        """The vertices as the rows are now, and the edge from parent to child."""
        known: dict[str, Any] = {}
        for name in filter(None, (agent, parent)):
            row = await (await conn.execute(SQL["standing_of"], {"agent": name})).fetchone()
            if row is not None:
                known[name] = (row[0], row[2])
        await know_agents(conn, known)
        if parent is not None:
            await ask(conn, SQL["spawned"], {"parent": parent, "child": agent})


def _given(caller: Caller, rights: tuple[Right, ...]) -> frozenset[Right]:
    """Nobody gives what it has not."""
    given = frozenset(rights)
    if lacking := sorted(given - caller.rights):
        raise Forbidden(f"rights: you have no {', '.join(lacking)}", "give what you have, or less")
    return given


def _shown(caller: Caller, agent: str, shown: Shown, given: frozenset[Right]) -> dict[str, Any]:
    return {
        "resolved_agent_id": caller.agent,
        "agent": agent,
        "token_id": shown.token_id,
        "token": shown.token,
        "rights": tuple(sorted(given)),
        "expires_at": shown.expires_at,
    }


def _told(shown: Shown, given: frozenset[Right], caller: Caller) -> dict[str, Any]:
    """What the trail says of a token: all but what opens."""
    return {
        "token_id": shown.token_id,
        "rights": sorted(given),
        "expires_at": shown.expires_at,
        "by": caller.agent,
    }


def _words(agent: str, said: dict[str, Any]) -> dict[str, Any]:
    """What describe_identity is given."""
    absent = {"label": None, "purpose": None, "notes": None}
    tags = list(said.get("tags") or ())
    metadata = to_json(said.get("metadata") or {}).decode()
    return {**absent, **said, "agent": agent, "tags": tags, "metadata": metadata}


async def _ids(conn: Connection, query: str, agent: str) -> list[Any]:
    rows = await conn.execute(query, {"agent": agent})
    return [found for (found,) in await rows.fetchall()]
