"""What is told to a memory and what it tells: the plain side of the sealed rows."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.quantity import Closed, Instant, Quantity
from schemas.soulfra.memory import FADED_BELOW, FADED_DAYS, Magnitude, RowId, Significance
from schemas.soulfra.words import Tone
from schemas.table import JsonObject

Kind = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(max_length=1_000_000)]


def now() -> datetime:
    """When it is told, unless it says when it was."""
    return datetime.now(UTC)


class Remembered(Closed):
    """One memory."""

    id: int | None = None
    timestamp: Instant = Field(default_factory=now)
    type: Kind
    content: Text | None = None
    emotional_context: Text | None = None
    loop_context: Text | None = None
    significance: Significance = 0.5
    metadata: JsonObject | None = None
    compressed: bool = False


class Reflected(Closed):
    """One reflection."""

    id: int | None = None
    timestamp: Instant = Field(default_factory=now)
    prompt: Text
    response: Text | None = None
    memory_context: Text | None = None
    emotional_state: Text | None = None
    insights: Text | None = None


class Shifted(Closed):
    """One change of tone."""

    id: int | None = None
    timestamp: Instant = Field(default_factory=now)
    from_tone: Tone | None = None
    to_tone: Tone | None = None
    trigger_type: Kind | None = None
    trigger_content: Text | None = None
    magnitude: Magnitude | None = None


Told = Remembered | Reflected | Shifted


class Asked(Closed):
    """Which memories are wanted: the newest of those that fit."""

    since: Instant | None = None
    until: Instant | None = None
    type: Kind | None = None
    significance: Significance = 0
    limit: Annotated[int, Quantity("{memory}", "the caller", low=1, high=10_000)] = 100


class Newest(Closed):
    """How many are wanted, the newest first."""

    limit: Annotated[int, Quantity("{row}", "the caller", low=1, high=10_000)] = 100


class Counts(Closed):
    """How much there is."""

    memories: int
    compressed: int
    bundles: int
    moved_out: int
    """Bundles that lie in archive/."""
    compressed_bytes: int
    """What the compressed ones took before."""
    reflections: int
    tone_shifts: int
    uncopied: int
    """Reflections after which no copy of the file could be made, since it was opened."""
    uncompressed: int
    """Reflections after which what faded could not be compressed, since it was opened."""
    bytes: int = Field(description="Of the file that are in use.")


class Faded(Closed):
    """What is old and mattered little: may be compressed."""

    before: Instant = Field(default_factory=lambda: now() - timedelta(days=FADED_DAYS))
    below: Significance = FADED_BELOW


class Apart(Closed):
    """Which bundle is to be taken apart."""

    bundle_id: RowId


class Bundled(Closed):
    """A bundle, but for what it says."""

    id: RowId
    from_timestamp: Instant
    upto_timestamp: Instant
    memories: int
    plain_bytes: int
    """What its memories took before."""
    moved_out: bool
    """Whether it lies in archive/."""
