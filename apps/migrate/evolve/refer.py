"""A foreign key: it holds for new rows at once, and for old ones once they were looked at."""

from functools import partial
from typing import Final

from apps.migrate.evolve.declared import Evolution
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.work import Work, alone, patiently
from schemas.errors import Diverged, Refused

MODE: Final = "SHARE ROW EXCLUSIVE"
"""Of both tables: readers go on."""
ALONE: Final = "23503"


def refer(work: Work) -> None:
    """Of partitions one by one; theirs become part of that of the whole, which looks at no row."""
    while left := [leaf for leaf in work.leaves() if not _is_valid(work, leaf)]:
        for leaf in left:
            _refer_part(work, leaf)
    if work.is_partitioned() and not _is_valid(work, work.tree()[0][0]):
        alone(work, partial(_join, work), MODE, also=targets(work.of))
    work.reached("reference")


def clause(of: Evolution) -> str:
    """What the constraint says."""
    to = of.references
    assert to is not None  # noqa: S101  # only then is there one
    gone = "" if to.on_delete == "no action" else f" ON DELETE {to.on_delete.upper()}"
    return f"FOREIGN KEY ({of.column.name}) REFERENCES {to.table} ({to.column}){gone}"


def targets(of: Evolution) -> list[str]:
    """The table that is referred to, if one is."""
    return [quoted(of.references.table)] if of.references else []


def _refer_part(work: Work, leaf: str) -> None:
    def do() -> None:
        work.ledger.ask(f"{_adding(work, leaf)} NOT VALID")

    if not work.ask("constraint", table=leaf, constraint=work.of.referring):
        alone(work, do, MODE, only=leaf, also=targets(work.of))
    patiently(work, partial(_validate, work, leaf), [])
    work.say(f"{leaf}: {clause(work.of)}")


def _join(work: Work) -> None:
    """No row is looked at: a partition that came meanwhile is one more to look at before."""
    late = [leaf for leaf in work.leaves() if not _is_valid(work, leaf)]
    if late:
        raise Diverged(f"{work.declared.name}: {late[0]} came meanwhile", "run it again")
    work.ledger.ask(_adding(work, quoted(work.of.table)))


def _is_valid(work: Work, place: str) -> bool:
    return work.ask("constraint", table=place, constraint=work.of.referring) == [(True,)]


def _adding(work: Work, place: str) -> str:
    return f"ALTER TABLE {place} ADD CONSTRAINT {quoted(work.of.referring)} {clause(work.of)}"


def _validate(work: Work, place: str) -> None:
    """SHARE UPDATE EXCLUSIVE, and ROW SHARE of the other: nobody who writes waits."""
    of, to = work.of, work.of.references
    assert to is not None  # noqa: S101  # as above
    with work.ledger.transaction():
        work.ledger.tell(f"SET LOCAL lock_timeout = {int(work.wait * 1000)}")
        try:
            work.ledger.ask(f"ALTER TABLE {place} VALIDATE CONSTRAINT {quoted(of.referring)}")
        except work.ledger.error as error:
            if getattr(error, "sqlstate", None) != ALONE:
                raise
            detail = getattr(getattr(error, "diag", None), "message_detail", None)
            raise Refused(
                f"{work.declared.name}: rows of {place} refer to nothing: {detail}",
                f"SELECT count(*) FROM {place} AS a WHERE {of.column.name} IS NOT NULL AND NOT"  # noqa: S608
                f" EXISTS (SELECT FROM {to.table} AS b WHERE b.{to.column} = a.{of.column.name})",
            ) from None
