"""What can be asked of soulfra, and what is answered."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from annotated_types import MaxLen, MinLen
from pydantic import Field, StringConstraints

from schemas.quantity import Closed, Quantity
from schemas.soulfra.events import Archetype, Quorum, Story, Text
from schemas.soulfra.tables import Depth, Name
from schemas.soulfra.words import Entity, EntityId, Metrics, Score, Tier, Tone
from schemas.table import JsonObject

Threshold = Annotated[
    float, Quantity("1", "the least share of yes that blesses, to the hundredth", low=0.01, high=1)
]
Number = Annotated[int, Quantity("1", "made by the database", low=1)]
Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", min_length=3, max_length=255)
]


class Asked(Closed):
    """A command's body. Ids that are left out are made."""

    name: ClassVar[str]

    def __init_subclass__(cls, *, name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = name


class RegisterUser(Asked, name="register-user"):
    """Take a person in; it gets its welcome credits."""

    user_id: UUID | None = None
    username: Name
    email: Email
    tier: Tier = Tier.FREE


class ForgetUser(Asked, name="forget-user"):
    """Forget a person: their key is destroyed, and what follows from it is rewritten."""

    user_id: UUID


class RegisterAgent(Asked, name="register-agent"):
    """Take in an agent of a user."""

    agent_id: EntityId
    user_id: UUID
    archetype: Archetype
    tone: Tone = Tone.NEUTRAL


class Whisper(Asked, name="whisper"):
    """Say something to an agent: it becomes a loop. The agent's owner pays."""

    loop_id: EntityId | None = None
    agent_id: EntityId
    text: Text
    tone: Tone = Tone.NEUTRAL
    unsigned: bool = False
    """Nobody but its creator sees whose it is."""


class Fork(Asked, name="fork"):
    """Go on from a loop in a new one. The agent's owner pays."""

    loop_id: EntityId | None = None
    parent: EntityId
    agent_id: EntityId
    tone: Tone | None = None


class ShiftAgentTone(Asked, name="shift-agent-tone"):
    """Let an agent feel otherwise."""

    agent_id: EntityId
    tone: Tone


class ShiftLoopTone(Asked, name="shift-loop-tone"):
    """Let a loop feel otherwise."""

    loop_id: EntityId
    tone: Tone


class MeasureAgent(Asked, name="measure-agent"):
    """Say how aware an agent is, how much it remembers, or both."""

    agent_id: EntityId
    consciousness_score: Score | None = None
    memory_depth: Depth | None = None


class MeasureLoop(Asked, name="measure-loop"):
    """Say what a loop is aware of; what was said before is forgotten."""

    loop_id: EntityId
    consciousness: Metrics


class DissolveLoop(Asked, name="dissolve-loop"):
    """End a loop."""

    loop_id: EntityId


class FoundGuild(Asked, name="found-guild"):
    """Found a guild, and be its first member."""

    guild_id: EntityId
    guild_name: Name
    agent_id: EntityId
    threshold: Threshold = 0.5


class JoinGuild(Asked, name="join-guild"):
    """Join a guild."""

    guild_id: EntityId
    agent_id: EntityId


class OpenVoting(Asked, name="open-voting"):
    """Ask whether a loop is to be blessed: its guild's members, or every agent."""

    voting_id: EntityId | None = None
    loop_id: EntityId
    agent_id: EntityId
    guild_id: EntityId | None = None
    threshold: Threshold | None = None
    """None: the guild's, else a half. Not below the guild's."""
    quorum: Quorum = 1


class CastVote(Asked, name="vote"):
    """Say yes or no, once. The vote that makes the quorum closes the voting."""

    voting_id: EntityId
    agent_id: EntityId
    approves: bool


class Prophesy(Asked, name="prophesy"):
    """Foretell something. The agent's owner pays."""

    agent_id: EntityId
    text: Text
    loops: Annotated[tuple[EntityId, ...], MaxLen(100)] = ()


class Fulfil(Asked, name="fulfil"):
    """Say that a prophecy came true."""

    prophecy_id: Number


class FormCluster(Asked, name="form-cluster"):
    """Say that loops belong together."""

    cluster_id: EntityId
    cluster_name: Name
    loops: Annotated[tuple[EntityId, ...], MinLen(1), MaxLen(1000)]
    mythology: Story | None = None


class DissolveCluster(Asked, name="dissolve-cluster"):
    """Let the loops of a cluster go their ways."""

    cluster_id: EntityId


COMMANDS: dict[str, type[Asked]] = {model.name: model for model in Asked.__subclasses__()}


class Answer(Closed):
    """What a command made or changed: always the same for the same command."""

    entity: Entity
    id: str
    version: Annotated[int, Quantity("{event}", "counted within the stream", low=1)]
    told: JsonObject = Field(default_factory=dict)
    """What else the asker wants to know: a voting's status, a balance."""
