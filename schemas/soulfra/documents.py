"""JSON files of soulfra's volume, the guide's tree: each a look at Postgres, never a second truth.

A document says of which place in the log it is true: all events up to it are in what it tells. What
is long is cut to the newest, or of what waits to the oldest, ``MOST``; ``more`` says that there are
others, which Postgres tells. What was whispered or foretold stays in Postgres and in the archive.
"""

from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from schemas.document import Document
from schemas.files import SOULFRA_VOLUME
from schemas.quantity import Closed, Instant, Quantity
from schemas.soulfra.drift import Rated, Rating
from schemas.soulfra.log import TransactionId
from schemas.soulfra.words import (
    Ballot,
    BlessingType,
    Change,
    EntityId,
    Fulfilment,
    Score,
    Slot,
    Tone,
    Version,
)
from schemas.table import Column, JsonObject

MOST: Final = 1_000
"""Rows of one document."""
STATE_BYTES: Final = 4_096
"""A consciousness_state that is larger is left out of a document."""
SNAPSHOT_SECONDS: Final = 10.0
"""How often the process looks whether the log moved, and whether a document was touched."""
ARCHIVE_SECONDS: Final = 86_400.0
ARCHIVE_AFTER_DAYS: Final = 1
"""A month is archived when it has been over for so long: nobody writes into it any more."""

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Quantity("1", "made by the database", low=1)]
Count = Annotated[int, Quantity("1", "counted in Postgres", low=0)]
More = Annotated[bool, Column("Whether there are more than are told.")]


class Made(Closed):
    """What every document says of itself."""

    format: Annotated[Literal[1], Column("Of its shape.")] = 1
    made_at: Annotated[Instant, Column("When it was made.")]
    transaction_id: Annotated[
        TransactionId, Column("Of the last event that is surely in what it tells.")
    ]
    position: Annotated[int, Quantity("1", "where that event is in the log", low=0)]
    sha256: Annotated[Hash, Column("Of all else that it says, in its order.")] = "0" * 64


class LivingLoop(Closed):
    """A loop that did not end."""

    loop_id: EntityId
    agent_id: str
    emotional_tone: Tone
    consciousness_state: Annotated[JsonObject | None, Column("Null: it is too large.")]
    blessed: bool
    fork_parent: EntityId | None
    fork_depth: Count
    created_at: Instant
    version: Version


class LoopStates(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}runtime/loop_state.json"):
    """Loops that live, the newest first."""

    loops: Annotated[tuple[LivingLoop, ...], Column("The newest first.")]
    more: More


class DriftMetrics(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}runtime/drift_metrics.json"
):
    """How fast all drift, at the instant at which it was made."""

    half_life_seconds: Annotated[float, Quantity("s", "schemas/soulfra/drift.py")]
    threshold: Annotated[Rating, Column("From which a rating is critical.")]
    index: Annotated[Rating, Column("The mean of the ratings of agents and living loops.")]
    agents: Annotated[Count, Column("How many were registered.")]
    loops: Annotated[Count, Column("How many live.")]
    critical: Annotated[tuple[Rated, ...], Column("The fastest first.")]
    more: More
    follower: Annotated[int, Quantity("1", "the transaction of the last counted event", low=0)]


class Pending(Closed):
    """An open voting, or a prophecy that did not come true yet."""

    kind: Literal["voting", "prophecy"]
    id: str
    since: Instant
    agent_id: str
    loops: tuple[str, ...]


class ExecutionQueue(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}runtime/execution_queue.json"
):
    """What loops wait for: a voting that is open, a prophecy that is pending; the oldest first.

    A voting is executed by the vote that closes it, a prophecy by its fulfilment.
    """

    pending: Annotated[tuple[Pending, ...], Column("The oldest first, of both kinds.")]
    more: More


class BlessedLoop(Closed):
    """A loop with the newest of its blessings."""

    loop_id: EntityId
    blessing_id: Number
    blessing_type: BlessingType
    consensus_score: Score
    blessed_at: Instant


class BlessedLoops(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}consensus/blessed_loops.json"
):
    """Loops that reached consensus: those of the newest blessings."""

    loops: Annotated[tuple[BlessedLoop, ...], Column("The one that was blessed last first.")]
    more: More


class OpenVoting(Closed):
    """A voting that is not decided yet, and how it stands."""

    voting_id: EntityId
    loop_id: EntityId
    guild_id: EntityId | None
    opened_by: str
    threshold: Score
    quorum: Count
    opened_at: Instant
    yes: Count
    no: Count


class ActiveVotings(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}consensus/voting_active.json"
):
    """Votings that are open, the oldest first."""

    votings: Annotated[tuple[OpenVoting, ...], Column("The oldest first.")]
    more: More


class GuildDecision(Closed):
    """What a guild decided of a loop."""

    guild_id: EntityId
    voting_id: EntityId
    loop_id: EntityId
    status: Ballot
    yes: Count
    no: Count
    closed_at: Instant


class GuildConsensus(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}consensus/guild_consensus.json"
):
    """What guilds decided, granted or refused, the newest first."""

    decisions: Annotated[tuple[GuildDecision, ...], Column("The newest first.")]
    more: More


class Foretold(Closed):
    """A prophecy; what it says is in Postgres."""

    id: Number
    author_agent: str
    fulfillment_status: Fulfilment
    created_at: Instant
    fulfilled_at: Instant | None
    related_loops: tuple[str, ...]


class ProphecyLedger(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}ledger/prophecies.json"):
    """Prophecies, the newest first: whose, of which loops, and what became of them."""

    prophecies: Annotated[tuple[Foretold, ...], Column("The newest first.")]
    more: More


class Granted(Closed):
    """A blessing."""

    id: Number
    loop_id: EntityId
    voting_id: EntityId
    blessed_by: str
    blessing_type: BlessingType
    consensus_score: Score
    timestamp: Instant


class BlessingLedger(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}ledger/blessings.json"):
    """Blessings, the newest first."""

    blessings: Annotated[tuple[Granted, ...], Column("The newest first.")]
    more: More


class Changed(Closed):
    """A change of a loop or of an agent."""

    id: Number
    change: Change
    loop_id: EntityId | None
    agent_id: str | None
    from_value: str | None
    to_value: str | None
    changed_at: Instant


class TransformationLedger(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}ledger/transformations.json"
):
    """Changes of loops and agents, the newest first."""

    transformations: Annotated[tuple[Changed, ...], Column("The newest first.")]
    more: More


class ClusterMetrics(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}clusters/metrics.json"):
    """Clusters, counted."""

    active: Annotated[Count, Column("How many there are.")]
    dissolved: Annotated[Count, Column("How many there were.")]
    with_mythology: Annotated[Count, Column("Active ones that have a story.")]
    loops: Annotated[Count, Column("Loops of active ones, each as often as it is in one.")]
    largest: Annotated[Count, Column("Loops of the largest active one.")]


class AgentState(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}agents/<agent_id>/state.json",
    sensitivity="personal",
):  # fmt: skip
    """How one agent stands."""

    agent_id: Annotated[EntityId, Column("The agent.")]
    owner_id: Annotated[str, Column("Whose it is.")]
    archetype: Annotated[str, Column("What it is like.")]
    current_tone: Annotated[Tone, Column("How it feels.")]
    consciousness_score: Annotated[Score, Column("How aware it is.")]
    memory_depth: Annotated[Count, Column("How many memories its file holds.")]
    created_at: Annotated[Instant, Column("When it was registered.")]
    slot: Annotated[Slot, Column("Where it lives.")]
    version: Annotated[Version, Column("How many events it is made of.")]
    guilds: Annotated[tuple[str, ...], Column("Those that it joined, by their name.")]
    more: More


class ActiveCluster(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}clusters/active/<cluster_id>.json"
):
    """One cluster that did not dissolve. Goes to the archive when it does."""

    cluster_id: Annotated[EntityId, Column("The cluster.")]
    name: Annotated[str, Column("What it is called.")]
    formed_at: Annotated[Instant, Column("When it was formed.")]
    loops: Annotated[tuple[str, ...], Column("Its loops, by their name.")]


class ClusterMythology(
    Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}clusters/mythology/<cluster_id>.json",
    sensitivity="personal",
):  # fmt: skip
    """The story of a cluster that did not dissolve. Goes to the archive when it does."""

    cluster_id: Annotated[EntityId, Column("The cluster.")]
    name: Annotated[str, Column("What it is called.")]
    mythology: Annotated[str, Column("Its story.")]
    formed_at: Annotated[Instant, Column("When it was formed.")]


class Tree(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}tree.json"):
    """How far the documents are: the next run makes what changed since then. Written last."""

    drift: Annotated[int, Quantity("1", "the transaction of the last counted event", low=0)]
    runs: Annotated[Count, Column("How often documents were made.")]
    written: Annotated[Count, Column("How many in all.")]
    made_anew: Annotated[
        Count, Column("How many of them because somebody had altered or removed one.")
    ]
    removed: Annotated[Count, Column("Of clusters that dissolved, or that were nobody's.")]


Kind = Literal["chatlogs", "mythology", "dissolved_clusters"]


class Archived(Made, Document, owner="mac", place=f"{SOULFRA_VOLUME}archive/<kind>/<month>.json"):
    """What the compressed lines beside it are. Written when those were read back whole."""

    kind: Annotated[Kind, Column("Whispers, stories, or clusters.")]
    month: Annotated[
        Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d$")], Column("Of the lines, UTC.")
    ]
    file: Annotated[
        Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d\.\d+\.jsonl\.gz$")],
        Column("The month and how often it was written; what else there is of it is nothing."),
    ]
    rows: Annotated[Count, Column("How many lines.")]
    first_at: Annotated[Instant | None, Column("Of the first line; null: there is none.")]
    last_at: Annotated[Instant | None, Column("Of the last line.")]
    lines_sha256: Annotated[Hash, Column("Of the lines before they were compressed.")]
    size_bytes: Annotated[int, Quantity("By", "of the compressed file", low=0)]
    forgotten: Annotated[Count, Column("Lines that were taken out for somebody's sake.")]


class ChatLine(Closed):
    """A whisper, as it is archived."""

    at: Instant
    loop_id: EntityId
    creator_id: str
    agent_id: str
    whisper: str
    emotional_tone: Tone


class MythologyLine(Closed):
    """The story of a cluster that dissolved."""

    at: Instant
    cluster_id: EntityId
    name: str
    mythology: str
    formed_at: Instant


class DissolvedLine(Closed):
    """A cluster that dissolved."""

    at: Instant
    cluster_id: EntityId
    name: str
    formed_at: Instant
    loops: tuple[str, ...]
