"""What each event says. The newest shape of each; apps/soulfra/upcast.py knows the older ones."""

from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.quantity import Closed, Instant, Quantity
from schemas.soulfra.log import EventType
from schemas.soulfra.privacy import PiiToken
from schemas.soulfra.tables import Depth, Name
from schemas.soulfra.words import (
    Ballot,
    BlessingType,
    Cause,
    EntityId,
    Metrics,
    Score,
    Sealed,
    Slot,
    Tier,
    Tone,
)

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Story = Annotated[str, StringConstraints(max_length=100_000)]
Archetype = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Amount = Annotated[
    int, Quantity("{credit}", "what it is for", low=-1_000_000_000, high=1_000_000_000)
]
BlessingId = Annotated[int, Quantity("1", "made by the database", low=1)]
Told = dict[PiiToken, Sealed]
"""What each token of a text stands for."""
Quorum = Annotated[int, Quantity("{vote}", "told when it was opened", low=1, high=10_000)]


class Happened(Closed):
    """What one event says, beside its stream, its place in it and its time."""

    type: ClassVar[EventType]
    schema_version: ClassVar[int]

    def __init_subclass__(cls, *, of: EventType, schema_version: int = 1, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.type, cls.schema_version = of, schema_version


class UserRegistered(Happened, of=EventType.USER_REGISTERED):
    """A person came. Stream: the user's."""

    username: Sealed
    email: Sealed
    tier: Tier


class UserForgotten(Happened, of=EventType.USER_FORGOTTEN):
    """A person is to be forgotten: their key is destroyed with it. Stream: the user's."""


class CreditsChanged(Happened, of=EventType.CREDITS_CHANGED):
    """Credits came to a user or went. Stream: the user's."""

    amount: Amount
    cause: Cause


class AgentRegistered(Happened, of=EventType.AGENT_REGISTERED):
    """An agent came. Stream: the agent's."""

    owner_id: UUID
    archetype: Sealed
    tone: Tone
    slot: Slot


class ToneShifted(Happened, of=EventType.TONE_SHIFTED):
    """An agent or a loop feels otherwise. Stream: its own."""

    before: Tone
    after: Tone


class AgentMeasured(Happened, of=EventType.AGENT_MEASURED):
    """How aware an agent is, how much it remembers; None: not measured. Stream: the agent's."""

    consciousness_score: Score | None = None
    memory_depth: Depth | None = None


class LoopMeasured(Happened, of=EventType.LOOP_MEASURED):
    """What a loop is aware of, from now on. Stream: the loop's."""

    consciousness: Metrics


class LoopCreated(Happened, of=EventType.LOOP_CREATED):
    """A whisper became a loop; unsigned, another event says whose. Stream: the loop's."""

    creator_id: UUID | None
    agent_id: EntityId | None
    whisper: Sealed
    pii: Told = Field(default_factory=dict)
    tone: Tone
    created_at: Instant


class LoopOwned(Happened, of=EventType.LOOP_OWNED):
    """Whose an unsigned loop is. Stream: the loop's; no report sees it."""

    creator_id: UUID
    agent_id: EntityId
    loop_created_at: Instant
    pii: Told = Field(default_factory=dict)


class LoopForked(Happened, of=EventType.LOOP_FORKED):
    """A loop began as a fork of another. Stream: the new loop's."""

    creator_id: UUID
    agent_id: EntityId
    parent: EntityId
    depth: Depth
    tone: Tone
    created_at: Instant


class LoopDissolved(Happened, of=EventType.LOOP_DISSOLVED):
    """A loop ended. Stream: the loop's."""


class GuildFounded(Happened, of=EventType.GUILD_FOUNDED):
    """A guild came to be; who founded it is its first member. Stream: the guild's."""

    name: Name
    threshold: Score
    founded_by: EntityId


class GuildJoined(Happened, of=EventType.GUILD_JOINED):
    """An agent joined a guild. Stream: the guild's."""

    agent_id: EntityId


class VotingOpened(Happened, of=EventType.VOTING_OPENED):
    """It is asked whether a loop is to be blessed. Stream: the voting's."""

    loop_id: EntityId
    loop_created_at: Instant
    guild_id: EntityId | None
    opened_by: EntityId
    threshold: Score
    quorum: Quorum


class VoteCast(Happened, of=EventType.VOTE_CAST):
    """An agent said yes or no. Stream: the voting's."""

    agent_id: EntityId
    approves: bool


class VotingClosed(Happened, of=EventType.VOTING_CLOSED):
    """Enough have voted. Stream: the voting's."""

    status: Ballot
    consensus_score: Score


class BlessingGranted(Happened, of=EventType.BLESSING_GRANTED):
    """A voting agreed, and the loop is blessed. Stream: the loop's."""

    blessing_id: BlessingId
    voting_id: EntityId
    loop_created_at: Instant
    blessed_by: EntityId
    blessing_type: BlessingType
    consensus_score: Score


class ProphecySpoken(Happened, of=EventType.PROPHECY_SPOKEN):
    """An agent foretold something. Stream: the prophecy's."""

    author_agent: EntityId
    text: Sealed
    pii: Told = Field(default_factory=dict)
    related_loops: tuple[EntityId, ...]


class ProphecyFulfilled(Happened, of=EventType.PROPHECY_FULFILLED):
    """It came true. Stream: the prophecy's."""


class ClusterLoop(Closed):
    """A loop of a cluster, and the month that it lies in."""

    loop_id: EntityId
    created_at: Instant


class ClusterFormed(Happened, of=EventType.CLUSTER_FORMED):
    """Loops were found to belong together. Stream: the cluster's."""

    name: Name
    mythology: Story | None
    loops: tuple[ClusterLoop, ...]


class ClusterDissolved(Happened, of=EventType.CLUSTER_DISSOLVED):
    """They go their ways. Stream: the cluster's."""


NEWEST: Final = MappingProxyType({model.type: model for model in Happened.__subclasses__()})
"""The model of each type."""
