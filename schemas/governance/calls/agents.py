"""Agents: made known, looked up, given tokens, ended."""

from typing import Annotated, Final

from annotated_types import MaxLen, MinLen
from pydantic import Field, StringConstraints

from schemas.bridge import Action, AgentName, Margin
from schemas.governance.calls import Call, Reply, Right
from schemas.governance.calls.identity import TagName, Text
from schemas.governance.tables import Purpose, Status
from schemas.governance.words import JsonObject
from schemas.quantity import Closed, Instant, Quantity

Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Why = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Days = Annotated[int, Quantity("d", "by whoever asks for it", low=1, high=400)]
Rights = Annotated[tuple[Right, ...], MinLen(1), MaxLen(4)]
Number = Annotated[int, Quantity("1", "as it was shown", low=1, high=2**63 - 1)]
PAGE_LIMIT: Final = 200
KIN_LIMIT: Final = 100
"""Ancestors and children that are listed."""


class RegisterAgent(Call):
    """A new agent: the caller's child, or with the right to operate anyone's or nobody's."""

    new_agent: AgentName | None = Field(
        default=None, description="What it is called for ever; absent gives it a uuid."
    )
    label: Label | None = Field(default=None, description="What people call it.")
    purpose: Text | None = Field(default=None, description="What it is for.")
    tags: Annotated[tuple[TagName, ...], MaxLen(64)] = Field(
        default=(), description="Words to find it by."
    )
    parent: AgentName | None = Field(
        default=None, description="Who spawns it; absent is the caller, of an operator nobody."
    )
    spawn_reason: Why | None = Field(default=None, description="Why it is spawned.")
    rights: Rights = Field(
        default=(Right.CHECK_IN, Right.READ, Right.WRITE),
        description="What its token lets it do: no more than the caller may.",
    )
    token_days: Days = Field(default=90, description="How long its token lives.")


class IssueToken(Call):
    """Another token: for the caller, for a child of it, or by an operator for anyone."""

    agent: AgentName | None = Field(default=None, description="Whose; absent is the caller.")
    rights: Rights = Field(
        default=(Right.CHECK_IN, Right.READ, Right.WRITE),
        description="What it lets its bearer do: no more than the caller may.",
    )
    token_days: Days = Field(default=90, description="How long it lives.")


class TokenShown(Reply):
    """A token, which is shown this once and kept by nobody but its agent."""

    agent: str = Field(description="Whose it is.")
    token_id: int = Field(description="Its number, to end it by.")
    token: str = Field(description="Send it as Authorization: Bearer.")
    rights: tuple[Right, ...] = Field(description="What it lets its bearer do.")
    expires_at: Instant = Field(description="From when on it opens nothing.")


class Registered(TokenShown):
    """A new agent and its first token."""

    parent_agent_id: str | None = Field(description="Who spawned it.")


class RevokeToken(Call):
    """End a token of the caller; an operator ends anyone's. It opens nothing within seconds."""

    token_id: Number = Field(description="Its number.")


class Revoked(Reply):
    """A token that has ended."""

    token_id: int = Field(description="Its number.")
    agent: str = Field(description="Whose it was.")


class ArchiveAgent(Call):
    """End an agent: the caller itself, a child of it, or by an operator anyone."""

    agent: AgentName | None = Field(default=None, description="Whom; absent is the caller.")
    reason: Why = Field(description="Why; it is audited.")


class Archived(Reply):
    """An agent that has ended: its tokens and sessions open nothing, its check-ins are held."""

    agent: str = Field(description="Who.")
    status: Status = Field(description="Where it is in its life now.")
    tokens_ended: int = Field(description="How many tokens it had.")
    sessions_ended: int = Field(description="How many sessions it had.")


class ListAgents(Call):
    """Agents by name, a page at a time."""

    status: Status | None = Field(default=None, description="Only those that are so.")
    after: AgentName | None = Field(
        default=None, description="The ``next`` of the page before; absent begins."
    )
    limit: Annotated[int, Quantity("1", "agents of a page", low=1, high=PAGE_LIMIT)] = Field(
        default=50, description="How many at most."
    )


class AgentListed(Closed):
    """One agent of a list."""

    agent_id: str
    status: Status
    label: str | None
    parent_agent_id: str | None
    last_activity_at: Instant | None = Field(description="When it was last heard.")
    last_action: Action | None = Field(description="Its last verdict; null before the first.")
    last_margin: Margin | None
    last_verdict_at: Instant | None


class AgentList(Reply):
    """A page of agents."""

    agents: tuple[AgentListed, ...]
    next: str | None = Field(description="Where the next page begins; null at the end.")


class GetAgent(Call):
    """One agent with its kin."""

    agent: AgentName | None = Field(default=None, description="Whom; absent is the caller.")


class TokenListed(Closed):
    """A token that lives, without what opens."""

    token_id: int
    purpose: Purpose
    rights: tuple[Right, ...]
    issued_by: str | None
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None = Field(description="To an hour.")


class AgentShown(Reply):
    """What governance knows of an agent."""

    agent_id: str
    status: Status
    created_at: Instant
    label: str | None
    purpose: str | None
    notes: str | None
    tags: tuple[str, ...]
    metadata: JsonObject
    parent_agent_id: str | None
    spawn_reason: str | None
    ancestors: tuple[str, ...] = Field(description="Parent, its parent, and so on.")
    children: tuple[str, ...] = Field(description="By name; a hundred at most.")
    last_activity_at: Instant | None
    last_action: Action | None
    last_margin: Margin | None
    last_reason: str | None
    last_verdict_at: Instant | None
    tokens: tuple[TokenListed, ...] | None = Field(
        description="Those that live; null for whoever is neither the agent nor an operator."
    )
