"""Rows of ``agents/{agent_id}/memory.sqlite``: what one agent remembers, sealed with a key.

Whatever says something about anybody is sealed, column by column; what is looked for is not: when,
of which kind, how much it matters.
"""

from typing import Annotated, Final
from uuid import UUID

from annotated_types import Len

from schemas.quantity import Instant, Quantity
from schemas.soulfra.words import EntityId, Tone
from schemas.table import Column, Index, Table

MEMORY_DB: Final = "memory.sqlite"
LIMIT_BYTES: Final = 100_000_000
"""The guide's limit of one file."""

ANSWER_DAYS: Final = 7
"""So long what was told with an id is not kept twice."""
FADED_DAYS: Final = 30
FADED_BELOW: Final = 0.3
"""Memories that are older and mattered less are compressed when their agent reflects.

The guide has memories compressed, and an index for it, but names neither number: they are ours.
"""

RowId = Annotated[int, Quantity("1", "given by SQLite", low=1, high=2**63 - 1)]
Numbered = Annotated[RowId | None, Column("In the order of writing.", identity=True)]
Significance = Annotated[float, Quantity("1", "how much it matters", low=0, high=1)]
Magnitude = Annotated[float, Quantity("1", "how far the tone moved", low=0, high=1)]
Kind = Annotated[str, Column("Of which kind.", check="length(type) BETWEEN 1 AND 100")]
Sha256 = Annotated[bytes, Len(32, 32)]


class Keeper(
    Table, owner="mac", store="soulfra_memory", table="keeper", key=("agent_id",),
    sensitivity="personal",
):  # fmt: skip
    """Whose file it is, and a sealed word that tells whether a key is the right one. One row."""

    agent_id: Annotated[EntityId, Column("The agent.")]
    word: Annotated[bytes, Column("A known word, sealed.")]
    made_at: Annotated[Instant, Column("When the file was made.")]


class Bundle(
    Table, owner="mac", store="soulfra_memory", table="bundles", key=("id",),
    sensitivity="personal",
):  # fmt: skip
    """Old memories that mattered little, compressed and sealed; they can be taken apart again."""

    id: Numbered = None
    from_timestamp: Annotated[Instant, Column("Of the oldest of them.")]
    upto_timestamp: Annotated[Instant, Column("Of the newest of them.")]
    memories: Annotated[
        int, Quantity("{memory}", "counted when it was made", low=1), Column("How many they are.")
    ]
    plain_bytes: Annotated[
        int, Quantity("By", "counted when it was made", low=0), Column("What they took before.")
    ]
    sha256: Annotated[
        Sha256, Column("Of the sealed content, wherever it lies.", check="length(sha256) = 32")
    ]
    content: Annotated[
        bytes | None, Column("All that they say, sealed; null: in archive/ beside the file.")
    ] = None


class Answer(
    Table,
    owner="mac",
    store="soulfra_memory",
    table="answers",
    key=("command_id",),
    indexes=(Index("answered_at", "answers_answered_at_idx"),),
    keep_days=ANSWER_DAYS,
    sensitivity="personal",
):
    """What was told with an id of its own; told again with it, it is not kept again."""

    command_id: Annotated[UUID, Column("The id that it was told with.")]
    said: Annotated[bytes, Column("A hash of what was said, sealed.")]
    number: Annotated[RowId, Column("The number that it got.")]
    answered_at: Annotated[Instant, Column("When it was kept.")]


class Memory(
    Table,
    owner="mac",
    store="soulfra_memory",
    table="memories",
    key=("id",),
    indexes=(
        Index("timestamp", "idx_memories_timestamp"),
        Index("type", "idx_memories_type"),
        Index("significance", "idx_memories_significance", where="compressed = 0"),
        Index("bundle_id", "memories_bundle_id_idx", where="bundle_id IS NOT NULL"),
    ),
    sensitivity="personal",
):
    """One thing that an agent remembers."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it was.")]
    type: Kind
    content: Annotated[bytes | None, Column("What it was, sealed.")] = None
    emotional_context: Annotated[bytes | None, Column("How it felt, sealed.")] = None
    loop_context: Annotated[bytes | None, Column("Of which loop, sealed.")] = None
    significance: Annotated[Significance, Column("How much it matters.", default="0.5")] = 0.5
    compressed: Annotated[bool, Column("Whether what it says is in a bundle.", default="0")] = False
    metadata: Annotated[bytes | None, Column("What has no column of its own, sealed.")] = None
    bundle_id: Annotated[
        int | None, Column("The bundle that it is in.", references="bundles (id)")
    ] = None


class Reflection(
    Table,
    owner="mac",
    store="soulfra_memory",
    table="reflections",
    key=("id",),
    indexes=(Index("timestamp", "reflections_timestamp_idx"),),
    sensitivity="personal",
):
    """What an agent was asked about itself, and what it said. The file is copied after each."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it was asked.")]
    prompt: Annotated[bytes, Column("What it was asked, sealed.")]
    response: Annotated[bytes | None, Column("What it said, sealed.")] = None
    memory_context: Annotated[bytes | None, Column("What it remembered, sealed.")] = None
    emotional_state: Annotated[bytes | None, Column("How it felt, sealed.")] = None
    insights: Annotated[bytes | None, Column("What it found out, sealed.")] = None


class ToneShift(
    Table,
    owner="mac",
    store="soulfra_memory",
    table="tone_shifts",
    key=("id",),
    indexes=(Index("timestamp", "tone_shifts_timestamp_idx"),),
    sensitivity="personal",
):
    """A change of an agent's tone, and what brought it."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it changed.")]
    from_tone: Annotated[Tone | None, Column("What it was before.")] = None
    to_tone: Annotated[Tone | None, Column("What it became.")] = None
    trigger_type: Annotated[str | None, Column("What kind of thing brought it.")] = None
    trigger_content: Annotated[bytes | None, Column("What brought it, sealed.")] = None
    magnitude: Annotated[Magnitude | None, Column("How far it moved.")] = None
