"""What the files of a line and its ledger say about each other."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from apps.migrate.errors import Edited
from apps.migrate.lines import Line


class State(StrEnum):
    """What is to be said of one file."""

    APPLIED = "applied"
    PENDING = "pending"
    EDITED = "edited"
    MISSING = "missing"
    OUT_OF_ORDER = "out of order"
    UNSIGNED = "unsigned"
    RAN = "ran"
    DUE = "due"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Held:
    """A row of our part of the ledger: what a file held when it ran."""

    sha256: str
    applied_at: Any = None
    """As yoyo's own row has it, or nothing in rows older than this column."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The state of a line in one database."""

    applied: dict[str, datetime]
    pending: tuple[str, ...]
    edited: tuple[str, ...]
    """Applied, but the file or its rollback is not what was applied."""
    missing: tuple[str, ...]
    """Applied, but there is no such file."""
    out_of_order: tuple[str, ...]
    """Pending, though a later one is applied."""
    unsigned: tuple[str, ...]
    """Applied by plain yoyo, which keeps no checksum."""
    due: tuple[str, ...]
    """Post-applies that have not run since the last migration, or were edited."""
    gone: tuple[str, ...]
    """Post-applies that ran, and are no longer part of the line."""

    @property
    def agrees(self) -> bool:
        """The ledger holds nothing that the files do not say."""
        return not (self.edited or self.missing or self.out_of_order)

    @property
    def settled(self) -> bool:
        """Files and ledger agree, and nothing is left to do."""
        left = (self.pending, self.unsigned, self.due, self.gone)
        return self.agrees and not any(left)

    def files(self, follows: Iterable[str]) -> list[tuple[str, State, datetime | None]]:
        """Every file, its state and when it was applied, in the order in which they run."""
        state = dict.fromkeys(self.applied, State.APPLIED)
        state |= dict.fromkeys(self.unsigned, State.UNSIGNED)
        state |= dict.fromkeys(self.edited, State.EDITED)
        state |= dict.fromkeys(self.missing, State.MISSING)
        state |= dict.fromkeys(self.pending, State.PENDING)
        state |= dict.fromkeys(self.out_of_order, State.OUT_OF_ORDER)
        after = {name: State.DUE if name in self.due else State.RAN for name in follows}
        after |= dict.fromkeys(self.gone, State.GONE)
        found = [*sorted(state.items()), *after.items()]
        return [(name, said, self.applied.get(name)) for name, said in found]

    def check(self, line: Line, content: Callable[[str], bytes | None]) -> None:
        """Refuse when the ledger holds what the files do not say, by file and line."""
        said = [
            f"{line.name}/{changed(line, i, content(i))}: was edited after it was applied"
            for i in self.edited
        ]
        hint = "restore it; change in a new one"
        if self.missing and not said:
            said = [f"{line.name}/{i}: was applied, but its file is gone" for i in self.missing]
            hint = "is this checkout older?"
        if self.out_of_order and not said:
            said = [f"{line.name}/{i}: comes before one already applied" for i in self.out_of_order]
            hint = "give it the next number"
        if said:
            raise Edited("\n".join(said), hint=hint)


def compare(line: Line, applied: Mapping[str, Any], held: Mapping[str, Held]) -> Plan:
    """Lay the files of a line beside what its ledger holds."""
    ids, follows = line.migrations(), line.post_applies()
    signed = {i: held[i].sha256 for i in applied if i in held and _is_of(held[i], applied[i])}
    ran = {i: held[i].sha256 for i in held if i.startswith("post-apply.")}
    pending = tuple(i for i in ids if i not in applied)
    last = max((i for i in applied if i in ids), default="")
    return Plan(
        applied={i: _in_utc(at) for i, at in sorted(applied.items())},
        pending=pending,
        edited=tuple(i for i in ids if i in signed and signed[i] != line.checksum(i)),
        missing=tuple(i for i in sorted(applied) if i not in ids),
        out_of_order=tuple(i for i in pending if i < last),
        unsigned=tuple(i for i in ids if i in applied and i not in signed),
        due=tuple(i for i in follows if ran.get(i) != line.checksum(i)),
        gone=tuple(i for i in ran if i not in follows),
    )


def packed(content: bytes) -> bytes:
    """As the ledger keeps it."""
    return zlib.compress(content, 9)


def changed(line: Line, migration_id: str, kept: bytes | None) -> str:
    """Name of the file that changed, and the number of the first line that did."""
    if kept is None:
        return f"{migration_id}.sql"
    then = zlib.decompress(kept).split(b"\0", 1)
    now = line.content(migration_id).split(b"\0", 1)
    for name, old, new in zip((".sql", ".rollback.sql"), then, now, strict=False):
        both = zip_longest(old.splitlines(), new.splitlines())
        for number, (was, has) in enumerate(both, start=1):
            if was != has:
                return f"{migration_id}{name}:{number}"
        if old != new:
            return f"{migration_id}{name}"
    return f"{migration_id}.sql"


def _is_of(held: Held, applied_at: Any) -> bool:
    """Whether it was written with this very application, and not with one that is rolled back."""
    return held.applied_at is None or held.applied_at == applied_at


def _in_utc(at: datetime | str) -> datetime:
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return at.replace(tzinfo=at.tzinfo or UTC)
