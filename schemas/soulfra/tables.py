"""Rows of schema ``soulfra``: users, agents and loops, the guide's core."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.quantity import Instant, Quantity
from schemas.soulfra.words import SCORE_SQL, EntityId, Score, Slot, Tier, Tone, Version
from schemas.table import Column, Index, JsonObject, Reference, Table

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Credits = Annotated[int, Quantity("{credit}", "the ledger of credits", low=0, high=1_000_000_000)]
Depth = Annotated[int, Quantity("1", "counted from the first of its line", low=0, high=1_000_000)]
LOOP = Reference(("loop_id", "loop_created_at"), "soulfra.loops (loop_id, created_at)")
"""A loop lies in the month in which it was created."""
LoopCreatedAt = Annotated[Instant, Column("When that loop was created.")]


class User(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.users",
    key=("id",),
    sensitivity="personal",
):
    """A person. Follows from the stream ``user:<id>``."""

    id: Annotated[UUID, Column("Its name for ever.", default="gen_random_uuid()")]
    username: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=1_420)],
        Column("What it is called, sealed; privacy.subjects knows that no two are.", unique=True),
    ]
    email: Annotated[
        Annotated[str, StringConstraints(min_length=3, max_length=1_420)],
        Column("Where it is written to, sealed.", unique=True),
    ]
    created_at: Annotated[Instant, Column("When it was registered.", default="now()")]
    subscription_tier: Annotated[Tier, Column("What it subscribes to.", default="'free'")] = (
        Tier.FREE
    )
    emotional_credits: Annotated[
        Credits, Column("The sum of its entries; never below 0.", default="1000", sql="integer")
    ] = 1000
    version: Annotated[Version, Column("How many events it is made of.", default="1")] = 1


class Agent(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.agents",
    key=("agent_id",),
    indexes=(Index("owner_id", "idx_agents_owner"), Index("slot", "agents_slot_idx")),
    hash_by="agent_id",
    sensitivity="personal",
):
    """An agent of a user. Follows from the stream ``agent:<agent_id>``.

    Of an agent whose slot is another shard's, home's row is the register: whose it is. How it feels
    is on its shard. No key leads to its owner, whom a shard does not have.
    """

    agent_id: Annotated[EntityId, Column("Its name for ever.")]
    owner_id: Annotated[UUID, Column("Whose it is; that there is one, the command sees.")]
    archetype: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=400)],
        Column("What it is like, sealed."),
    ]
    current_tone: Annotated[Tone, Column("How it feels now.", default="'neutral'")] = Tone.NEUTRAL
    consciousness_score: Annotated[
        Score, Column("How aware it is.", default="0", sql=SCORE_SQL)
    ] = 0
    memory_depth: Annotated[
        Depth, Column("How many memories its file holds.", default="0", sql="integer")
    ] = 0
    created_at: Annotated[Instant, Column("When it was registered.", default="now()")]
    slot: Annotated[Slot, Column("Where it lives.", sql="integer")]
    version: Annotated[Version, Column("How many events it is made of.", default="1")] = 1


class Loop(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.loops",
    key=("loop_id", "created_at"),
    indexes=(
        Index("creator_id", "idx_loops_creator"),
        Index("blessed", "idx_loops_blessed", where="blessed"),
        Index("created_at DESC", "idx_loops_created"),
        Index("fork_parent", "idx_loops_fork_parent", where="fork_parent IS NOT NULL"),
    ),
    month_by="created_at",
    sensitivity="personal",
):
    """A loop that began as a whisper or as a fork. Follows from the stream ``loop:<loop_id>``.

    That no two have one id is the log's to keep: a month knows only its own.
    """

    loop_id: Annotated[EntityId, Column("Its name for ever.")]
    creator_id: Annotated[
        UUID | None, Column("Whose it is; null: unsigned.", references="soulfra.users (id)")
    ] = None
    agent_id: Annotated[
        str | None,
        Column(
            "The agent that heard it; null: unsigned.",
            references="soulfra.agents (agent_id)",
            check="(agent_id IS NULL) = (creator_id IS NULL)",
        ),
    ] = None
    whisper_origin: Annotated[
        Annotated[str, StringConstraints(max_length=400_000)] | None,
        Column("What was whispered, sealed; null for a fork, and for what was forgotten."),
    ] = None
    consciousness_state: Annotated[JsonObject, Column("What it is aware of.", default="'{}'")] = (
        Field(default_factory=dict)
    )
    emotional_tone: Annotated[Tone, Column("How it feels now.", default="'neutral'")] = Tone.NEUTRAL
    created_at: Annotated[Instant, Column("When it began; its month.", default="now()")]
    blessed: Annotated[bool, Column("Whether a blessing was granted.", default="false")] = False
    fork_parent: Annotated[EntityId | None, Column("The loop that it was forked from.")] = None
    fork_depth: Annotated[
        Depth,
        Column(
            "How many forks it is away from a whisper.",
            default="0",
            check="(fork_parent IS NULL) = (fork_depth = 0)",
            sql="integer",
        ),
    ] = 0
    dissolved_at: Annotated[Instant | None, Column("When it ended.")] = None
    version: Annotated[Version, Column("How many events it is made of.", default="1")] = 1
