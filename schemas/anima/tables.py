"""Every row of anima.db. Written by the anima process on the Pi, and by nothing else."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from schemas.bridge import AgentName, BootId, Count
from schemas.eisv import (
    ArcPhase,
    Coherence,
    Energy,
    Entropy,
    Era,
    Integrity,
    Phase,
    Ratio,
    Void,
)
from schemas.quantity import Instant, Quantity
from schemas.table import Table

RowId = Annotated[int, Quantity("1", "given by SQLite", low=1, high=2**63 - 1)]
JsonObject = dict[str, JsonValue]
AliveSeconds = Annotated[float, Quantity("s", "monotonic clock of the process", low=0, high=1e12)]
Reason = Annotated[str, StringConstraints(min_length=1)]


class EventType(StrEnum):
    """What can happen to the creature."""

    WAKE = "wake"
    SLEEP = "sleep"
    NAME_CHANGE = "name_change"
    TIME_RECOVERY = "time_recovery"
    """It woke without having gone to sleep: killed, or the power went."""
    DAMAGE = "damage"
    """The file of its memory was found damaged."""


class Identity(Table, owner="pi", store="anima", table="identity"):
    """The creature itself: one row, updated at each awakening and heartbeat."""

    creature_id: AgentName
    born_at: Instant
    total_awakenings: Count = 0
    total_alive_seconds: AliveSeconds = 0.0
    name: str | None = None
    name_history: list[JsonValue] = Field(default_factory=list)
    metadata: JsonObject = Field(default_factory=dict)
    last_heartbeat_at: Instant | None = None


class Event(Table, owner="pi", store="anima", table="events"):
    """One thing that happened to the creature, written when it happens."""

    id: RowId | None = None
    timestamp: Instant
    event_type: EventType
    data: JsonObject = Field(default_factory=dict)


class AnimaState(Table, owner="pi", store="anima", table="state_history"):
    """How the creature felt at one moment, with the readings; written every minute."""

    id: RowId | None = None
    timestamp: Instant
    warmth: Ratio
    clarity: Ratio
    stability: Ratio
    presence: Ratio
    sensors: JsonObject = Field(default_factory=dict)


class DrawingState(Table, owner="pi", store="anima", table="drawing_history"):
    """One recorded step of the drawing loop, written every tenth mark.

    E, I, S, V are after the step; C is the coherence it was taken with; the three signals
    include the gesture just made.
    """

    id: RowId | None = None
    timestamp: Instant
    E: Energy
    I: Integrity
    S: Entropy
    V: Void
    C: Coherence
    marks: Annotated[int, Quantity("{mark}", "canvas, since it was last cleared", low=0)]
    phase: Phase | None = None
    era: Era | None = None
    energy: Ratio | None = None
    curiosity: Ratio | None = None
    engagement: Ratio | None = None
    fatigue: Ratio | None = None
    arc_phase: ArcPhase | None = None
    gesture_entropy: Ratio | None = None
    switching_rate: Ratio | None = None
    intentionality: Ratio | None = None


class WaitingCheckIn(Table, owner="pi", store="anima", table="outbox"):
    """A check-in on its way; deleted once governance has acknowledged it."""

    id: RowId | None = None
    boot_id: BootId
    recorded_at: Instant
    body: JsonObject
    attempts: Count = 0
    last_error: str | None = None


class RejectedCheckIn(Table, owner="pi", store="anima", table="outbox_rejected"):
    """A check-in that governance refused for good, kept with the reason."""

    id: RowId | None = None
    boot_id: BootId
    recorded_at: Instant
    body: JsonObject
    rejected_at: Instant
    reason: Reason


TABLES: tuple[type[Table], ...] = (
    Identity,
    Event,
    AnimaState,
    DrawingState,
    WaitingCheckIn,
    RejectedCheckIn,
)
