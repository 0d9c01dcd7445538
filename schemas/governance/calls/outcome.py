"""What came of something that an agent did, and how sure it had been."""

from typing import Annotated, Any
from uuid import UUID

from annotated_types import MaxLen
from pydantic import Field, StringConstraints

from schemas.bridge import AgentName
from schemas.governance.audit import Assessment
from schemas.governance.calls import Call, Reply
from schemas.quantity import Quantity

Score = Annotated[float, Quantity("1", "how well it went, by the reporter", low=0, high=1)]
Confidence = Annotated[
    float, Quantity("1", "how sure the agent was that it would go well", low=0, high=1)
]
Detail = Annotated[dict[str, Any], MaxLen(64)]
Key = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]


class Kept(Call):
    """What is kept once, however often it is reported with the same key."""

    idempotency_key: Key | None = Field(
        default=None,
        description="Made by the caller, of this report alone: a repeat after a lost answer is"
        " given the first one; the same key with another report is refused.",
    )


class ReportOutcome(Kept):
    """How something turned out."""

    outcome_type: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="What was attempted."
    )
    outcome_score: Score | None = Field(default=None, description="How well it went.")
    is_bad: bool | None = Field(
        default=None,
        description="Whether it counts against the agent; if not said, a score below 0.5 does.",
    )
    confidence: Confidence | None = Field(
        default=None, description="How sure it was before; if not said, as it felt by then."
    )
    detail: Detail | None = Field(default=None, description="What else there is to say.")


class RecordGroundTruth(Kept):
    """What turned out to be true of something that an agent was more or less sure of."""

    confidence: Confidence = Field(description="How sure the agent was.")
    actual: Score = Field(description="How far it was right: 1 wholly, 0 not at all.")
    about: AgentName | None = Field(
        default=None, description="Which agent, if not the caller; needs the right to operate."
    )
    detail: Detail | None = Field(default=None, description="What else there is to say.")


class OutcomeKept(Reply):
    """That it is kept, and what it was measured beside."""

    outcome_id: UUID
    is_bad: bool
    confidence: Confidence | None = Field(description="Said, else as the agent felt; null if new.")
    verdict: Assessment | None = Field(description="What Phi made of the agent's last state.")
    repeated: bool = Field(
        default=False, description="Whether it was kept before, and this is the first answer."
    )
