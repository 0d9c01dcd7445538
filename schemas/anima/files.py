"""The JSON files of the Pi. All are replaced in one step, never written in place."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from schemas.anima.tables import JsonObject
from schemas.bridge import Action, AgentName, BootId, Count, Margin
from schemas.document import Document
from schemas.eisv import Anima, ArcPhase, Coherence, Energy, Entropy, Era, Integrity, Ratio, Void
from schemas.quantity import Closed, Instant, Quantity

Place = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3},[0-9]{1,3}$")]
Packed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
"""Which pixels are painted and the three bytes of each, 240 x 240, zlib in base64."""
Byte = Annotated[int, Quantity("1", "red, green or blue", low=0, high=255)]
Coordinate = Annotated[float, Quantity("{pixel}", "from the left or from above", low=0, high=240)]
Marks = Annotated[int, Quantity("{mark}", "the drawing loop", low=0)]
Ticks = Annotated[int, Quantity("{tick}", "draw intervals", low=0)]
Variance = Annotated[float, Quantity("1", "of one feeling over the period", low=0, high=1)]
Four = Annotated[list[Ratio], Field(min_length=4, max_length=4)]
"""Warmth, clarity, stability, presence."""


class SavedEisv(Closed):
    """The drawing EISV after the last mark."""

    E: Energy
    I: Integrity
    S: Entropy
    V: Void


class SavedAttention(Closed):
    """What is left of the hand's attention."""

    curiosity: Ratio
    engagement: Ratio
    fatigue: Ratio


class SavedPiece(Closed):
    """Where the hand was: what the drawing loop carries from one mark to the next."""

    era: Era
    x: Coordinate
    y: Coordinate
    uid: Annotated[str, StringConstraints(pattern="^([0-9a-f]{8,64})?$")] = ""
    started_at: Instant | None = None
    heading: Annotated[float, Quantity("rad", "a walk of the hand")]
    gesture: str
    run: Marks
    remaining: Marks
    is_locked: bool
    gestures: Annotated[list[str], Field(max_length=20)]
    marks: Marks
    ticks: Ticks
    ticks_in_phase: Ticks
    arc_phase: ArcPhase
    closing_reason: str | None
    eisv: SavedEisv
    attention: SavedAttention
    intentionality: Ratio
    gesture_entropy: Ratio
    switching_rate: Ratio
    coherences: Annotated[list[Coherence], Field(max_length=30)]
    velocity: Annotated[
        float, Quantity("1", "moving average of coherence's change", low=-1, high=1)
    ]
    i_momentum: Ratio


class SavedCanvas(Document, owner="pi", place="~/.anima/canvas.json"):
    """The picture and the piece it belongs to; saved every ten seconds while it changes."""

    piece: SavedPiece
    picture: Packed | None = None
    pixels: dict[Place, tuple[Byte, Byte, Byte]] | None = None
    """As we saved it before, one object for each pixel."""
    crc32: Annotated[
        int | None, Quantity("1", "zlib.crc32 of the text before it", low=0, high=2**32 - 1)
    ] = None


class LumensCanvas(Closed):
    """What we take of a canvas.json of the real system: the picture. The hand begins anew."""

    model_config = ConfigDict(extra="ignore")

    pixels: dict[Place, tuple[Byte, Byte, Byte]]
    mark_count: Marks


class TrajectoryGenesis(Document, owner="pi", place="~/.anima/trajectory_genesis.json"):
    """Who the creature was at first, to compare it with later: written once, never again."""

    preferences: JsonObject | None
    beliefs: JsonObject | None
    attractor: JsonObject | None
    recovery: JsonObject | None
    relational: JsonObject | None
    homeostatic: JsonObject | None
    computed_at: Instant
    observation_count: Annotated[int, Quantity("1", "observations it rests on", low=30)]
    stability_score: Ratio | None


class DaySummary(Closed):
    """One active period in a few numbers."""

    date: Instant
    center: Four
    variance: Annotated[list[Variance], Field(min_length=4, max_length=4)]
    n_obs: Count
    hours: Annotated[float, Quantity("h", "first to last observation", low=0)]
    perturbations: Count
    trends: dict[str, Ratio]


class DaySummaries(
    Document, owner="pi", place="~/.anima/day_summaries.json", fresh_seconds=172_800
):
    """The last thirty active periods, oldest first."""

    summaries: Annotated[list[DaySummary], Field(max_length=30)]
    version: int = 1


class Condition(Document, owner="pi", place="/run/anima/condition.json", fresh_seconds=15):
    """How the creature is right now, for whoever asks: in memory, never on the card."""

    at: Instant
    agent: AgentName
    boot_id: BootId
    up_seconds: Annotated[float, Quantity("s", "monotonic clock of the process", low=0)]
    anima: Anima | None
    may_draw: bool
    action: Action | None
    margin: Margin | None
    reason: str | None
    decided_by: Literal["governance", "itself"] | None
    era: Era
    arc_phase: ArcPhase
    marks: Marks
    pixels: Annotated[int, Quantity("{pixel}", "painted on the canvas", low=0)]
    late_seconds: Annotated[
        float, Quantity("s", "latest chore of the last five minutes, behind its time", low=0)
    ]
    clock_known: bool
    """Whether the time of day was ever told in this boot."""
    rss_bytes: Annotated[int, Quantity("By", "/proc/self/statm", low=0)] | None
    db_bytes: Annotated[int, Quantity("By", "anima.db and its log", low=0)] | None
    archive_bytes: Annotated[int, Quantity("By", "~/.anima/archive", low=0)] | None
    backup_age_seconds: Annotated[float, Quantity("s", "~/.anima/backups", low=0)] | None
    written_bytes_today: Annotated[int, Quantity("By", "/proc/self/io", low=0)]
    write_budget_bytes: Annotated[int, Quantity("By", "environment", low=0)]
    failures: dict[str, Count]
    """What could not be done since the start, by kind; every one was said once in the journal."""
    dropped: dict[str, Count]
    """Records that were lost since the start, by kind."""
