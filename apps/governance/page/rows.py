"""What the page shows, row by row. Field by field as the queries of this room name them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from schemas.bridge import Action, Edge, Margin
from schemas.governance.knowledge import Kind, Severity
from schemas.governance.knowledge import Standing as Doneness
from schemas.governance.tables import Status
from schemas.governance.words import Regime


class Counts(NamedTuple):
    """All agents in four numbers."""

    agents: int
    here: int
    paused: int
    last_activity_at: datetime | None


class Agent(NamedTuple):
    """One line of the list of agents; what it never had is None."""

    identity_id: int
    agent_id: str
    status: Status
    label: str | None
    last_activity_at: datetime | None
    energy: float | None
    integrity: float | None
    entropy: float | None
    void: float | None
    coherence: float | None
    risk: float | None
    action: Action | None
    margin: Margin | None
    nearest_edge: Edge | None
    reason: str | None


class Portrait(NamedTuple):
    """One agent in full; from ``recorded_at`` on None if it never checked in."""

    identity_id: int
    agent_id: str
    status: Status
    label: str | None
    purpose: str | None
    notes: str | None
    tags: list[str]
    created_at: datetime
    last_activity_at: datetime | None
    parent_agent_id: str | None
    spawn_reason: str | None
    recorded_at: datetime | None
    energy: float | None
    integrity: float | None
    entropy: float | None
    void: float | None
    coherence: float | None
    regime: Regime | None
    risk: float | None
    action: Action | None
    margin: Margin | None
    nearest_edge: Edge | None
    reason: str | None
    warmth: float | None
    clarity: float | None
    stability: float | None
    presence: float | None
    state_json: dict[str, Any] | None


class Child(NamedTuple):
    """An agent that another spawned."""

    agent_id: str
    status: Status
    spawn_reason: str | None


class Turn(NamedTuple):
    """A status that an agent came to."""

    occurred_at: datetime
    status_before: Status | None
    status: Status
    role: str


class State(NamedTuple):
    """The last state of one step of time: governance EISV, and drawing EISV where it was sent."""

    recorded_at: datetime
    energy: float
    integrity: float
    entropy: float
    void: float
    coherence: float
    risk: float
    action: Action
    drawing_energy: float | None
    drawing_integrity: float | None
    drawing_entropy: float | None
    drawing_void: float | None
    drawing_coherence: float | None


class Verdict(NamedTuple):
    """One verdict."""

    state_id: int
    agent_id: str
    received_at: datetime
    action: Action
    margin: Margin
    nearest_edge: Edge
    reason: str
    risk: float
    coherence: float
    void: float
    late: bool


class Place(NamedTuple):
    """Where a list of verdicts stands."""

    state_id: int


class Line(NamedTuple):
    """Where a list of the trail stands."""

    recorded_at: datetime
    event_id: UUID


class Event(NamedTuple):
    """One line of the trail."""

    event_id: UUID
    recorded_at: datetime
    agent_id: str | None
    event_type: str
    payload: dict[str, Any]


class Find(NamedTuple):
    """One discovery in a list; what a search hit is marked."""

    discovery_id: str
    agent_id: str
    type: Kind
    severity: Severity | None
    status: Doneness
    created_at: datetime
    summary: str
    excerpt: str


class Tag(NamedTuple):
    """A word and how many discoveries have it."""

    tag: str
    discoveries: int


class Discovery(NamedTuple):
    """One discovery in full."""

    discovery_id: str
    agent_id: str
    type: Kind
    severity: Severity | None
    status: Doneness
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    summary: str
    details: str
    references_files: list[str]
    response_to: str | None
    response_type: str | None
    confidence: float | None
    energy: float | None
    integrity: float | None
    entropy: float | None
    void: float | None
    coherence: float | None
    tags: list[str]


class Near(NamedTuple):
    """A discovery one step away, and in what manner."""

    manner: str
    how: str
    discovery_id: str
    type: Kind
    summary: str


class Dispute(NamedTuple):
    """One dispute in a list."""

    session_id: str
    session_type: str
    phase: str
    status: str
    paused_agent_id: str
    reviewer_agent_id: str | None
    reason: str | None
    topic: str | None
    created_at: datetime
    updated_at: datetime
    synthesis_round: int
    max_synthesis_rounds: int
    resolution_action: str | None


class WholeDispute(NamedTuple):
    """One dispute with how it ended."""

    session_id: str
    session_type: str
    phase: str
    status: str
    paused_agent_id: str
    reviewer_agent_id: str | None
    reason: str | None
    topic: str | None
    created_at: datetime
    updated_at: datetime
    synthesis_round: int
    max_synthesis_rounds: int
    resolution_action: str | None
    discovery_id: str | None
    dispute_type: str | None
    resolved_at: datetime | None
    resolution_json: dict[str, Any] | None


class Said(NamedTuple):
    """What one agent said in a dispute."""

    seq: int
    agent_id: str
    message_type: str
    recorded_at: datetime
    root_cause: str | None
    proposed_conditions: list[Any] | None
    reasoning: str | None
    observed_metrics: dict[str, Any] | None
    concerns: list[Any] | None
    agrees: bool | None


class Newest(NamedTuple):
    """The newest of each kind: when one of them changes there is something to show."""

    states: int | None
    audit: datetime | None
    knowledge: datetime | None
    disputes: int | None
    lives: int | None
