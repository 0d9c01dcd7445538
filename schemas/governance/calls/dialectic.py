"""What the tools of disputes are asked, and what they answer."""

from typing import Annotated, Any, Literal

from annotated_types import MaxLen
from pydantic import Field, StringConstraints

from schemas.bridge import AgentName
from schemas.governance.calls import Call, Reply
from schemas.governance.dialectic import (
    DisputeKind,
    Outcome,
    Phase,
    SessionKind,
    Standing,
    Step,
)
from schemas.quantity import Closed, Instant, Quantity

SessionId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=4_000)]
Spoken = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Lines = Annotated[tuple[Line, ...], MaxLen(50)]
Metrics = Annotated[dict[str, Any], MaxLen(64)]
Round = Annotated[int, Quantity("{round}", "counted from 1", low=1, high=50)]


class RequestReview(Call):
    """Open a dispute: to be resumed, to have work reviewed, to contest a discovery, to explore."""

    session_type: SessionKind = Field(
        default=SessionKind.RECOVERY, description="Why you want to talk; recovery needs a pause."
    )
    reason: Text | None = Field(default=None, description="Why you open it.")
    topic: Text | None = Field(default=None, description="What you want to explore.")
    discovery_id: SessionId | None = Field(
        default=None, description="The discovery you contest; its author answers."
    )
    dispute_type: DisputeKind | None = Field(
        default=None, description="What you ask for about the discovery."
    )
    exclude: Annotated[tuple[AgentName, ...], MaxLen(64)] = Field(
        default=(), description="Agents that shall not review."
    )
    reviewer_agent_id: AgentName | None = Field(
        default=None, description="With whom to explore; in any other dispute chance decides."
    )
    max_synthesis_rounds: (
        Annotated[int, Quantity("{round}", "asked for", low=10, high=50)] | None
    ) = Field(default=None, description="How often both may speak; to explore only.")


class SubmitThesis(Call):
    """What the paused agent says first."""

    session_id: SessionId = Field(description="The dispute.")
    root_cause: Spoken = Field(description="What led to it.")
    proposed_conditions: Lines = Field(default=(), description="On what terms to go on.")
    reasoning: Text | None = Field(default=None, description="Why.")


class SubmitAntithesis(Call):
    """What the reviewer answers."""

    session_id: SessionId = Field(description="The dispute.")
    concerns: Lines = Field(default=(), description="What you fear.")
    observed_metrics: Metrics | None = Field(default=None, description="What you measured.")
    reasoning: Spoken = Field(description="Why.")


class SubmitSynthesis(Call):
    """What either side says in a round."""

    session_id: SessionId = Field(description="The dispute.")
    agrees: bool = Field(description="Whether you accept the other's terms.")
    proposed_conditions: Lines = Field(default=(), description="Terms of your own, beside those.")
    root_cause: Text | None = Field(default=None, description="What led to it, as you see it now.")
    reasoning: Text | None = Field(default=None, description="Why.")
    proposed_action: Outcome | None = Field(
        default=None, description="What should become of the agent; of two the stricter counts."
    )
    synthesis_round: Round | None = Field(
        default=None, description="The round you mean: tells insisting from sending twice."
    )


class GetDialectic(Call):
    """One dispute and all that was said in it."""

    session_id: SessionId = Field(description="The dispute.")


class ListDialectics(Call):
    """Disputes, the newest first."""

    about: AgentName | None = Field(default=None, description="Of this agent, on either side.")
    status: Standing | None = Field(default=None, description="That stand like this.")
    before: Instant | None = Field(default=None, description="Opened before: for the next page.")
    limit: Annotated[int, Quantity("1", "asked for", low=1, high=200)] = Field(
        default=50, description="How many at most."
    )


class ImportDialectic(Call):
    """A dispute of another server, as its file has it. It is over: nothing comes of it here."""

    document: Annotated[dict[str, Any], MaxLen(64)] = Field(
        description="The file; what we have no column for is kept as well."
    )


class ExportDialectic(Call):
    """A dispute as upstream writes its files."""

    session_id: SessionId = Field(description="The dispute.")


class Session(Closed):
    """How a dispute stands."""

    session_id: str
    session_type: SessionKind
    phase: Phase
    status: Standing
    paused_agent_id: str
    reviewer_agent_id: str | None
    topic: str | None
    reason: str | None
    discovery_id: str | None
    dispute_type: DisputeKind | None
    synthesis_round: Annotated[int, Quantity("{round}", "rounds in which both spoke", low=0)]
    max_synthesis_rounds: Annotated[int, Quantity("{round}", "then it escalates", low=1)]
    deadline_at: Instant | None = Field(description="When the next word is due.")
    resolution_action: Outcome | None
    resume_at: Instant | None = Field(description="Until when the agent cools down.")
    created_at: Instant
    updated_at: Instant
    resolved_at: Instant | None


class Message(Closed):
    """What one agent said."""

    seq: Annotated[int, Quantity("1", "place in the dispute, from 0", low=0)]
    phase: Step
    agent_id: str
    timestamp: Instant
    root_cause: str | None
    proposed_conditions: list[Any] | None
    reasoning: str | None
    observed_metrics: dict[str, Any] | None
    concerns: list[Any] | None
    agrees: bool | None
    proposed_action: Outcome | None
    signature: str | None


class DialecticMoved(Reply):
    """A dispute after what was just done."""

    session: Session
    next_speakers: tuple[str, ...] = Field(description="Who may speak now.")
    repeated: bool = Field(default=False, description="Whether this was said before: once counts.")
    agent_status: str | None = Field(
        default=None, description="The status that the paused agent came to, if it changed."
    )


class DialecticTold(Reply):
    """A dispute with all that was said."""

    session: Session
    next_speakers: tuple[str, ...] = Field(description="Who may speak now.")
    paused_agent_state: dict[str, Any] | None = Field(
        description="The agent's state when it was opened."
    )
    resolution: dict[str, Any] | None = Field(
        description="What was agreed, signed by both: SHA-256 over it and over their last words."
    )
    transcript: tuple[Message, ...]


class DialecticsListed(Reply):
    """Some disputes, the newest first."""

    sessions: tuple[Session, ...]


class DialecticImported(Reply):
    """That it is kept, each field as it was."""

    session_id: str
    messages: Annotated[int, Quantity("1", "counted", low=0)]
    repeated: bool = Field(default=False, description="Whether it was there already, the same.")


class DialecticExported(Reply):
    """The file."""

    document: dict[str, Any]
    form: Literal["upstream"] = "upstream"
