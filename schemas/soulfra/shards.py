"""Rows of schema ``shard``: which database has which agents, and how slots move between them."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints

from schemas.quantity import Instant, Quantity
from schemas.soulfra.words import EntityId, Slot
from schemas.table import Column, Index, Serial, Table

HOME: Final = "home"
"""The shard that also holds users, loops and the register of all agents."""
ShardName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Epoch = Annotated[int, Quantity("1", "counted up whenever a slot gets another owner", low=1)]
SHARD = "shard.places (name)"
LIVES: Final = frozenset(
    {
        "soulfra.agents", "soulfra.transformations", "log.events", "log.commands",
        "log.followers", "drift.ratings", "shard.places", "shard.slots",
    }
)  # fmt: skip
"""Tables that a second shard fills, too: the rest of its tables stay empty."""


def server(name: str) -> str:
    """What the Postgres server of a shard is called."""
    return "postgres-age" if name == HOME else f"postgres-age-{name}"


class Hold(StrEnum):
    """Whether a database takes what is written about the agents of a slot."""

    HERE = "here"
    FROZEN = "frozen"
    """Whoever writes waits, until it is decided or ``frozen_until``; after that it is here."""
    ARRIVING = "arriving"
    """Only the mover writes."""
    AWAY = "away"


class Step(StrEnum):
    """How far a move is. Up to ``copying`` it can be undone."""

    COPYING = "copying"
    FLIPPED = "flipped"
    """The map says the new owner; what is left is to let it write, and to take away the old."""
    DONE = "done"
    UNDONE = "undone"


class Place(Table, owner="mac", store="soulfra", table="shard.places", key=("name",)):
    """A database with agents. Home knows all of them; every other one knows itself."""

    name: Annotated[ShardName, Column("What it is called; ``home`` is where all else is, too.")]
    place: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[^@\s]*$", max_length=500)],
        Column("Where it is: a libpq URL's part after the user; empty: this very database."),
    ]
    here: Annotated[bool, Column("Whether it is this very database.")]
    joined_at: Annotated[Instant, Column("When it was taken in.", default="now()")]


class SlotOwner(
    Table,
    owner="mac",
    store="soulfra",
    table="shard.map",
    key=("slot",),
    indexes=(Index("shard", "map_shard_idx"),),
):
    """Whose a slot is. In home only, and empty until a second shard joins: then all is home's."""

    slot: Annotated[Slot, Column("The slot.", sql="integer")]
    shard: Annotated[str, Column("Its owner: always one.", references=SHARD)]
    epoch: Annotated[Epoch, Column("How often it had one.", default="1")] = 1


class SlotHere(Table, owner="mac", store="soulfra", table="shard.slots", key=("slot",)):
    """What becomes of a slot's agents in this database. No rows: it has them all."""

    slot: Annotated[Slot, Column("The slot.", sql="integer")]
    state: Annotated[Hold, Column("Whether it has them.")]
    epoch: Annotated[Epoch, Column("The map's, when this was decided.", default="1")] = 1
    frozen_until: Annotated[
        Instant | None,
        Column(
            "When a frozen slot is open again, should its mover be dead.",
            check="(state = 'frozen') = (frozen_until IS NOT NULL)",
        ),
    ] = None


class Registration(
    Table, owner="mac", store="soulfra", table="shard.registrations", key=("agent_id",)
):
    """An agent that was registered at home and is still to be carried to the shard of its slot."""

    agent_id: Annotated[EntityId, Column("The agent.")]
    slot: Annotated[Slot, Column("Its slot.", sql="integer")]
    registered_at: Annotated[Instant, Column("When.", default="now()")]


class Move(
    Table,
    owner="mac",
    store="soulfra",
    table="shard.moves",
    key=("id",),
    indexes=(Index("first_slot", "moves_first_slot_idx", where="step IN ('copying', 'flipped')"),),
):
    """A move of slots from one shard to another: how far it is, and how much it was."""

    id: Annotated[Serial, Column("Its number.", identity=True)]
    first_slot: Annotated[Slot, Column("The first slot.", sql="integer")]
    last_slot: Annotated[
        Slot, Column("The last slot.", check="last_slot >= first_slot", sql="integer")
    ]
    source: Annotated[str, Column("Whose they were.", references=SHARD)]
    target: Annotated[str, Column("Whose they become.", references=SHARD, check="target <> source")]
    step: Annotated[Step, Column("How far it is.", default="'copying'")] = Step.COPYING
    agents: Annotated[
        int | None, Quantity("{agent}", "counted on both sides", low=0), Column("How many moved.")
    ] = None
    events: Annotated[
        int | None, Quantity("{event}", "counted on both sides", low=0), Column("How many moved.")
    ] = None
    checksum: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None,
        Column("Of all that moved, the same on both sides before the map was changed."),
    ] = None
    frozen_ms: Annotated[
        int | None, Quantity("ms", "the mover's clock", low=0), Column("How long it was frozen.")
    ] = None
    begun_at: Annotated[Instant, Column("When it began.", default="now()")]
    moved_at: Annotated[Instant, Column("When its step was taken.", default="now()")]
