"""What a rollback destroys, found by doing it and taking it back."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.migrate.errors import Loss
from apps.migrate.ledger import Ledger

Columns = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Toll:
    """What a rehearsal found."""

    losses: tuple[Loss, ...]
    touched: frozenset[str]
    """Tables that were there before and that it may have changed."""

    def exceeds(self, said: "Toll") -> bool:
        """More is lost, or elsewhere, than was said."""
        known = {(loss.table, loss.column): loss.count for loss in said.losses}
        more = any(loss.count > known.get((loss.table, loss.column), 0) for loss in self.losses)
        return more or not self.touched <= said.touched


def rehearse(ledger: Ledger, undo: Iterable[str]) -> Toll:
    """Rows and values that are gone after ``undo``, cascades included, within a transaction.

    Compares every table that it touches, before and after. Nothing is undone when it returns.
    """
    before = ledger.tables()
    ledger.ask("SAVEPOINT rehearsal")
    for migration in undo:
        ledger.roll_back(migration)
    after = ledger.tables()
    touched = {table for table in before if table not in after} | ledger.touched() & before.keys()
    whole = {
        table: ledger.content_of(table, columns)
        for table, columns in after.items()
        if table in touched or table not in before
    }
    same = {
        table: ledger.content_of(table, columns)
        for table in touched & after.keys()
        if (columns := _common(before, after, table))
    }
    ledger.ask("ROLLBACK TO SAVEPOINT rehearsal")
    before = ledger.tables()
    found: list[Loss] = []
    for table in sorted(touched):
        content = ledger.content_of(table, before[table])
        made = [whole[each] for each in whole if each not in before]
        # Only its name changed, or that of a column.
        if content == whole.get(table) or (table not in after and content in made):
            continue
        left = whole.get(table, (0, 0))[0]
        found.append(Loss(table, None, content[0] - left))
        if table in same:
            stays = _common(before, after, table)
            if content[0] <= left and ledger.content_of(table, stays) != same[table]:
                found.append(Loss(table, "*", content[0]))
        gone = [each for each in before[table] if each not in after.get(table, before[table])]
        found += [Loss(table, column, _count(ledger, table, column)) for column in gone]
    return Toll(tuple(loss for loss in found if loss.count > 0), frozenset(touched))


def _common(before: Columns, after: Columns, table: str) -> list[str]:
    return [column for column in before[table] if column in after[table]]


def _count(ledger: Ledger, table: str, column: str) -> int:
    name = '"{}"'.format(column.replace('"', '""'))
    query = f"SELECT count({name}) FROM {ledger.quoted(table)}"  # noqa: S608  # quoted names
    return int(ledger.ask(query).fetchone()[0])
