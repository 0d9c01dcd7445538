"""What goes out as it happens: ids and facts of some events, and nothing that a person wrote.

What is declared here is all that leaves, over Redis and over ``/soulfra/v1/live``: a field that an
event gains is not told to anybody until it is named.
"""

import re
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import StringConstraints, model_validator

from schemas.key import Key
from schemas.quantity import Closed, Instant, Quantity
from schemas.soulfra import keys
from schemas.soulfra.events import BlessingId
from schemas.soulfra.log import EventType
from schemas.soulfra.tables import Depth
from schemas.soulfra.words import BlessingType, EntityId, Score, Tone

CONTRACT: Final = 1
"""The number of these shapes. A field may come; what is there stays as it is."""
SUBPROTOCOL: Final = f"soulfra.live.{CONTRACT}"
PATH: Final = "/soulfra/v1/live"
LIVE_ID: Final = re.compile(r"^(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})$")
LiveId = Annotated[str, StringConstraints(pattern=LIVE_ID.pattern)]
"""An event's transaction and its position: its place in the log, and its id in Redis."""


class StreamName(StrEnum):
    """What can be listened to: a stream's key without ``events:``."""

    LOOP_CREATED = "loop:created"
    BLESSING_GRANTED = "blessing:granted"
    CLUSTER_FORMED = "cluster:formed"

    @property
    def key(self) -> Key:
        """As it is declared."""
        return KEYS[self]


KEYS: Final = MappingProxyType(
    {StreamName(key.pattern.removeprefix("events:")): key for key in keys.STREAMS}
)


class Fact(Closed):
    """What is told of one event; its first field is the id of what its stream is about."""

    type: ClassVar[EventType]
    stream: ClassVar[StreamName]

    def __init_subclass__(cls, *, of: EventType, on: StreamName, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.type, cls.stream = of, on

    @classmethod
    def told(cls, of: str, said: dict[str, Any]) -> dict[str, Any]:
        """Of an event's data what is declared here, as JSON has it; ``of`` is the id."""
        first, *names = cls.model_fields
        return {first: of, **{name: said[name] for name in names}}


class LoopBegan(Fact, of=EventType.LOOP_CREATED, on=StreamName.LOOP_CREATED):
    """A whisper became a loop."""

    loop_id: EntityId
    creator_id: UUID | None
    """None of one that is unsigned; so is the agent."""
    agent_id: EntityId | None
    tone: Tone
    created_at: Instant


class ForkBegan(Fact, of=EventType.LOOP_FORKED, on=StreamName.LOOP_CREATED):
    """A loop began as a fork of another."""

    loop_id: EntityId
    creator_id: UUID
    agent_id: EntityId
    parent: EntityId
    depth: Depth
    tone: Tone
    created_at: Instant


class LoopBlessed(Fact, of=EventType.BLESSING_GRANTED, on=StreamName.BLESSING_GRANTED):
    """A voting agreed, and the loop is blessed."""

    loop_id: EntityId
    blessing_id: BlessingId
    voting_id: EntityId
    loop_created_at: Instant
    blessed_by: EntityId
    blessing_type: BlessingType
    consensus_score: Score


class LoopsGathered(Fact, of=EventType.CLUSTER_FORMED, on=StreamName.CLUSTER_FORMED):
    """Loops were found to belong together."""

    cluster_id: EntityId
    size: Annotated[int, Quantity("{loop}", "loops that it gathers", low=1)]

    @classmethod
    def told(cls, of: str, said: dict[str, Any]) -> dict[str, Any]:
        """Who they are is asked of the cluster: a message stays small."""
        return {"cluster_id": of, "size": len(said["loops"])}


FACTS: Final = MappingProxyType({model.type: model for model in Fact.__subclasses__()})
"""What is told of an event of each type; of the others nothing is."""


class Message(Closed):
    """One event, as it goes to whoever listens."""

    id: LiveId
    stream: StreamName
    type: Literal[
        EventType.LOOP_CREATED,
        EventType.LOOP_FORKED,
        EventType.BLESSING_GRANTED,
        EventType.CLUSTER_FORMED,
    ]
    recorded_at: Instant
    data: LoopBegan | ForkBegan | LoopBlessed | LoopsGathered

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.data.type, self.data.stream) != (self.type, self.stream):
            raise ValueError(f"data is not that of {self.type} on {self.stream}")
        return self
