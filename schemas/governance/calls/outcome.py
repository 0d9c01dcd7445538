"""What came of something that an agent did."""

from typing import Annotated, Any

from annotated_types import MaxLen
from pydantic import Field, StringConstraints

from schemas.governance.calls import Call
from schemas.quantity import Quantity


class ReportOutcome(Call):
    """How something turned out."""

    outcome_type: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="What was attempted."
    )
    outcome_score: (
        Annotated[float, Quantity("1", "how well it went, by the reporter", low=0, high=1)] | None
    ) = Field(default=None, description="How well it went.")
    is_bad: bool | None = Field(default=None, description="Whether it counts against the agent.")
    detail: Annotated[dict[str, Any], MaxLen(64)] | None = Field(
        default=None, description="What else there is to say."
    )
