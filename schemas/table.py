"""A row that lives somewhere: every table states its owner, its store, its keys and its care."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from schemas.quantity import Closed, Quantity

Owner = Literal["pi", "mac"]
Store = Literal["governance", "soulfra", "anima", "soulfra_memory"]
"""The migration line that makes it."""
IN_FILES: Final = frozenset({"anima", "soulfra_memory"})
"""Lines that live in SQLite files; all others are databases of the Postgres server."""
Sensitivity = Literal["internal", "personal", "secret"]
"""``secret`` opens something or names who may; ``personal`` is about someone; else internal."""

JsonObject = dict[str, Any]
JsonList = list[Any]
Serial = Annotated[int, Quantity("1", "made by the database")]


@dataclass(frozen=True, slots=True)
class Column:
    """What a field's type does not say: its meaning, and what the database does with it.

    Type, nullability, range, words and JSON shape follow from the annotation. Constraint names
    are the engine's own for keys, ``<table>_<column>_check`` for checks.
    """

    says: str = ""
    """One sentence for the reader. A ``Quantity`` brings its own."""
    default: str | None = None
    """An SQL expression."""
    identity: bool = False
    """Numbered by the database."""
    generated: str | None = None
    """A stored SQL expression over other columns; the model's field is never written."""
    references: str | None = None
    """``core.identities (agent_id) ON DELETE CASCADE``"""
    unique: bool = False
    check: str | None = None
    """An SQL condition that the type does not say."""
    unsampled: bool = False
    """The planner keeps no values of it: they would outlive their rows."""
    sql: str | None = None
    """The column's SQL type where it is not the usual one for the Python type."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its columns as SQL writes them, and the rows that it holds."""

    columns: str
    """``identity_id, recorded_at DESC``"""
    name: str
    where: str | None = None
    method: str = "btree"
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of several columns."""

    columns: tuple[str, ...]
    target: str
    """``soulfra.loops (loop_id, created_at)``"""


class Table(Closed):
    """A row of a declared table.

    ``owner`` is the only side that writes it; ``store`` is its migration line. ``key`` are the
    columns of the primary key, ``unique`` further keys by constraint name, ``references`` foreign
    keys of several columns, likewise. ``month_by`` is the column that a monthly partitioned table
    is cut by, ``hash_by`` the one whose hash parts it. ``keep_days`` None keeps for ever;
    ``fresh_seconds`` is how old the newest row may be while the writer runs, None if it may be any.
    """

    owner: ClassVar[Owner]
    store: ClassVar[Store]
    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    unique: ClassVar[dict[str, tuple[str, ...]]]
    references: ClassVar[dict[str, Reference]]
    indexes: ClassVar[tuple[Index, ...]]
    month_by: ClassVar[str | None]
    hash_by: ClassVar[str | None]
    keep_days: ClassVar[int | None]
    fresh_seconds: ClassVar[float | None]
    sensitivity: ClassVar[Sensitivity]

    def __init_subclass__(
        cls,
        *,
        owner: Owner,
        store: Store,
        table: str,
        key: tuple[str, ...] = (),
        unique: dict[str, tuple[str, ...]] | None = None,
        references: dict[str, Reference] | None = None,
        indexes: tuple[Index, ...] = (),
        month_by: str | None = None,
        hash_by: str | None = None,
        keep_days: int | None = None,
        fresh_seconds: float | None = None,
        sensitivity: Sensitivity = "internal",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.store, cls.table = owner, store, table
        cls.key, cls.unique, cls.indexes = key, unique or {}, indexes
        cls.references, cls.hash_by = references or {}, hash_by
        cls.month_by, cls.keep_days, cls.fresh_seconds = month_by, keep_days, fresh_seconds
        cls.sensitivity = sensitivity
