"""Rows of schema ``dialectic``: how a paused agent and its reviewer come to terms."""

from enum import StrEnum
from typing import Annotated

from schemas.governance.words import JsonList, JsonObject, Serial
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table


class Phase(StrEnum):
    """How far a dispute is. The last three end it."""

    THESIS = "thesis"
    ANTITHESIS = "antithesis"
    SYNTHESIS = "synthesis"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    FAILED = "failed"


class Step(StrEnum):
    """What a message is: the phases in which one is said."""

    THESIS = "thesis"
    ANTITHESIS = "antithesis"
    SYNTHESIS = "synthesis"


class Standing(StrEnum):
    """Whether a dispute goes on, and if not, how it ended."""

    ACTIVE = "active"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    FAILED = "failed"
    TIMEOUT = "timeout"


class SessionKind(StrEnum):
    """Why two agents talk."""

    RECOVERY = "recovery"
    DISPUTE = "dispute"
    REVIEW = "review"
    EXPLORATION = "exploration"


class DisputeKind(StrEnum):
    """What a dispute over a discovery asks for."""

    DISPUTE = "dispute"
    CORRECTION = "correction"
    VERIFICATION = "verification"


class Outcome(StrEnum):
    """What becomes of the paused agent."""

    RESUME = "resume"
    BLOCK = "block"
    ESCALATE = "escalate"
    COOLDOWN = "cooldown"


class DialecticSession(
    Table,
    owner="mac",
    store="governance",
    table="dialectic.sessions",
    key=("session_id",),
    indexes=(
        Index("paused_agent_id, created_at DESC", "sessions_paused_agent_id_created_at_idx"),
        Index("reviewer_agent_id", "sessions_reviewer_agent_id_idx"),
        Index("discovery_id", "sessions_discovery_id_idx", where="discovery_id IS NOT NULL"),
        Index("status, created_at DESC", "sessions_status_created_at_idx"),
        Index("paused_agent_id", "sessions_open_key", where="status = 'active'", unique=True),
        Index("deadline_at", "sessions_deadline_at_idx", where="status = 'active'"),
        Index("resume_at", "sessions_resume_at_idx", where="resume_at IS NOT NULL"),
    ),
    sensitivity="personal",
):
    """One dispute: thesis of the paused agent, antithesis of the reviewer, rounds of synthesis.

    An agent has one open dispute at most.
    """

    session_id: Annotated[str, Column("Made by whoever opens it.")]
    session_type: Annotated[SessionKind, Column("Why they talk.", default="'recovery'")] = (
        SessionKind.RECOVERY
    )
    phase: Annotated[Phase, Column("How far they are.", default="'thesis'")] = Phase.THESIS
    status: Annotated[Standing, Column("How it ended, or active.", default="'active'")] = (
        Standing.ACTIVE
    )
    paused_agent_id: Annotated[
        str, Column("Whose pause it is about.", references="core.identities (agent_id)")
    ]
    reviewer_agent_id: Annotated[
        str | None,
        Column("Who answers; itself if nobody else can.", references="core.identities (agent_id)"),
    ] = None
    topic: Annotated[str | None, Column("What they explore.")] = None
    reason: Annotated[str | None, Column("Why it was opened.")] = None
    discovery_id: Annotated[
        str | None,
        Column(
            "The discovery in dispute.",
            references="core.discoveries (discovery_id) ON DELETE SET NULL",
        ),
    ] = None
    dispute_type: Annotated[DisputeKind | None, Column("What is asked for about it.")] = None
    synthesis_round: Annotated[
        int,
        Quantity("{round}", "counted with each synthesis of both", low=0),
        Column(sql="integer", default="0"),
    ] = 0
    max_synthesis_rounds: Annotated[
        int,
        Quantity("{round}", "5 to recover, 10 to explore", low=1),
        Column(sql="integer", default="5"),
    ] = 5
    paused_agent_state_json: Annotated[
        JsonObject | None, Column("The agent's state when it was paused.")
    ] = None
    resolution_action: Annotated[Outcome | None, Column("What became of the agent.")] = None
    resolution_json: Annotated[
        JsonObject | None, Column("What was agreed: conditions, reasoning, both signatures.")
    ] = None
    created_at: Annotated[Instant, Column("When it was opened.", default="now()")]
    updated_at: Annotated[Instant, Column("When it last moved.", default="now()")]
    resolved_at: Annotated[Instant | None, Column("When it ended.")] = None
    deadline_at: Annotated[
        Instant | None, Column("When the next word is due, or it fails; null once it has ended.")
    ] = None
    resume_at: Annotated[
        Instant | None, Column("Until when the agent cools down; null when it does not.")
    ] = None
    settled_at: Annotated[
        Instant | None, Column("When it came to the agent's status; dialectic.settle writes it.")
    ] = None
    imported_json: Annotated[
        JsonObject | None, Column("What its file says that no other column does, if it had one.")
    ] = None


class DialecticMessage(
    Table,
    owner="mac",
    store="governance",
    table="dialectic.messages",
    key=("message_id",),
    unique={"messages_key": ("session_id", "seq")},
    indexes=(Index("agent_id, recorded_at DESC", "messages_agent_id_recorded_at_idx"),),
    sensitivity="personal",
):
    """What one agent said in a dispute. Never changed."""

    message_id: Annotated[Serial, Column(identity=True)]
    session_id: Annotated[
        str, Column("The dispute.", references="dialectic.sessions (session_id) ON DELETE CASCADE")
    ]
    seq: Annotated[int, Quantity("1", "place in the dispute, from 0", low=0), Column(sql="integer")]
    agent_id: Annotated[str, Column("Who said it.", references="core.identities (agent_id)")]
    message_type: Annotated[Step, Column("What it is.")]
    recorded_at: Annotated[Instant, Column("When it was said.", default="now()")]
    root_cause: Annotated[str | None, Column("What led to the pause.")] = None
    proposed_conditions: Annotated[JsonList | None, Column("On what terms to go on.")] = None
    reasoning: Annotated[str | None, Column("Why.")] = None
    observed_metrics: Annotated[JsonObject | None, Column("What the reviewer measured.")] = None
    concerns: Annotated[JsonList | None, Column("What the reviewer fears.")] = None
    agrees: Annotated[bool | None, Column("Whether it accepts the other's terms.")] = None
    signature: Annotated[str | None, Column("SHA-256 that binds the agent to it, in hex.")] = None
    proposed_action: Annotated[Outcome | None, Column("What should become of the agent.")] = None
    imported_json: Annotated[
        JsonObject | None, Column("What its file says that no other column does, if it had one.")
    ] = None


TABLES: tuple[type[Table], ...] = (DialecticSession, DialecticMessage)
