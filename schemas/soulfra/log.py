"""Rows of schema ``log``: what happened, and how far it was followed."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from annotated_types import Len
from pydantic import Field, StringConstraints

from schemas.quantity import Instant, Quantity
from schemas.soulfra.words import Position, Version
from schemas.table import Column, Index, JsonObject, Table

STREAM = r"^(?:user|agent|loop|voting|guild|prophecy|cluster):[A-Za-z0-9][A-Za-z0-9_.-]*$"
Stream = Annotated[str, StringConstraints(pattern=STREAM, max_length=109)]
Sha256 = Annotated[bytes, Len(32, 32)]
TransactionId = Annotated[int, Quantity("1", "Postgres' own number of the transaction", low=0)]


class EventType(StrEnum):
    """What can happen. A word is never used again for something else."""

    USER_REGISTERED = "user_registered"
    AGENT_REGISTERED = "agent_registered"
    LOOP_CREATED = "loop_created"
    LOOP_FORKED = "loop_forked"
    LOOP_DISSOLVED = "loop_dissolved"
    TONE_SHIFTED = "tone_shifted"
    GUILD_FOUNDED = "guild_founded"
    GUILD_JOINED = "guild_joined"
    VOTING_OPENED = "voting_opened"
    VOTE_CAST = "vote_cast"
    VOTING_CLOSED = "voting_closed"
    BLESSING_GRANTED = "blessing_granted"
    PROPHECY_SPOKEN = "prophecy_spoken"
    PROPHECY_FULFILLED = "prophecy_fulfilled"
    CLUSTER_FORMED = "cluster_formed"
    CLUSTER_DISSOLVED = "cluster_dissolved"
    CREDITS_CHANGED = "credits_changed"
    LOOP_OWNED = "loop_owned"
    USER_FORGOTTEN = "user_forgotten"
    AGENT_MEASURED = "agent_measured"
    LOOP_MEASURED = "loop_measured"


UNSHOWN = (EventType.CREDITS_CHANGED, EventType.LOOP_OWNED)
"""Of no report: together they say whose an unsigned loop is."""

MENDED: Final = "mended"
"""In the table of followers: when a rebuild last put right what was wrong, and as of where."""


class Event(
    Table,
    owner="mac",
    store="soulfra",
    table="log.events",
    key=("position",),
    unique={"events_stream_version_key": ("stream", "version")},
    indexes=(Index("transaction_id, position", "events_transaction_id_position_idx"),),
    sensitivity="personal",
):
    """One thing that happened. Only added: no role and no trigger lets it be changed.

    A reader goes by (transaction_id, position), and not past a transaction that may still commit.
    """

    position: Annotated[
        Position, Column("Unique, and growing within a transaction.", identity=True)
    ]
    transaction_id: Annotated[
        TransactionId,
        Column("The transaction that added it.", default="pg_current_xact_id()::text::bigint"),
    ] = 0
    stream: Annotated[Stream, Column("Whose life it is part of: entity and id.")]
    version: Annotated[Version, Column("Its place in that life, without a gap.")]
    type: Annotated[EventType, Column("What happened.")]
    schema_version: Annotated[
        int,
        Quantity("1", "of the shape of data", low=1, high=1000),
        Column("Older ones are made into the newest shape when they are read.", sql="integer"),
    ]
    recorded_at: Annotated[Instant, Column("When its transaction began.", default="now()")]
    data: Annotated[JsonObject, Column("What is true since then.")]
    metadata: Annotated[JsonObject, Column("The command, and who gave it.", default="'{}'")] = (
        Field(default_factory=dict)
    )
    sha256: Annotated[
        Sha256,
        Column("Over the one before it in its stream and all that it says. Set by log.append."),
    ]


COMMAND_DAYS: Final = 30
"""So long the same command is not done twice."""


class Command(
    Table,
    owner="mac",
    store="soulfra",
    table="log.commands",
    key=("command_id",),
    indexes=(Index("done_at", "commands_done_at_idx"),),
    keep_days=COMMAND_DAYS,
    sensitivity="personal",
):
    """A command that was done, and what was answered. The same again gets the same answer."""

    command_id: Annotated[UUID, Column("Made by whoever gave it.")]
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=100)], Column("What was asked.")
    ]
    body_sha256: Annotated[Sha256, Column("Of all it said: another body is another command.")]
    answer: Annotated[JsonObject, Column("What was answered.")]
    done_at: Annotated[Instant, Column("When its transaction began.", default="now()")]


class Follower(Table, owner="mac", store="soulfra", table="log.followers", key=("follower",)):
    """How far someone has read the log. Moves in the transaction of what it does."""

    follower: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=100)], Column("Its name.")
    ]
    transaction_id: Annotated[TransactionId, Column("Of the last event that it took.")]
    position: Annotated[
        int, Quantity("1", "where that event is in the log", low=0), Column("Nothing yet: 0.")
    ]
    taken: Annotated[
        int, Quantity("{event}", "counted by the follower", low=0), Column("All that it took.")
    ]
    recorded_at: Annotated[
        Instant | None, Column("When the last event that it took was recorded.")
    ] = None
    moved_at: Annotated[Instant, Column("When it last took one.", default="now()")]
