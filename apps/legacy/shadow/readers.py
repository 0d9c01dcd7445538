"""Ask a question of the old files, or of the house; answers are rows of canonical text."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from apps.legacy.keyset import columns, sha256_of
from apps.legacy.ledger import Db
from apps.legacy.source import opened, patient
from apps.legacy.units import LIVE, Followed, known
from apps.legacy.verify.canonical import Instants, canonical, parse
from apps.legacy.zone import Clock
from apps.queries import load
from schemas.legacy.readers import READERS, Reader

HERE: Final = Path(__file__).parent
NEW: Final = load(HERE / "new.sql")
OLD: Final = {variant: load(HERE / f"old_{variant.lower()}.sql") for variant in "AB"}
BY_NAME: Final = {reader.name: reader for reader in READERS}
INSTANT: Final = "recorded_at"
RUN: Final = 5
"""Keys that are asked for together lie side by side."""
Asked = dict[str, str]
"""By the reader's own names; a session's key by its SHA-256."""


class Rows(NamedTuple):
    """An answer: the values as they came, and as canonical text."""

    raw: list[tuple[Any, ...]]
    told: list[tuple[str | None, ...]]


class Place(NamedTuple):
    """Where a reader reads in the old files."""

    reader: Reader
    table: Followed

    @property
    def queries(self) -> dict[str, str]:
        """Its SQL there."""
        return OLD[self.table.old.variant]


def places(directory: Path) -> dict[str, Place]:
    """Every reader whose table the old files have, in the file where their server keeps it."""
    return patient(partial(_places, directory))


def _places(directory: Path) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for reader in READERS:
        tables = [
            _table(path, reader.table) for name in LIVE if (path := directory / name).is_file()
        ]
        there = [each for each in tables if each and each.old.variant in reader.variants]
        if there:
            found[reader.name] = Place(reader, max(there, key=_rows))
    return found


def present(directory: Path) -> list[str]:
    """Names of readers whose table is there."""
    return sorted(places(directory))


def ask_old(place: Place, asked: Asked, zone: str) -> Rows:
    """As the old server would have answered."""
    raw = _old(place, place.queries[place.reader.name], asked)
    return _rows_of(place.reader, raw, zone)


def ask_new(db: Db, reader: Reader, asked: Asked, zone: str) -> Rows:
    """The house."""
    given: dict[str, str] = dict(asked)
    if INSTANT in given:
        given[INSTANT] = Clock(zone).instant(given[INSTANT])
    return _rows_of(reader, db.execute(NEW[reader.name], given).fetchall(), zone)


def rejected(db: Db, place: Place, asked: Asked, sql: str) -> bool:
    """Whether rows of the answer never came over, and that is known."""
    keys = [asked[place.reader.asked[0]]]
    query = place.queries.get(f"{place.reader.name}_ids")
    if query:
        keys += [str(own) for (own,) in _old(place, query, asked)]
    row = db.execute(sql, {"file": str(place.table.path), "keys": keys}).fetchone()
    return bool(row and row[0])


def some(place: Place, many: int, dice: Random) -> Iterator[Asked]:
    """Questions that have an answer there, by a seed."""
    reader = place.reader
    query = place.queries[f"{reader.name}_keys"]
    last = "max(id)" if "id > :skip" in query else "count(*)"
    table = f'SELECT coalesce({last}, 0) FROM "{place.table.name}"'  # noqa: S608  # names are ours
    ((count,),) = _old(place, table, {})
    for begin in range(0, many if count else 0, RUN):
        given = {"skip": dice.randrange(count), "many": min(RUN, many - begin)}
        for row in _old(place, query, given):
            if all(isinstance(each, str) for each in row):
                yield dict(zip(reader.asked, row, strict=True))


def shown(asked: Mapping[str, str]) -> str:
    """How a question is called."""
    values = list(asked.values())
    return values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False)


def _rows_of(reader: Reader, raw: list[tuple[Any, ...]], zone: str) -> Rows:
    instants = Instants(zone)
    kinds = list(reader.columns.values())
    told = [tuple(_told(kind, each, instants) for kind, each in zip(kinds, row, strict=False))
            for row in raw]  # fmt: skip
    return Rows(raw, told)


def _told(kind: str, value: Any, instants: Instants) -> str | None:
    """One text per meaning; what is none of its kind is told as it is."""
    if value is None:
        return None
    ways: dict[str, Callable[[Any], str | None]] = {
        "instant": lambda at: instants(at if isinstance(at, str) else at.isoformat()),
        "number": lambda told: repr(float(told)),
        "truth": lambda told: str(bool(told)),
        "json": lambda told: canonical(_parsed(told)),
        "set": lambda told: canonical(sorted(_parsed(told), key=str)),
    }
    try:
        return ways.get(kind, _text)(value)
    except (ValueError, TypeError, RecursionError):
        return repr(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _parsed(told: Any) -> Any:
    return parse(told) if isinstance(told, str) else told


def _old(place: Place, query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Of the old file, whose SQL knows the SHA-256 of a secret; a writer has its turn first."""

    def look() -> list[tuple[Any, ...]]:
        with opened(place.table.path) as db:
            db.create_function("sha256", 1, sha256_of, deterministic=True)
            return db.execute(query, given).fetchall()

    return patient(look)


def _table(path: Path, name: str) -> Followed | None:
    with opened(path) as db:
        return known(path, name, db) if columns(db, name) else None


def _rows(table: Followed) -> int:
    with opened(table.path) as db:
        query = f'SELECT EXISTS (SELECT 1 FROM "{table.name}")'  # noqa: S608  # names are ours
        return int(db.execute(query).fetchone()[0])
