"""What a rollback destroys, found by doing it in a transaction that is not kept."""

from collections.abc import Iterable

from apps.migrate.errors import Loss
from apps.migrate.ledger import Ledger


def losses(ledger: Ledger, undo: Iterable[str]) -> list[Loss]:
    """Rows and values that are gone after ``undo``, cascades included.

    Counts every table before and after. Takes the locks of the rollback for as long.
    """
    with ledger.transaction(keep=False):
        before = ledger.tables()
        rows = {table: _count(ledger, table) for table in before}
        ledger.ask("SAVEPOINT rehearsal")
        for migration in undo:
            ledger.roll_back(migration)
        after = ledger.tables()
        left = {table: _count(ledger, table) for table in before.keys() & after.keys()}
        ledger.ask("ROLLBACK TO SAVEPOINT rehearsal")
        found: list[Loss] = []
        for table, columns in sorted(before.items()):
            found.append(Loss(table, None, rows[table] - left.get(table, 0)))
            gone = [each for each in columns if each not in after.get(table, columns)]
            found += [Loss(table, column, _count(ledger, table, column)) for column in gone]
        return [loss for loss in found if loss.count > 0]


def _count(ledger: Ledger, table: str, column: str | None = None) -> int:
    what = "*" if column is None else '"{}"'.format(column.replace('"', '""'))
    query = f"SELECT count({what}) FROM {ledger.quoted(table)}"  # noqa: S608  # quoted names
    return int(ledger.ask(query).fetchone()[0])
