"""Rows of schema ``legacy``: who is the writer, and who reads where."""

from enum import StrEnum
from typing import Annotated

from annotated_types import Len

from schemas.governance.words import JsonObject, Serial
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

DIRECTORY = Column("The directory of the old files, by its whole path.")
READER = Column("A kind of question, as schemas/legacy/readers.py has it.")


class Side(StrEnum):
    """Where a reader reads, and who is the writer."""

    OLD = "old"
    NEW = "new"


class Turn(StrEnum):
    """Which way an epoch goes."""

    CUTOVER = "cutover"
    ROLLBACK = "rollback"


class Class(StrEnum):
    """How two answers differ."""

    MISSING = "missing"
    STALE = "stale"
    TYPE = "type"
    ORDER = "order"
    MEANING = "meaning"


def _counted(says: str) -> tuple[Quantity, Column]:
    return Quantity("{answer}", says, low=0), Column(sql="bigint", default="0")


class Epoch(
    Table, owner="mac", store="governance", table="legacy.epochs", key=("epoch",),
    indexes=(Index("directory, epoch DESC", "epochs_directory_epoch_idx"),),
):  # fmt: skip
    """One cutover or rollback, and how far it came. The last that turned says who is the writer."""

    epoch: Annotated[Serial, Column(identity=True)]
    directory: Annotated[str, DIRECTORY]
    kind: Annotated[Turn, Column("Which way.")]
    begun_at: Annotated[Instant, Column("When it was begun.", default="now()")]
    fenced_at: Annotated[Instant | None, Column("When the old files refused every write.")] = None
    turned_at: Annotated[
        Instant | None, Column("When the writer and all readers changed sides, in one transaction.")
    ] = None
    finished_at: Annotated[Instant | None, Column("When nothing of it was left to do.")] = None
    marker: Annotated[
        str | None, Column("The transaction from which on the house wrote by itself.")
    ] = None
    modes: Annotated[
        JsonObject, Column("Modes of the files of lines before the fence.", default="'{}'")
    ]
    compared: Annotated[
        int | None, Quantity("{row}", "that were equal on both sides", low=0), Column(sql="bigint")
    ] = None
    sha256: Annotated[
        Annotated[bytes, Len(32, 32)] | None, Column("Of all that was compared, of each side.")
    ] = None
    archive: Annotated[str | None, Column("The manifest of the old databases' copies.")] = None
    refused: Annotated[str | None, Column("Why it was taken back; null: it was not.")] = None


class Reader(
    Table, owner="mac", store="governance", table="legacy.readers", key=("directory", "reader")
):
    """A kind of question: which side answers it, and what asking both has shown."""

    directory: Annotated[str, DIRECTORY]
    reader: Annotated[str, READER]
    side: Annotated[Side, Column("Which side answers.", default="'old'")] = Side.OLD
    switched_at: Annotated[Instant | None, Column("When that was last changed.")] = None
    compared: Annotated[int, *_counted("that were compared")] = 0
    stale: Annotated[int, *_counted("that differed until the next pass")] = 0
    stale_seconds: Annotated[
        float, Quantity("s", "the longest of them", low=0), Column(default="0")
    ] = 0.0
    own: Annotated[int, *_counted("in which the house says more than the old stores know")] = 0
    differing: Annotated[int, *_counted("that differed, and stayed so")] = 0
    clean_since: Annotated[Instant | None, Column("Since when none differed.")] = None
    compared_at: Annotated[Instant | None, Column("When both were last asked.")] = None


class Differing(
    Table, owner="mac", store="governance", table="legacy.differences",
    key=("directory", "reader", "asked"), sensitivity="personal",
):  # fmt: skip
    """Two answers that differ; it goes when they are equal again."""

    directory: Annotated[str, DIRECTORY]
    reader: Annotated[str, READER]
    asked: Annotated[str, Column("What was asked; a session's key by its SHA-256.")]
    kind: Annotated[Class, Column("How they differ.")]
    old: Annotated[str | None, Column("What the old files say, cut around the difference.")] = None
    new: Annotated[str | None, Column("What the house says.")] = None
    found_at: Annotated[Instant, Column("When it was found.", default="now()")]


TABLES: tuple[type[Table], ...] = (Epoch, Reader, Differing)
