"""One migration up, down and up again over rows, and what did not come back as it was."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from apps.declared.everything import tables
from apps.migrate import runner
from apps.migrate.catalog import difference
from apps.migrate.lines import UNLABELLED, Line
from schemas.table import Table
from tests.unit.declared.rows import rows

Columns = Mapping[str, list[str]]
"""Table to columns."""
Content = dict[str, list[tuple[Any, ...]]]
"""Table to rows, in an order of their own."""


class Store(Protocol):
    """A database, seen with the plain driver of its engine."""

    database: str

    def catalog(self) -> dict[str, str]:
        """Object to definition."""

    def content(self, columns: Columns) -> Content:
        """Every row, these columns of it."""

    def insert(self, model: type[Table], columns: list[str], rows: list[dict[str, Any]]) -> None:
        """Put rows into a table."""

    def update(self, model: type[Table], columns: list[str], rows: list[dict[str, Any]]) -> None:
        """Put values into columns of the rows with their keys."""

    def more(self, now: datetime) -> None:
        """Put in what is no table of ours."""


def until(line: Line, count: int, folder: Path) -> Line:
    """The line as it was when it had ``count`` migrations, without what follows each."""
    folder.mkdir(parents=True)
    for name in line.migrations()[:count]:
        for file in line.folder.glob(f"{name}*.sql"):
            shutil.copy(file, folder)
    return Line(line.name, line.engine, folder)


def round_trip(line: Line, migration: str, store: Store, folder: Path) -> list[str]:
    """What is not as it was: down as before the first up, up again as after it.

    A lossy rollback may take what the migration brought, and nothing else.
    """
    number, now = int(migration[:4]), datetime.now(UTC)
    before, after = (until(line, n, folder / str(n)) for n in (number - 1, number))
    with runner.opened(before, store.database) as ledger, ledger.lock():
        pass  # a ledger is made by whoever comes first
    runner.apply(before, store.database)
    had = columns(before, store)
    fill(line, store, {}, had, now)
    catalog = store.catalog()

    runner.apply(after, store.database)
    there = columns(after, store)
    bare = store.content(there)
    fill(line, store, had, there, now)
    full_catalog, full, old = store.catalog(), store.content(there), store.content(had)

    runner.rollback(after, store.database)
    found = [f"down: {each}" for each in difference(catalog, store.catalog())]
    found += [f"down: {each}" for each in changed(old, store.content(had))]

    runner.apply(after, store.database)
    found += [f"up: {each}" for each in difference(full_catalog, store.catalog())]
    found += [f"up: {each}" for each in changed(old, store.content(had))]
    again = store.content(there)
    if lossy(after, migration):
        found += [f"up: {each}" for each in changed(counts(bare), counts(again))]
    else:
        found += [f"up: {each}" for each in changed(full, again)]
    return found


def lossy(line: Line, migration: str) -> bool:
    """Whether its rollback may destroy what it brought."""
    return migration[:4] <= UNLABELLED.get(line.name, "") or bool(line.lossy(migration))


def columns(line: Line, store: Store) -> Columns:
    """What there is, but for the ledger."""
    with runner.opened(line, store.database, readonly=True) as ledger:
        return ledger.tables()


def fill(line: Line, store: Store, had: Columns, there: Columns, now: datetime) -> None:
    """Rows for every table, and values for every column, that was not there before."""
    for model, whole in rows(tables(line.name), now).items():
        new = [name for name in there.get(model.table, ()) if name not in had.get(model.table, ())]
        new = [name for name in new if name in whole[0]]
        if new and model.table not in had:
            store.insert(model, new, whole)
        elif new:
            store.update(model, new, whole)
    store.more(now)


def changed(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
    """Tables with other content."""
    return (f"rows of {name}" for name in expected if expected[name] != actual.get(name))


def counts(content: Content) -> dict[str, list[int]]:
    """How many values each column holds: those that a migration makes have their own instants."""
    return {
        table: [
            len(rows),
            *(sum(v is not None for v in column) for column in zip(*rows, strict=True)),
        ]
        for table, rows in content.items()
    }
