"""How fast agents and loops drift: how far one tone is from another, and rows of schema ``drift``.

A shift moves an entity by a distance in [0, 1]. Its rating is the distance that it moves in a day,
the older shifts counting less: half after each half-life. All in all, at an instant t,

    rating = ln 2 / half-life in days * sum of distance * 2 ** -((t - when) / half-life)

Nothing is touched while nothing happens: a row holds the level, log2 of the sum of
distance * 2 ** ((when - begin) / half-life), which no time changes. Whoever reads takes off how
many half-lives have gone by since the begin; so levels have one order, which an index keeps.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Final, Literal

from schemas.quantity import Closed, Instant, Quantity
from schemas.soulfra.words import EntityId, Tone
from schemas.table import Column, Index, Table

HALF_LIFE_SECONDS: Final = 86_400.0
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""From where half-lives are counted; another begin would be other levels and the same ratings."""
CRITICAL: Final = 1.0
"""A rating from here on is critical: within a day it would go from one end to the other."""
MOST_CRITICAL: Final = 1_000
"""So many are told, the fastest."""
FOLLOWER: Final = "drift"

TONES: Final[Mapping[Tone, tuple[float, float, float]]] = MappingProxyType(
    {
        Tone.NEUTRAL: (0.0, 0.0, 0.0),
        Tone.CALM: (0.6, -0.5, 0.2),
        Tone.JOY: (0.8, 0.4, 0.3),
        Tone.HOPE: (0.5, 0.2, 0.1),
        Tone.WONDER: (0.4, 0.7, -0.2),
        Tone.LONGING: (-0.3, 0.1, -0.4),
        Tone.GRIEF: (-0.7, -0.4, -0.5),
        Tone.FEAR: (-0.6, 0.6, -0.5),
        Tone.ANGER: (-0.5, 0.6, 0.5),
    }
)
"""Where a tone lies: pleasure, arousal, dominance, within a ball of radius 1.

The three axes are Mehrabian's (1980); the places are ours.
"""

Distance = Annotated[float, Quantity("1", "half the way between two tones", low=0, high=1)]
Rating = Annotated[float, Quantity("d-1", "tone shifts, decaying by half in a day", low=0)]
Level = Annotated[float, Quantity("1", "log2 of the tone shifts, not decayed")]
Shifts = Annotated[int, Quantity("{shift}", "counted by the follower", low=0)]
Drifting = Literal["agent", "loop"]
SHIFTED_AT: Final = "When the last shift was recorded; null: none was."


def distance(before: Tone, after: Tone) -> float:
    """How far one tone is from the other: 0 is the same, 1 from one end to the other."""
    return math.dist(TONES[before], TONES[after]) / 2


class Drift(
    Table,
    owner="mac",
    store="soulfra",
    table="drift.ratings",
    key=("entity", "id"),
    indexes=(Index("level DESC", "ratings_level_idx"),),
):
    """How fast one agent or living loop drifts. Follows from its shifts of tone."""

    entity: Annotated[Drifting, Column("Of which kind.")]
    id: Annotated[EntityId, Column("Which one.")]
    level: Annotated[Level, Column("See schemas/soulfra/drift.py; the order of the ratings.")]
    shifts: Annotated[Shifts, Column("How often its tone shifted.")]
    shifted_at: Annotated[Instant, Column("When the last shift was recorded.")]


class Volatility(Table, owner="mac", store="soulfra", table="drift.volatility", key=("singleton",)):
    """How volatile all is: the mean rating of those that live. One row."""

    singleton: Annotated[Literal[True], Column("There is one row.", default="true")] = True
    level: Annotated[Level | None, Column("Of all shifts together; null: none was.")] = None
    agents: Annotated[
        int,
        Quantity("{agent}", "counted by the follower", low=0),
        Column("How many were registered.", default="0"),
    ] = 0
    loops: Annotated[
        int,
        Quantity("{loop}", "counted by the follower", low=0),
        Column("How many began and did not end.", default="0"),
    ] = 0
    shifts: Annotated[Shifts, Column("How often a tone shifted.", default="0")] = 0
    shifted_at: Annotated[Instant | None, Column(SHIFTED_AT)] = None


class Rated(Closed):
    """How fast one drifts at an instant."""

    entity: Drifting
    id: EntityId
    rating: Rating
    critical: bool
    shifts: Shifts
    shifted_at: Instant | None


class Told(Closed):
    """How fast all drift at an instant: the three values that are also in Redis."""

    at: Instant
    half_life_seconds: float = HALF_LIFE_SECONDS
    threshold: Rating = CRITICAL
    index: Rating
    """The platform's volatility: the mean of the ratings of agents and living loops."""
    agents: Annotated[int, Quantity("{agent}", "counted by the follower", low=0)]
    loops: Annotated[int, Quantity("{loop}", "counted by the follower", low=0)]
    critical: tuple[Rated, ...]
    """All from the threshold on, the fastest first; at most so many as MOST_CRITICAL."""
    more: bool
    """Whether there are more of them."""
