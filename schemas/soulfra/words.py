"""The vocabulary of ``soulfra``: what a column may say, for models, checks and commands alike."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

from annotated_types import MaxLen
from pydantic import StringConstraints

from schemas.quantity import Quantity

SCHEMAS: Final = MappingProxyType(
    {
        "soulfra": "Users, agents, loops and what became of them: each follows from the log.",
        "log": "What happened, append-only, and how far it was followed.",
        "privacy": "The key of each person. Destroyed, nothing of theirs can be read any more.",
        "drift": "How fast agents and loops drift: counted from the log.",
        "shard": "Which database has which agents, and how slots move between them.",
    }
)
"""Schema to comment."""

ID: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""Part of Redis keys, of streams and of paths: no colon, no slash, no space."""
EntityId = Annotated[str, StringConstraints(pattern=ID, max_length=100)]
SEALED: Final = r"^s1\.[A-Za-z0-9_-]{20,}$"
Sealed = Annotated[str, StringConstraints(pattern=SEALED, max_length=400_000)]
"""A text that only the key of its subject opens; apps/soulfra/privacy/keys.py shuts it."""
Score = Annotated[float, Quantity("1", "a share or a score, to the hundredth", low=0, high=1)]
SCORE_SQL: Final = "numeric(3,2)"
"""As the guide has it; a ``Column`` of a ``Score`` names it."""
Metric = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Metrics = Annotated[
    dict[Metric, Annotated[float, Quantity("1", "told by who measured", low=0, high=1)]],
    MaxLen(50),
]
"""What a loop is aware of, and how much: numbers only, so no person can be in them."""
Position = Annotated[int, Quantity("1", "where the event is in the log", low=1)]
Version = Annotated[int, Quantity("{event}", "counted within the stream", low=1)]
SLOTS: Final = 4096
Slot = Annotated[int, Quantity("1", "a stable hash of the agent's id", low=0, high=SLOTS - 1)]
"""Which of the slots an agent is in, wherever the slot lives."""


class Cause(StrEnum):
    """Why credits came or went."""

    WELCOME = "welcome"
    WHISPER = "whisper"
    FORK = "fork"
    PROPHECY = "prophecy"
    BLESSED = "blessed"


CREDITS: Final[Mapping[Cause, int]] = MappingProxyType(
    {
        Cause.WELCOME: 1000,
        Cause.WHISPER: -1,
        Cause.FORK: -2,
        Cause.PROPHECY: -5,
        Cause.BLESSED: 10,
    }
)
"""What comes or goes: to whoever registers; from the owner of the agent; to the loop's creator."""


class Tier(StrEnum):
    """What a user subscribes to."""

    FREE = "free"
    PLUS = "plus"
    PATRON = "patron"


class Tone(StrEnum):
    """The emotional tone of an agent or a loop."""

    NEUTRAL = "neutral"
    CALM = "calm"
    JOY = "joy"
    HOPE = "hope"
    WONDER = "wonder"
    LONGING = "longing"
    GRIEF = "grief"
    FEAR = "fear"
    ANGER = "anger"


class BlessingType(StrEnum):
    """Whose consensus a blessing is."""

    OPEN = "open"
    GUILD = "guild"


class Fulfilment(StrEnum):
    """What became of a prophecy."""

    PENDING = "pending"
    FULFILLED = "fulfilled"


class Ballot(StrEnum):
    """Where a voting is."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


class Gathering(StrEnum):
    """Whether a cluster still is one."""

    ACTIVE = "active"
    DISSOLVED = "dissolved"


class Change(StrEnum):
    """How a loop or an agent was changed."""

    FORKED = "forked"
    BLESSED = "blessed"
    TONE_SHIFTED = "tone_shifted"
    DISSOLVED = "dissolved"


class Entity(StrEnum):
    """What has a stream of events, and begins the name of it: ``loop:<loop_id>``."""

    USER = "user"
    AGENT = "agent"
    LOOP = "loop"
    VOTING = "voting"
    GUILD = "guild"
    PROPHECY = "prophecy"
    CLUSTER = "cluster"
