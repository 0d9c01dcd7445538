"""The words of the mapping: an old table or file, its columns, and what becomes of each."""

from typing import Final, Literal, NamedTuple, get_args

Fate = Literal["moves", "archived", "retired", "unknown"]
"""Rows are taken over; kept as a file; moved to the dated archive as dead; asks for a human."""

How = Literal[
    "as-is",  # the value, also when it is 0.0 or empty
    "instant",  # naive local text, to UTC by the stated source zone
    "object",  # JSON text of an object
    "array",  # JSON text of an array
    "truth",  # 0 or 1
    "uuid",  # as it is when it is one; else made of what the row says, and the old kept beside
    "beside",  # no column of its own: under its old name, in "beside" of the target's JSON column
    "json",  # the same for JSON text: as the JSON that it is, under the name without _json
    "secret",  # never copied: where it must be told apart, by its SHA-256
    "follows",  # not copied: it follows from another column
]
HOW: Final = get_args(How)


class Take(NamedTuple):
    """One old column: the target's column, and how its value gets there."""

    old: str
    new: str | None
    how: How = "as-is"


class OldTable(NamedTuple):
    """One table of an old SQLite file, as one of its writers made it."""

    name: str
    variant: Literal["A", "B", "both"]
    key: tuple[str, ...]
    """Stable order for reading in pieces, and what names a rejected row."""
    takes: tuple[Take, ...] = ()
    target: str | None = None
    fate: Fate = "moves"
    later: frozenset[str] = frozenset()
    """Columns that ALTER added: an older file lacks them."""
    why: str = ""

    @property
    def columns(self) -> frozenset[str]:
        """Every column that is known."""
        return frozenset(take.old for take in self.takes)

    @property
    def needed(self) -> frozenset[str]:
        """The columns that this table has in every file."""
        return self.columns - self.later


class OldFile(NamedTuple):
    """One kind of old file that is no database."""

    kind: str
    says: str
    fate: Fate
    target: str | None = None
    keys: frozenset[str] = frozenset()
    """Of its first lines, or of the document, when it holds JSON: they say what it is."""
    takes: tuple[Take, ...] = ()


def takes(**how: str) -> tuple[Take, ...]:
    """``old="new"``, ``old="new:how"``, or ``old=":how"`` for what has no column."""
    made = []
    for old, text in how.items():
        new, _, way = text.partition(":")
        if way and way not in HOW:
            raise ValueError(f"{old}: no way {way!r}; ways are {', '.join(HOW)}")
        made.append(Take(old, new or None, way or "as-is"))  # type: ignore[arg-type]
    return tuple(made)
