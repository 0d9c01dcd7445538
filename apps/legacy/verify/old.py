"""The old stores' side: each row as the house should hold it, or accounted for as rejected."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.legacy.ledger import Db
from apps.legacy.verify.canonical import Cells, Instants
from apps.legacy.verify.findings import Findings
from apps.legacy.verify.house import SQL, digests
from apps.legacy.verify.report import Difference, Source
from apps.legacy.verify.scratch import Scratch, Told
from apps.legacy.verify.targets import Target

ROWS: Final = 2_000
BYTES: Final = 4 << 20
LONG: Final = 200
"""A longer key of a reject is told by its beginning and its hash."""
WHOLE: Final = 36


class Row(NamedTuple):
    """An old row as one of the house's."""

    target: Target
    key: str
    cells: Cells
    name: str | None = None


class Given(NamedTuple):
    """An old row as it was read."""

    name: str
    """How it is called when it is rejected."""
    at: int
    size: int
    value: Any


Derive = Callable[[Any, frozenset[str]], Iterable[Row]]
"""Given a row, and the columns of it that are rejected; ValueError when it is no row."""


class Origin(NamedTuple):
    """A part of an old file, and how one row of it is read again."""

    file: str
    part: str
    again: Callable[[int], Iterable[Row]] | None


@dataclass
class Old:
    """All that is read of the old stores."""

    db: Db
    scratch: Scratch
    instant: Instants
    directory: Path
    findings: Findings
    """Of rows that are neither there nor rejected, because they cannot be."""
    origins: list[Origin] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    any_rejected: dict[tuple[str, str], bool] = field(default_factory=dict)

    def take(
        self,
        file: str,
        part: str,
        rows: Iterable[Given],
        derive: Derive,
        *,
        columns: tuple[str, ...] = (),
        again: Callable[[int], Iterable[Row]] | None = None,
    ) -> None:
        """Every row of a part; ``columns`` may be rejected by themselves."""
        number = len(self.origins)
        self.origins.append(Origin(file, part, again))
        read = rejected = 0
        for batch in batches(rows):
            names = [named_short(each.name) for each in batch]
            gone = self.rejected(file, part, names)
            without = {c: self.rejected(file, f"{part}.{c}", names) for c in columns}
            told: dict[Target, list[Told]] = {}
            for each, name in zip(batch, names, strict=True):
                read += 1
                if name in gone:
                    rejected += 1
                    continue
                lacks = frozenset(c for c, keys in without.items() if name in keys)
                try:
                    made = list(derive(each.value, lacks))
                except (ValueError, RecursionError) as error:
                    self.findings.add(
                        Difference(
                            what="no row", table=part, key=name, file=file,
                            part=part, old=str(error)[:WHOLE * 4],
                        )
                    )  # fmt: skip
                    continue
                for row in made:
                    told.setdefault(row.target, []).append(_told(row, number, each.at))
            for target, many in told.items():
                self.scratch.tell(target, many)
        self.sources.append(Source(file=file, part=part, rows=read, rejected=rejected))

    def rejected(self, file: str, part: str, names: list[str]) -> set[str]:
        """Those of these that the backfill did not take."""
        given = {"file": str(self.directory / file), "part": part, "keys": names}
        if (file, part) not in self.any_rejected:
            found = self.db.execute(SQL["rejected_of"], given).fetchone()
            self.any_rejected[file, part] = found == (True,)
        if not self.any_rejected[file, part]:
            return set()
        gone = {key for (key,) in self.db.execute(SQL["rejected_among"], given)}
        self.scratch.add("seen", ((given["file"], part, key) for key in gone), 3)
        return gone


def _told(row: Row, source: int, at: int) -> Told:
    core, full = digests(row.target, row.cells)
    kept = None if row.target.named else json.dumps(row.cells)
    return Told(row.key, core, full, row.name, source, at, kept)


def batches(rows: Iterable[Given]) -> Iterator[list[Given]]:
    """Some at a time, by their number and by their bytes."""
    batch: list[Given] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) >= ROWS or size > BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def named_short(name: str) -> str:
    """As legacy.rejected calls it."""
    if len(name) <= LONG:
        return name
    return f"{name[:LONG]}… {sha256(name.encode()).hexdigest()}"
