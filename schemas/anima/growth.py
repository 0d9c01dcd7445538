"""What the creature came to know: likes, companions, goals, memories, insights.

Columns as the real system named them; docs/growing.md says when a row is written.
"""

from typing import Annotated

from pydantic import Field

from schemas.anima.tables import JsonList, JsonObject, Numbered
from schemas.bridge import Count
from schemas.eisv import Ratio
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

Valence = Annotated[float, Quantity("1", "from bad to good", low=-1, high=1)]


class Preference(
    Table,
    owner="pi",
    store="anima",
    table="preferences",
    key=("name",),
    sensitivity="personal",
):
    """Something that the creature learned to like or to avoid; one row for each."""

    name: Annotated[str, Column("What is liked.", check="length(name) > 0")]
    category: Annotated[str, Column("Kind of thing.", check="length(category) > 0")]
    description: Annotated[str | None, Column("In its own words.")] = None
    value: Annotated[Valence, Column("How much it is liked.", default="0")] = 0.0
    confidence: Annotated[Ratio, Column("How sure it is.", default="0")] = 0.0
    observation_count: Annotated[Count, Column("Times it was noticed.", default="0")] = 0
    first_noticed: Annotated[Instant | None, Column("When it was first noticed.")] = None
    last_confirmed: Annotated[Instant | None, Column("When it was last confirmed.")] = None


class Relationship(
    Table,
    owner="pi",
    store="anima",
    table="relationships",
    key=("agent_id",),
    sensitivity="personal",
):
    """Someone whom the creature met, and what passed between them."""

    agent_id: Annotated[str, Column("Whom it met.", check="length(agent_id) > 0")]
    name: Annotated[str | None, Column("What they are called.")] = None
    first_met: Annotated[Instant | None, Column("When they first met.")] = None
    last_seen: Annotated[Instant | None, Column("When they last met.")] = None
    interaction_count: Annotated[Count, Column("Times they met.", default="0")] = 0
    bond_strength: Annotated[
        str,
        Column("How close they are.", default="'stranger'", check="length(bond_strength) > 0"),
    ] = "stranger"
    emotional_valence: Annotated[Valence, Column("How meeting them feels.", default="0")] = 0.0
    memorable_moments: Annotated[JsonList, Column("Moments worth keeping.", default="'[]'")] = (
        Field(default_factory=list)
    )
    topics_discussed: Annotated[JsonList, Column("What they spoke of.", default="'[]'")] = Field(
        default_factory=list
    )
    gifts_received: Annotated[Count, Column("Gifts from them.", default="0")] = 0
    self_dialogue_topics: Annotated[
        JsonList, Column("What it asked itself about them.", default="'[]'")
    ] = Field(default_factory=list)


class Goal(
    Table, owner="pi", store="anima", table="goals", key=("goal_id",), sensitivity="personal"
):
    """Something that the creature wants to reach."""

    goal_id: Annotated[str, Column("Its name for ever.", check="length(goal_id) > 0")]
    description: Annotated[str | None, Column("What is wanted.")] = None
    motivation: Annotated[str | None, Column("Why it is wanted.")] = None
    status: Annotated[
        str, Column("Where it stands.", default="'active'", check="length(status) > 0")
    ] = "active"
    created_at: Annotated[Instant | None, Column("When it was set.")] = None
    target_date: Annotated[Instant | None, Column("When it should be reached.")] = None
    progress: Annotated[Ratio, Column("How much is reached.", default="0")] = 0.0
    milestones: Annotated[JsonList, Column("Steps on the way.", default="'[]'")] = Field(
        default_factory=list
    )
    last_worked_on: Annotated[Instant | None, Column("When it last came nearer.")] = None


class Memory(
    Table, owner="pi", store="anima", table="memories", key=("event_id",), sensitivity="personal"
):
    """Something worth remembering, with how it felt."""

    event_id: Annotated[str, Column("Its name for ever.", check="length(event_id) > 0")]
    timestamp: Annotated[Instant | None, Column("When it happened.")] = None
    description: Annotated[str | None, Column("What happened.")] = None
    emotional_impact: Annotated[Valence | None, Column("How it felt.")] = None
    category: Annotated[str | None, Column("Kind of memory.")] = None
    related_agents: Annotated[JsonList, Column("Who was there.", default="'[]'")] = Field(
        default_factory=list
    )
    lessons_learned: Annotated[JsonList, Column("What it taught.", default="'[]'")] = Field(
        default_factory=list
    )


class Insight(
    Table,
    owner="pi",
    store="anima",
    table="insights",
    key=("id",),
    indexes=(Index("category", "insights_category_idx"),),
    sensitivity="personal",
):
    """Something that the creature found out about itself, and how often it held."""

    id: Annotated[str, Column("Its name for ever.", check="length(id) > 0")]
    category: Annotated[str, Column("What it is about.", check="length(category) > 0")]
    description: Annotated[str, Column("What was found out.")]
    confidence: Annotated[Ratio, Column("How sure it is.")]
    sample_count: Annotated[Count, Column("Observations it rests on.")]
    discovered_at: Annotated[Instant, Column("When it was found out.")]
    last_validated: Annotated[Instant, Column("When it last held.")]
    validation_count: Annotated[Count, Column("Times it held.", default="0")] = 0
    contradiction_count: Annotated[Count, Column("Times it did not.", default="0")] = 0


class TrajectoryEvent(
    Table,
    owner="pi",
    store="anima",
    table="trajectory_events",
    key=("id",),
    indexes=(Index("timestamp DESC", "trajectory_events_timestamp_idx"),),
    keep_days=30,
):
    """One moment of the creature's way through its states, and what it said then."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it was there.")]
    event_type: Annotated[str, Column("What happened.", check="length(event_type) > 0")]
    shape: Annotated[str | None, Column("The form of the way so far.")] = None
    eisv_state: Annotated[JsonObject | None, Column("E, I, S, V then.")] = None
    derivatives: Annotated[JsonObject | None, Column("Their rates of change.")] = None
    suggested_tokens: Annotated[JsonList | None, Column("Words that fitted.")] = None
    expression_tokens: Annotated[JsonList | None, Column("Words that were said.")] = None
    coherence_score: Annotated[Ratio | None, Column("How well the words fitted.")] = None
    cache_hit: Annotated[bool, Column("Whether the shape was known already.", default="0")] = False
    buffer_size: Annotated[Count | None, Column("States that the shape was taken from.")] = None


class GrowthState(Table, owner="pi", store="anima", table="growth_state", key=("name",)):
    """What learning goes on from after a restart and no other table holds, as JSON by its name."""

    name: Annotated[str, Column("What it is.", check="length(name) > 0")]
    value: Annotated[JsonObject, Column("Baselines, observations, or the state of the rest.")]
    updated_at: Annotated[Instant, Column("When it was last written.")]
