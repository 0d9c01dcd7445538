"""Rows that keep a person's words from others: keys, what was replaced in texts, unsigned loops."""

from typing import Annotated, Final
from uuid import UUID

from annotated_types import Len
from pydantic import StringConstraints

from schemas.quantity import Instant
from schemas.soulfra.tables import LOOP, LoopCreatedAt
from schemas.soulfra.words import Sealed
from schemas.table import Column, Index, JsonObject, Table

PII: Final = r"^(email|phone|name):[A-Za-z0-9_-]{20,40}$"
PiiToken = Annotated[str, StringConstraints(pattern=PII)]
"""What stands in a text for something personal: of which kind, and a keyed hash of it."""
Wrapped = Annotated[bytes, Len(60, 60)]
Keyed = Annotated[bytes, Len(32, 32)]


class Subject(
    Table,
    owner="mac",
    store="soulfra",
    table="privacy.subjects",
    key=("user_id",),
    indexes=(
        Index(
            "forgotten_at",
            "subjects_forgotten_at_idx",
            where="forgotten_at IS NOT NULL AND finished_at IS NULL",
        ),
    ),
    sensitivity="secret",
):
    """A person's key, wrapped by the process's own. Without it, nothing of theirs can be read.

    Follows from no event: what is destroyed here is in no log.
    """

    user_id: Annotated[UUID, Column("Whose it is.")]
    wrapped: Annotated[
        Wrapped | None,
        Column(
            "The key, sealed with the master key; null: destroyed.",
            check="(wrapped IS NULL) = (forgotten_at IS NOT NULL)",
        ),
    ] = None
    username_token: Annotated[
        Keyed | None,
        Column("A keyed hash of the name: no two are called the same.", unique=True),
    ] = None
    email_token: Annotated[
        Keyed | None, Column("A keyed hash of the address; likewise.", unique=True)
    ] = None
    made_at: Annotated[Instant, Column("When the key was made.", default="now()")]
    forgotten_at: Annotated[Instant | None, Column("When the key was destroyed.")] = None
    finished_at: Annotated[
        Instant | None,
        Column(
            "When every other place was rewritten, too.",
            check="finished_at IS NULL OR forgotten_at IS NOT NULL",
        ),
    ] = None
    report: Annotated[
        JsonObject, Column("Of each place: what was done with how many.", default="'{}'")
    ]


class Pii(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.pii_tokens",
    key=("user_id", "token"),
    sensitivity="personal",
):
    """What a token in a person's texts stands for, sealed. Follows from whispers and prophecies."""

    user_id: Annotated[UUID, Column("In whose texts.", references="soulfra.users (id)")]
    token: Annotated[PiiToken, Column("As it stands in the text.")]
    sealed: Annotated[Sealed, Column("What it stands for, sealed with that person's key.")]


class LoopOwner(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.loop_owners",
    key=("loop_id",),
    indexes=(Index("creator_id", "loop_owners_creator_id_idx"),),
    references={"loop_owners_loop_fkey": LOOP},
    sensitivity="personal",
):
    """Whose an unsigned loop is: who paid, is paid, may have it forgotten. No report sees it."""

    loop_id: Annotated[str, Column("The loop.")]
    loop_created_at: LoopCreatedAt
    creator_id: Annotated[UUID, Column("Whose it is.", references="soulfra.users (id)")]
    agent_id: Annotated[
        str, Column("The agent that heard it.", references="soulfra.agents (agent_id)")
    ]
