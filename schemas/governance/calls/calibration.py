"""How sure agents were and how right, and the thresholds of a verdict."""

from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.bridge import AgentName
from schemas.eisv import Ratio
from schemas.governance.calls import Call, Reply
from schemas.governance.thresholds import Thresholds
from schemas.quantity import Closed, Instant, Quantity

Version = Annotated[int, Quantity("1", "counted up by a trigger", low=0, high=2**31 - 1)]


class GetCalibration(Call):
    """How sure agents were and how right, from the outcomes that were reported."""

    about: AgentName | None = Field(default=None, description="Of this agent only.")
    days: Annotated[int, Quantity("d", "asked for", low=1, high=365)] = Field(
        default=90, description="From how far back."
    )


class Bin(Closed):
    """The outcomes of which an agent was about equally sure."""

    low: Ratio = Field(description="Its least confidence.")
    high: Ratio = Field(description="Its greatest; only the last bin contains it.")
    count: Annotated[int, Quantity("{outcome}", "counted", low=0)]
    predicted: Annotated[float, Quantity("{outcome}", "sum of confidences", low=0)] = Field(
        description="How many should have gone well."
    )
    actual: Annotated[float, Quantity("{outcome}", "sum of scores", low=0)] = Field(
        description="How many did; a part of one counts as a part."
    )
    mean_confidence: Ratio
    observed_rate: Ratio
    rate_low: Ratio = Field(description="Lower end of Wilson's interval, 95 %.")
    rate_high: Ratio = Field(description="Upper end of Wilson's interval, 95 %.")


class CalibrationTold(Reply):
    """The reliability curve: a well calibrated agent is right as often as it is sure."""

    bins: tuple[Bin, ...] = Field(description="Those that hold an outcome, by confidence.")
    count: Annotated[int, Quantity("{outcome}", "counted", low=0)]
    unsure: Annotated[int, Quantity("{outcome}", "counted", low=0)] = Field(
        description="Outcomes without a confidence; they are in no bin."
    )
    expected_calibration_error: Ratio | None = Field(
        description="Mean distance of rate and confidence, weighted by count; null without any."
    )
    brier_score: Ratio | None = Field(
        description="Mean squared distance of each score and its confidence; null without any."
    )


class GetThresholds(Call):
    """The edges of a verdict."""

    version: Version | None = Field(default=None, description="An older version.")


class SetThresholds(Call):
    """Other edges from now on. What is not named stays as it is."""

    expected_version: Version = Field(description="The version that you change.")
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] = Field(
        description="Why."
    )
    risk_low: Ratio | None = Field(default=None, description="Below it an agent is healthy.")
    risk_pause: Ratio | None = Field(default=None, description="From it on an agent is paused.")
    coherence_pause: Ratio | None = Field(default=None, description="Below it an agent is paused.")
    void_pause: Ratio | None = Field(
        default=None, description="Beyond it, either way, an agent is paused."
    )


class ThresholdsTold(Reply):
    """Thresholds of one version."""

    thresholds: Thresholds
    version: Version
    in_force: bool = Field(description="Whether no newer version has replaced it.")
    made_at: Instant
    changed_by: str | None = Field(description="The operator; null if by hand.")
    reason: str | None
    replaced_at: Instant | None
    versions: tuple[int, ...] = Field(description="Every version there is, the newest first.")
