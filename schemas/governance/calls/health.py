"""What ``health_check`` and ``get_governance_metrics`` are asked and what they answer."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.bridge import Action
from schemas.eisv import Coherence, GovernanceEisv, Ratio
from schemas.governance.calls import Call, Hint, Reply
from schemas.governance.tables import Health, Status
from schemas.quantity import Closed, Instant, Quantity

Seconds = Annotated[float, Quantity("s", "a span by the server's clock", low=0)]
Counted = Annotated[int, Quantity("1", "counted", low=0)]


class State(StrEnum):
    """How one component is."""

    HEALTHY = "healthy"
    WARNING = "warning"
    UNAVAILABLE = "unavailable"
    """It is not there, and the service goes on without it."""
    ERROR = "error"


class Component(Closed):
    """One thing that governance stands on, and what the last probe of it found."""

    status: State = Field(description="How it is.")
    what: str = Field(description="What the probe proves.")
    since: Instant = Field(description="From when on it has been so.")
    detail: str | None = Field(default=None, description="What is wrong.")
    next_step: str | None = Field(default=None, description="What to do about it.")


class Ages(Closed):
    """How long ago the last event of each kind was, and what would be expected."""

    check_in_seconds: Seconds | None = Field(
        default=None, description="Since the newest acknowledged check-in; null before the first."
    )
    audit_event_seconds: Seconds | None = Field(
        default=None, description="Since the newest row of audit.events."
    )
    tool_usage_seconds: Seconds | None = Field(
        default=None, description="Since the newest row of audit.tool_usage."
    )
    steady_agents: Counted = Field(
        default=0, description="Agents that checked in at least ten times within a day."
    )
    expected_every_seconds: Seconds | None = Field(
        default=None, description="How often all of them together would check in."
    )
    silent_agents: tuple[str, ...] = Field(
        default=(), max_length=20, description="Steady agents that have stopped."
    )
    lag_seconds: Seconds | None = Field(
        default=None, description="How far audit.events is behind audit_log.jsonl."
    )
    lag_lines: Counted | None = Field(
        default=None, description="Lines of audit_log.jsonl that are not rows yet."
    )


class PoolUse(Closed):
    """The connections to Postgres."""

    size: Counted = Field(description="Connections there are.")
    idle: Counted = Field(description="Connections nobody uses.")
    largest: Counted = Field(description="Connections there may be.")
    waiting: Counted = Field(description="Requests that wait for one.")


class Disk(Closed):
    """The volume of the audit log."""

    free_bytes: Annotated[int, Quantity("By", "statvfs", low=0)]
    size_bytes: Annotated[int, Quantity("By", "statvfs", low=0)]


class Months(Closed):
    """The tables that are cut into months."""

    ahead: Annotated[int, Quantity("mo", "of the table that has the fewest", low=0)] | None = None
    default_rows: Counted = Field(default=0, description="Rows of no month, 1000 a table at most.")
    waiting: Counted = Field(default=0, description="Months that wait for their archive.")
    archived: Counted = Field(default=0, description="Months archived since the start.")


class Dropped(Closed):
    """What was not written, since the start."""

    audit_lines: Counted = 0
    usage_lines: Counted = 0
    sessions: Counted = 0


class Lookups(Closed):
    """How sessions were looked up, since the start."""

    hits: Counted = 0
    misses: Counted = 0
    fallback: Counted = 0


class HealthCheck(Call):
    """``health_check``."""


class Overall(StrEnum):
    """One word for everything."""

    HEALTHY = "healthy"
    MODERATE = "moderate"
    CRITICAL = "critical"


class HealthReply(Reply):
    """What the last probe found: ``critical`` when one errs, ``moderate`` when one warns."""

    status: Overall = Field(description="One word for everything.")
    version: str = Field(description="The release.")
    timestamp: Instant = Field(description="When it was probed.")
    uptime_seconds: Seconds = Field(description="How long the process has run.")
    status_breakdown: dict[State, Counted] = Field(description="How many components are how.")
    checks: dict[str, Component] = Field(description="Each component.")
    first_action: str | None = Field(
        default=None, description="What to do first; null when all is well."
    )
    ages: Ages
    waiting_checkins: Counted = Field(description="Check-ins that wait for the writer.")
    pool: PoolUse
    disk: Disk | None = Field(default=None, description="Null when it does not answer.")
    months: Months
    dropped: Dropped
    session_lookups: Lookups = Field(default_factory=Lookups)
    schema_revision: str | None = Field(
        default=None, description="The newest migration that is applied."
    )
    release_revision: str = Field(description="The newest migration that this release has.")


class GovernanceMetrics(Call):
    """``get_governance_metrics``."""

    of_agent: Hint | None = Field(default=None, description="Whose; everybody's if it is left out.")
    hours: int = Field(default=24, ge=1, le=168, description="How far back verdicts are counted.")
    limit: int = Field(default=20, ge=1, le=100, description="Agents at most, the latest first.")


class Disagreement(Closed):
    """How the EISV that the Pi reported differs from ours, over the check-ins that had one."""

    compared: Counted = Field(description="Check-ins that brought an EISV of their own.")
    disagreed: Counted = Field(description="Those where one of E, I, S is off by more than 0.2.")
    mean: Annotated[float, Quantity("1", "mean of the largest of |dE|, |dI|, |dS|", low=0)] | None
    largest: Annotated[float, Quantity("1", "largest of |dE|, |dI|, |dS|", low=0)] | None


class AgentMetrics(Closed):
    """One agent: its newest state, and its verdicts within the hours asked for."""

    agent_id: str
    status: Status
    recorded_at: Instant = Field(description="The newest state, by the agent's clock.")
    received_at: Instant = Field(description="The newest state, by the server's clock.")
    eisv: GovernanceEisv
    coherence: Coherence
    risk_score: Ratio
    health_status: Health
    action: Action
    reason: str
    verdicts: dict[Action, Counted] = Field(description="Check-ins by what was answered.")
    disagreement: Disagreement


class GovernanceMetricsReply(Reply):
    """The agents, the one heard last first."""

    hours: int
    agents: tuple[AgentMetrics, ...]
    verdicts: dict[Action, Counted] = Field(description="Of all agents listed.")
