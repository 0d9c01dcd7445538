"""Both sides of one table, by key and in batches; where a batch differs, the rows that do.

A batch is a range of keys. Its checksum is over the digests of its rows: two sides that have the
same rows have the same one.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Final, NamedTuple

from apps.legacy.verify.agents import SPOKEN, folded
from apps.legacy.verify.canonical import Cells, digest
from apps.legacy.verify.findings import SHOWN, Findings, parted
from apps.legacy.verify.old import Origin
from apps.legacy.verify.report import Batch, Compared, Difference, What
from apps.legacy.verify.scratch import Found, Scratch, Told
from apps.legacy.verify.targets import IDENTITIES, Target

KEYS: Final = 5_000
BYTES: Final = 4 << 20
"""In a batch."""
Again = Callable[[Target, str], list[tuple[Found, Cells]]]


class Sides(NamedTuple):
    """What both sides say of one key."""

    key: str
    told: list[Told]
    found: list[Found]


@dataclass
class Side:
    """One side of a batch."""

    rows: int = 0
    sums: list[bytes] = field(default_factory=list)

    def add(self, *rows: tuple[str, bytes, str | None]) -> None:
        """Rows of one key, whatever their order."""
        self.rows += len(rows)
        self.sums += sorted(f"{key}\0{name}\0".encode() + full for key, full, name in rows)

    @property
    def sha256(self) -> str:
        """Over its rows."""
        return sha256(b"".join(self.sums)).hexdigest()


class Comparison:
    """One table."""

    def __init__(
        self, scratch: Scratch, target: Target, origins: list[Origin], again: Again, *, alone: bool
    ) -> None:
        """``alone``: no other directory was brought here, so that what is left over is extra."""
        self._scratch = scratch
        self._target = target
        self._origins = origins
        self._again = again
        self._alone = alone
        self._repeated = self._own = self._spoken = 0

    def run(self, findings: Findings) -> Compared:
        """Every batch."""
        old_rows = new_rows = batches = differing = 0
        old_sums, new_sums = sha256(), sha256()
        for batch in _batches(self._sides()):
            old, new = Side(), Side()
            before = findings.count
            for sides in batch:
                self._settle(sides, old, new, findings)
            batches += 1
            old_rows, new_rows = old_rows + old.rows, new_rows + new.rows
            old_sums.update(bytes.fromhex(old.sha256))
            new_sums.update(bytes.fromhex(new.sha256))
            if old.sha256 != new.sha256 or findings.count > before:
                differing += 1
                if len(findings.batches) < SHOWN:
                    findings.batches.append(
                        Batch(
                            table=self._target.table, first=batch[0].key, last=batch[-1].key,
                            old=old.rows, new=new.rows, old_sha256=old.sha256,
                            new_sha256=new.sha256,
                        )
                    )  # fmt: skip
        return Compared(
            table=self._target.table, old=old_rows, new=new_rows, repeated=self._repeated,
            own=self._own, spoken=self._spoken, batches=batches, differing=differing,
            old_sha256=old_sums.hexdigest(), new_sha256=new_sums.hexdigest(),
        )  # fmt: skip

    def _sides(self) -> Iterator[Sides]:
        """Both sides in step."""
        told = groupby(self._scratch.told(self._target), lambda row: row.key)
        found = groupby(self._scratch.found(self._target), lambda row: row.key)
        left, right = next(told, None), next(found, None)
        while left or right:
            key = min(each[0] for each in (left, right) if each)
            olds: list[Told] = []
            news: list[Found] = []
            if left and left[0] == key:
                olds = list(left[1])
                left = next(told, None)
            if right and right[0] == key:
                news = list(right[1])
                right = next(found, None)
            yield Sides(key, olds, news)

    def _settle(self, sides: Sides, old: Side, new: Side, findings: Findings) -> None:
        groups: dict[bytes, list[Told]] = {}
        for told in self._folded(sides.told, sides.found):
            groups.setdefault(told.core, []).append(told)
        self._repeated += len(sides.told) - len(groups)
        left: list[Found] = []
        there: dict[bytes, list[Found]] = {}
        for found in sides.found:
            if found.core in groups:
                there.setdefault(found.core, []).append(found)
            else:
                left.append(found)
        for core, tellings in groups.items():
            rows = there.get(core) or _instead(left, tellings)
            chosen = self._chosen(tellings, rows, sides)
            if rows and rows[0].spoken and chosen.full != rows[0].full:
                self._spoken += 1
                chosen = chosen._replace(full=rows[0].full)
            name = rows[0].name if rows and chosen.name is None else chosen.name
            old.add((sides.key, chosen.full, name))
            new.add(*((sides.key, row.full, row.name) for row in rows))
            self._differ(sides.key, chosen, rows, findings)
        for row in left:
            if row.ours and self._alone:
                new.add((sides.key, row.full, row.name))
                findings.add(self._says("extra", sides.key, None, new=row.name))
            else:
                self._own += 1

    def _folded(self, told: list[Told], found: list[Found]) -> list[Told]:
        """What counts of all that is told of one agent."""
        if self._target is not IDENTITIES:
            return told
        whole = [each for each in told if each.name != SPOKEN]
        if not whole and told:
            self._repeated -= len(told) - 1
            fits = (each for each in told if found and each.full == found[0].full)
            return [next(fits, told[0])._replace(name=None)]
        self._repeated -= len(told) - len(whole)
        told = whole
        if len(told) < 2:
            return told
        cells = folded([json.loads(each.cells or "[]") for each in told])
        return [told[0]._replace(full=digest(cells), cells=json.dumps(cells))]

    def _chosen(self, tellings: list[Told], rows: list[Found], sides: Sides) -> Told:
        """Of those who tell of one, whose word is there; else the first's."""
        if not self._target.any_of or not rows:
            return tellings[0]
        for told in tellings:
            if told.full == rows[0].full and told.name in (None, rows[0].name):
                return told
        # Two rows of one instant cannot have one id: one was given another, its own is beside it.
        taken = {row.name for row in sides.found if row is not rows[0]}
        for told in tellings:
            if told.name in taken and told.core == rows[0].core:
                return told._replace(full=rows[0].full, name=None)
        return next((told for told in tellings if told.name == rows[0].name), tellings[0])

    def _differ(self, key: str, told: Told, rows: list[Found], findings: Findings) -> None:
        if not rows:
            findings.add(self._says("missing", key, told, old=told.name))
            return
        for row in rows[1:]:
            findings.add(self._says("twice", key, told, new=row.name))
        found = rows[0]
        if told.name not in (None, found.name):
            findings.add(
                self._says("changed", key, told, self._target.named, old=told.name, new=found.name)
            )
        if told.full == found.full:
            return
        mine, theirs = self._cells(key, told, found)
        for column, before, now in zip(self._target.columns, mine, theirs, strict=True):
            if before != now:
                old, new = parted(before, now)
                findings.add(self._says("changed", key, told, column, old=old, new=new))

    def _cells(self, key: str, told: Told, found: Found) -> tuple[Cells, Cells]:
        if told.cells is not None and found.cells is not None:
            return json.loads(told.cells), json.loads(found.cells)
        again = self._origins[told.source].again
        mine = [row.cells for row in again(told.at)] if again else []
        theirs = [cells for row, cells in self._again(self._target, key) if row.name == found.name]
        empty: Cells = ["?"] * len(self._target.columns)
        return (mine or [empty])[0], (theirs or [empty])[0]

    def _says(
        self, what: What, key: str, told: Told | None, column: str = "", *,
        old: str | None = None, new: str | None = None,
    ) -> Difference:  # fmt: skip
        origin = self._origins[told.source] if told else None
        return Difference(
            what=what, table=self._target.table, key=key, column=column, old=old, new=new,
            file=origin.file if origin else "", part=origin.part if origin else "",
        )  # fmt: skip


def _instead(left: list[Found], tellings: list[Told]) -> list[Found]:
    """What is there in the place of what is missing: the row of its id, else any."""
    names = {told.name for told in tellings} - {None}
    for is_it in (lambda row: row.name in names, lambda row: row.ours):
        for place, row in enumerate(left):
            if is_it(row):
                return [left.pop(place)]
    return []


def _batches(sides: Iterator[Sides]) -> Iterator[list[Sides]]:
    batch: list[Sides] = []
    size = 0
    for each in sides:
        batch.append(each)
        size += sum(len(row.cells or "") for row in each.told)
        size += sum(len(row.cells or "") for row in each.found)
        if len(batch) == KEYS or size > BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
