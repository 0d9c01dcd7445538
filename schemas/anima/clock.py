"""What anima.db keeps of its clock: the boots of the board, and what was moved when one was wrong.

A row of another table belongs to the boot whose ids it lies among. Its time is CLOCK_BOOTTIME plus
the boot's offset, so the time that was first written is its time less every shift it lay in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.anima.tables import JsonObject, Numbered, RowId
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

KernelBoot = Annotated[
    str,
    StringConstraints(min_length=1),
    Column("The kernel's name for the boot.", check="length(kernel_boot_id) > 0"),
]
Micros = Annotated[int, Quantity("us", "house time less CLOCK_BOOTTIME, since 1970")]
Shift = Annotated[int, Quantity("us", "what was added to each timestamp")]
Uptime = Annotated[float, Quantity("s", "CLOCK_BOOTTIME", low=0, high=1e12)]


class ShiftReason(StrEnum):
    """Why timestamps were moved."""

    KNOWN = "known"
    """An authority told the time for the first time in that boot."""
    CORRECTED = "corrected"
    """An authority said that the clock had been wrong by more than two seconds."""
    BEFORE = "before"
    """An earlier boot lay in the future of a known clock: it ended before this one began."""


class Boot(
    Table,
    owner="pi",
    store="anima",
    table="clock_boots",
    key=("id",),
    unique={"clock_boots_kernel_boot_id_key": ("kernel_boot_id",)},
):
    """One boot of the board, with the offset that turns its monotonic time into house time."""

    id: Numbered = None
    kernel_boot_id: KernelBoot
    raw_wall_at: Annotated[Instant, Column("What the system's clock said at first.")]
    began_monotonic_seconds: Annotated[Uptime, Column("How long the kernel ran by then.")]
    offset_microseconds: Annotated[Micros, Column("House time at the start of the kernel.")]
    known_at: Annotated[Instant | None, Column("When an authority first told the time.")] = None
    source: Annotated[str | None, Column("Which one told it last.")] = None
    last_ids: Annotated[
        JsonObject, Column("The newest row of each table before this boot.", default="'{}'")
    ] = Field(default_factory=dict)


class Shifted(
    Table,
    owner="pi",
    store="anima",
    table="clock_shifts",
    key=("id",),
    indexes=(Index("table_name, from_id", "clock_shifts_table_name_idx"),),
):
    """Rows of one table that were, or are being, moved in time together; kept for ever."""

    id: Numbered = None
    kernel_boot_id: KernelBoot
    table_name: Annotated[str, Column("Whose rows.", check="length(table_name) > 0")]
    from_id: Annotated[RowId, Column("The first of them.")]
    upto_id: Annotated[RowId, Column("The last of them.")]
    next_id: Annotated[RowId, Column("The next to be moved; beyond the last when all are.")]
    shift_microseconds: Annotated[Shift, Column("How far.")]
    reason: Annotated[ShiftReason, Column("Why.")]
