"""The rows of anima.db that the anima process writes on the Pi, and nothing else does."""

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
from schemas.table import Column, Index, Table

RowId = Annotated[int, Quantity("1", "given by SQLite", low=1, high=2**63 - 1)]
Numbered = Annotated[RowId | None, Column("In the order of writing.", identity=True)]
JsonObject = dict[str, JsonValue]
JsonList = list[JsonValue]
AliveSeconds = Annotated[float, Quantity("s", "monotonic clock of the process", low=0, high=1e12)]
Reason = Annotated[str, StringConstraints(min_length=1)]
Boot = Annotated[
    BootId, Column("The run that composed it.", check="length(boot_id) BETWEEN 8 AND 64")
]


Monotonic = Annotated[
    float | None,
    Quantity("s", "CLOCK_BOOTTIME", low=0, high=1e12),
]
Seq = Annotated[int, Quantity("1", "outbox id", low=1, high=2**63 - 1)]


class EventType(StrEnum):
    """What can happen to the creature."""

    WAKE = "wake"
    SLEEP = "sleep"
    NAME_CHANGE = "name_change"
    TIME_RECOVERY = "time_recovery"
    """It woke without having gone to sleep: killed, or the power went."""
    PAUSE = "pause"
    """The hand stopped: what was decided, why, and by whom."""
    RESUME = "resume"
    """The hand goes on; likewise."""
    DAMAGE = "damage"
    """The file of its memory was found damaged."""
    TIME_KNOWN = "time_known"
    """An authority told the time, or corrected it; rows of this boot were moved accordingly."""
    TIME_JUMP = "time_jump"
    """The system's clock jumped and no authority said so: nothing was moved."""


class Identity(
    Table, owner="pi", store="anima", table="identity", key=("creature_id",), fresh_seconds=120
):
    """The creature itself: one row, updated at each awakening and heartbeat."""

    creature_id: Annotated[
        AgentName, Column("What it is called for ever.", check="length(creature_id) > 0")
    ]
    born_at: Annotated[Instant, Column("Its first awakening.")]
    total_awakenings: Annotated[Count, Column("Awakenings so far.", default="0")] = 0
    total_alive_seconds: Annotated[AliveSeconds, Column("Awake so far.", default="0")] = 0.0
    name: Annotated[str | None, Column("What it is called now.")] = None
    name_history: Annotated[JsonList, Column("Its earlier names.", default="'[]'")] = Field(
        default_factory=list
    )
    metadata: Annotated[
        JsonObject, Column("What governance last said, and the like.", default="'{}'")
    ] = Field(default_factory=dict)
    last_heartbeat_at: Annotated[Instant | None, Column("When it was last known awake.")] = None


class Event(
    Table,
    owner="pi",
    store="anima",
    table="events",
    key=("id",),
    indexes=(Index("timestamp DESC", "events_timestamp_idx"),),
):
    """One thing that happened to the creature, written when it happens."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it happened.")]
    event_type: Annotated[EventType, Column("What happened.")]
    data: Annotated[JsonObject, Column("What is known of it.", default="'{}'")] = Field(
        default_factory=dict
    )


class AnimaState(
    Table,
    owner="pi",
    store="anima",
    table="state_history",
    key=("id",),
    indexes=(Index("timestamp DESC", "state_history_timestamp_idx"),),
    keep_days=30,
    fresh_seconds=300,
):
    """How the creature felt at one moment, with the readings; written every minute."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it felt so.")]
    warmth: Ratio
    clarity: Ratio
    stability: Ratio
    presence: Ratio
    sensors: Annotated[JsonObject, Column("The readings that it felt it from.", default="'{}'")] = (
        Field(default_factory=dict)
    )


class DrawingState(
    Table,
    owner="pi",
    store="anima",
    table="drawing_history",
    key=("id",),
    indexes=(Index("timestamp DESC", "idx_drawing_history_time"),),
    keep_days=30,
    fresh_seconds=86_400,
):
    """One recorded step of the drawing loop, written every tenth mark.

    E, I, S, V are after the step; C is the coherence it was taken with; the three signals
    include the gesture just made.
    """

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When the mark was made.")]
    E: Energy
    I: Integrity
    S: Entropy
    V: Void
    C: Coherence
    marks: Annotated[int, Quantity("{mark}", "canvas, since it was last cleared", low=0)]
    phase: Annotated[Phase | None, Column("What the canvas was doing.")] = None
    era: Annotated[Era | None, Column("The manner of drawing.")] = None
    energy: Ratio | None = None
    curiosity: Ratio | None = None
    engagement: Ratio | None = None
    fatigue: Ratio | None = None
    arc_phase: Annotated[ArcPhase | None, Column("Where the piece was in its story.")] = None
    gesture_entropy: Ratio | None = None
    switching_rate: Ratio | None = None
    intentionality: Ratio | None = None


class WaitingCheckIn(Table, owner="pi", store="anima", table="outbox", key=("id",)):
    """A check-in on its way; deleted once governance has acknowledged it."""

    id: Numbered = None
    boot_id: Boot
    recorded_at: Annotated[Instant, Column("When it was composed.")]
    body: Annotated[JsonObject, Column("The check-in as it is sent.")]
    attempts: Annotated[Count, Column("Times it was sent in vain.", default="0")] = 0
    last_error: Annotated[str | None, Column("Why the last attempt failed.")] = None
    monotonic_seconds: Annotated[Monotonic, Column("The same by the clock that never jumps.")] = (
        None
    )


class RejectedCheckIn(Table, owner="pi", store="anima", table="outbox_rejected", key=("id",)):
    """A check-in that governance refused for good, kept with the reason."""

    id: Annotated[RowId | None, Column("Its number in the outbox.")] = None
    boot_id: Boot
    recorded_at: Annotated[Instant, Column("When it was composed.")]
    body: Annotated[JsonObject, Column("The check-in as it was sent.")]
    rejected_at: Annotated[Instant, Column("When governance refused it.")]
    reason: Annotated[Reason, Column("What governance said.")]
    monotonic_seconds: Annotated[
        Monotonic, Column("When it was composed, by the clock that never jumps.")
    ] = None


class OutboxGap(Table, owner="pi", store="anima", table="outbox_gaps", key=("first_seq",)):
    """What the outbox had no room for; deleted once governance was told of it."""

    first_seq: Annotated[Seq, Column("The first that is missing.")]
    last_seq: Annotated[Seq, Column("The last that is missing.")]
    count: Annotated[Count, Column("Check-ins that are missing.")]
    stripped: Annotated[Count, Column("Check-ins that lost their detail.")]
    from_at: Annotated[Instant, Column("When the first was composed.")]
    upto_at: Annotated[Instant, Column("When the last was composed.")]
    changed_seq: Annotated[Seq, Column("The newest check-in when it last changed.")]


TABLES: tuple[type[Table], ...] = (
    Identity,
    Event,
    AnimaState,
    DrawingState,
    WaitingCheckIn,
    RejectedCheckIn,
    OutboxGap,
)
"""What the process needs; the rest of the line is in the files beside this one."""
