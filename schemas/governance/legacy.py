"""Rows of schema ``legacy``: what came over from the old stores, how far, and what did not."""

from typing import Annotated, Final

from annotated_types import Len

from schemas.governance.words import JsonList, JsonObject, Serial
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Table

FILE: Final = Column("The old file, by its whole path.")
PART: Final = Column("The old table in it, or lines, nodes, transcript.")


def _counted(says: str) -> tuple[Quantity, Column]:
    return Quantity("{row}", says, low=0), Column(sql="bigint", default="0")


class Run(Table, owner="mac", store="governance", table="legacy.runs", key=("directory",)):
    """A directory of old data that is brought over, and the zone that its clocks were in."""

    directory: Annotated[str, Column("Its whole path.")]
    zone: Annotated[str, Column("The zone of times without an offset, for good.")]
    begun_at: Annotated[Instant, Column("When its last run began.", default="now()")]
    finished_at: Annotated[
        Instant | None, Column("When that was done; null: it goes on where it was killed.")
    ] = None
    redraw_due: Annotated[bool, Column("Rows came that have no vertex yet.", default="false")] = (
        False
    )
    seen_at: Annotated[Instant | None, Column("All that lay in the old files then is here.")] = None


class LegacyPosition(
    Table, owner="mac", store="governance", table="legacy.positions", key=("file", "part")
):
    """How far a part of an old file is brought over. Moves in the transaction of its rows."""

    file: Annotated[str, FILE]
    part: Annotated[str, PART]
    after: Annotated[
        JsonList | None, Column("Key of the last row, or byte and number of the line; null: none.")
    ] = None
    head_sha256: Annotated[
        Annotated[bytes, Len(32, 32)] | None, Column("Of the first bytes of a file of lines.")
    ] = None
    read: Annotated[int, *_counted("rows that were read")] = 0
    taken: Annotated[int, *_counted("of them those that made or changed a row")] = 0
    rejected: Annotated[int, *_counted("of them those in legacy.rejected")] = 0
    folds: Annotated[int, *_counted("times in an hour that came twice: its first pass")] = 0
    gaps: Annotated[int, *_counted("times in an hour that was skipped: as before it")] = 0
    finished_at: Annotated[Instant | None, Column("When its end was reached.")] = None
    updated_at: Annotated[Instant, Column("When it last moved.", default="now()")]


class Rejected(
    Table,
    owner="mac",
    store="governance",
    table="legacy.rejected",
    key=("file", "part", "old_key"),
    sensitivity="personal",
):
    """An old row that the new house cannot hold as it is. It stays in its file."""

    file: Annotated[str, FILE]
    part: Annotated[str, Column("The old table, with .column if the rest of the row was taken.")]
    old_key: Annotated[str, Column("Its key, or the number of its line.")]
    reason: Annotated[str, Column("Why it was not taken.")]
    rejected_at: Annotated[Instant, Column("When it was first refused.", default="now()")]


class OldState(
    Table,
    owner="mac",
    store="governance",
    table="legacy.agent_state",
    key=("identity_id", "recorded_at", "seq"),
    sensitivity="personal",
):
    """A state of an agent as the old server kept it: no verdict, and no readings.

    core.agents shows the newest of an agent that has not yet checked in here.
    """

    identity_id: Annotated[
        Serial, Column("The agent.", references="core.identities (identity_id) ON DELETE CASCADE")
    ]
    recorded_at: Annotated[Instant, Column("The old server's clock.")]
    seq: Annotated[int, Quantity("1", "its count of updates, or its id"), Column(sql="bigint")]
    energy: Annotated[float | None, Quantity("1", "E, as it was")] = None
    integrity: Annotated[float | None, Quantity("1", "I, as it was")] = None
    entropy: Annotated[float | None, Quantity("1", "S, as it was")] = None
    void: Annotated[float | None, Quantity("1", "V, as it was")] = None
    coherence: Annotated[float | None, Quantity("1", "as it was")] = None
    regime: Annotated[str | None, Column("How the EISV moved, in the old server's words.")] = None
    state_json: Annotated[JsonObject | None, Column("What else it said.")] = None


class Followed(
    Table, owner="mac", store="governance", table="legacy.followed",
    key=("file", "part", "key_sha256"), sensitivity="personal",
):  # fmt: skip
    """An old row as it was when it was last applied: what differs from it has changed."""

    file: Annotated[str, FILE]
    part: Annotated[str, PART]
    key_sha256: Annotated[Annotated[bytes, Len(32, 32)], Column("Of its key.")]
    unit: Annotated[str, Column("What is applied together: an agent, a discovery, a dispute.")]
    row_sha256: Annotated[Annotated[bytes, Len(32, 32)], Column("Of what it said.")]


class Failure(
    Table, owner="mac", store="governance", table="legacy.failures",
    key=("file", "part", "unit"), sensitivity="personal",
):  # fmt: skip
    """A change of the old database that could not be applied. It is tried again, and then goes."""

    file: Annotated[str, FILE]
    part: Annotated[str, PART]
    unit: Annotated[str, Column("What was to be applied.")]
    reason: Annotated[str, Column("Why it could not be.")]
    tries: Annotated[int, Quantity("1", "times that it failed", low=1),
                     Column(sql="bigint", default="1")] = 1  # fmt: skip
    first_failed_at: Annotated[Instant, Column("When it first did.", default="now()")]
    last_failed_at: Annotated[Instant, Column("When it last did.", default="now()")]


TABLES: tuple[type[Table], ...] = (
    Run, LegacyPosition, Rejected, OldState, Followed, Failure,
)  # fmt: skip
