"""Step 3: rules that hold for what comes at once, and for what is there once it was looked at."""

from collections.abc import Mapping
from functools import partial

from apps.migrate.evolve.declared import Evolution
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.work import Work, alone, patiently
from schemas.errors import Refused

BROKEN = "23514"


def checks(of: Evolution) -> dict[str, str]:
    """Names and conditions; the first is only there until NOT NULL is free."""
    found = {of.there: f"{quoted(of.column.name)} IS NOT NULL"} if of.column.required else {}
    return found | ({of.checked: of.column.check} if of.column.check else {})


def add_checks(work: Work) -> None:
    """For new rows only; no row is looked at."""

    def do() -> None:
        for name, condition in checks(work.of).items():
            work.ledger.tell(
                f"ALTER TABLE {quoted(work.of.table)} ADD CONSTRAINT {quoted(name)}"
                f" CHECK ({condition}) NOT VALID"
            )
        work.reach("check")

    alone(work, do)


def validate(work: Work) -> None:
    """Each partition in a transaction of its own, the whole last: nobody waits for that."""
    _look(work, checks(work.of))
    work.reached("validate")


def look(work: Work, column: str, name: str) -> None:
    """Have all rows of a column looked at, so that its NOT NULL is free."""
    condition = f"{quoted(column)} IS NOT NULL"
    table = quoted(work.of.table)

    def do() -> None:
        work.ledger.ask(
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} CHECK ({condition}) NOT VALID"
        )

    if not work.ask("constraint", table=table, constraint=name):
        alone(work, do)
    _look(work, {name: condition})


def _look(work: Work, conditions: Mapping[str, str]) -> None:
    places = [name for name, _ in reversed(work.tree())]
    for place in places:
        for name, condition in conditions.items():
            found = work.ask("constraint", table=place, constraint=name)
            if found and not found[0][0]:
                patiently(work, partial(_validate, work, place, name, condition), [])
                work.say(f"{place}: {condition}")


def _validate(work: Work, place: str, name: str, condition: str) -> None:
    with work.ledger.transaction():
        # It waits for vacuums and other alterations only, and those who write do not for it.
        work.ledger.tell(f"SET LOCAL lock_timeout = {int(work.wait * 1000)}")
        try:
            work.ledger.ask(f"ALTER TABLE {place} VALIDATE CONSTRAINT {quoted(name)}")
        except work.ledger.error as error:
            if getattr(error, "sqlstate", None) != BROKEN:
                raise
            raise Refused(
                f"{work.declared.name}: rows of {place} break {condition}",
                f"SELECT count(*) FROM {place} WHERE ({condition}) IS FALSE",  # noqa: S608
            ) from None


def not_null(work: Work) -> None:
    """Free, for the check has seen all rows; then the check goes."""

    def do() -> None:
        table = quoted(work.of.table)
        work.ledger.tell(
            f"ALTER TABLE {table} ALTER COLUMN {quoted(work.of.column.name)} SET NOT NULL;"
            f"ALTER TABLE {table} DROP CONSTRAINT {quoted(work.of.there)}"
        )
        work.reach("not-null")

    alone(work, do)
