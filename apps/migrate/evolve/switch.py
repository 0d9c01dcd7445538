"""Steps 4 and 5: from here on the new column counts; then the old one goes."""

from collections.abc import Callable, Sequence

from apps.migrate.errors import Locked, Pending
from apps.migrate.evolve import constrain
from apps.migrate.evolve.add import function, sources, unkeep
from apps.migrate.evolve.flip import back, forth, views_back, views_forth
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.refuse import listed
from apps.migrate.evolve.standing import SQL, Standing, left
from apps.migrate.evolve.work import Work, alone
from schemas.errors import Diverged, Refused


def switch(work: Work) -> None:
    """Mark the migration as applied: releases that know it start, older ones no more.

    In the same transaction its promises are asked, views are replaced, and defaults flip.
    """
    of = work.of
    read = sources(work)

    def do() -> None:
        for each in forth(of):
            work.ledger.tell(each)
        if of.replaces:
            function(work, read, is_switched=True)
        _mark(work, of.migration)
        work.reach("switch")

    _on_the_line(work, of.migration, do, views_forth(of))


def unswitch(work: Work) -> None:
    """The same back, while the trigger has kept the old column: nothing is lost yet."""
    of = work.of
    read = sources(work)
    if of.replaces and of.replaces.required:
        constrain.look(work, of.replaces.column, of.was_there)

    def do() -> None:
        for each in back(of):
            work.ledger.tell(each)
        if of.replaces:
            if of.replaces.required:
                table = quoted(of.table)
                work.ledger.tell(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(of.was_there)}")
            function(work, read)
        if work.is_marking:
            work.ledger.tell("SET LOCAL search_path TO ledger")
            work.ledger.devolved(of.migration)
        last = left(of, None, "constrain")[-1][1]
        work.ledger.tell(SQL["unswitch"], {"name": work.declared.name, "act": last})

    if not work.is_marking:
        alone(work, do, views=views_back(of))
        return
    with work.ledger.lock():
        plan = work.ledger.plan()
        work.ledger.check(plan)
        if max(plan.applied, default="") != of.migration:
            raise Refused(
                f"{work.ledger.line.name}: {max(plan.applied, default='nothing')} came after"
                f" {of.migration}",
                f"abode migrate {work.ledger.line.name} rollback --to {of.migration[:4]}",
            )
        alone(work, do, views=views_back(of))


def drop(work: Work, stands: Standing, *, past_readers: bool = False) -> None:
    """Trigger, function and old column, once the grace is over and nobody needs them."""
    of = work.of
    _refuse_early(work, stands)
    if not past_readers:
        _refuse_read(work)

    def do() -> None:
        if of.replaces:
            _refuse_needed(work)
        work.ledger.tell(unkeep(work))
        if of.replaces:
            work.ledger.tell(
                f"ALTER TABLE {quoted(of.table)} DROP COLUMN {quoted(of.replaces.column)}"
            )
            _mark(work, of.replaces.drop)
        work.reach("drop")

    if of.replaces:
        _refuse_needed(work)
        _on_the_line(work, of.replaces.drop, do)
    else:
        alone(work, do)


def _on_the_line(
    work: Work, migration: str, do: Callable[[], None], views: Sequence[str] = ()
) -> None:
    """With the line's lock, when this migration is the next of the line."""
    ledger, line = work.ledger, work.ledger.line
    if not work.is_marking:
        alone(work, do, views=views)
        return
    with ledger.lock():
        plan = ledger.plan()
        ledger.check(plan)
        if migration in plan.applied:
            raise Diverged(
                f"{line.name}: {migration} is applied already, and not by {work.declared.name}",
                "roll it back, or undo the evolution",
            )
        if migration not in plan.pending:
            raise Refused(
                f"{line.name}: there is no migration {migration}",
                f"abode evolve {line.name} write {work.declared.name}",
            )
        if plan.pending[0] != migration:
            raise Pending(
                f"{line.name}: {plan.pending[0]} comes before {migration}",
                f"abode migrate {line.name} apply",
            )
        alone(work, do, views=views)


def _mark(work: Work, migration: str) -> None:
    """Within a transaction, once what its file promises is true."""
    if not work.is_marking:
        return
    ledger = work.ledger
    ledger.at = migration
    if broken := ledger.run("SELECT 1;", ledger.line.ensures(migration)):
        raise Diverged(
            f"migration {migration}: what it promises is not so: {broken}",
            f"is the file what the evolution says? abode evolve {ledger.line.name} write"
            f" {work.declared.name}",
        )
    ledger.evolved(migration)
    ledger.at = "ledger"


def _refuse_early(work: Work, stands: Standing) -> None:
    at = stands.droppable_at
    if at is None:
        raise Refused(f"{work.declared.name}: is not switched yet", "run it --to switch first")
    if stands.now < at:
        hours = (at - stands.now).total_seconds() / 3600
        raise Refused(
            f"{work.declared.name}: {hours:.1f} h of {work.of.grace_hours:g} h of grace are left",
            f"drop it after {at:%Y-%m-%d %H:%M} UTC",
        )


def _refuse_read(work: Work) -> None:
    """Whoever was built before the switch, or does not say what it was built for."""
    number = work.of.migration[:4]
    found = work.ask("readers", table=quoted(work.of.table), number=number)
    if not found:
        return
    said = [f"pid {pid} {name or '(no name)'!r} as {role}" for pid, role, name in found]
    raise Locked(
        f"{work.declared.name}: may still know the old shape: {listed(said)}",
        f"restart them with a release that has {number} and says so (NAME@{number}),"
        " or pass --past-readers",
    )


def _refuse_needed(work: Work) -> None:
    of = work.of
    assert of.replaces is not None  # noqa: S101  # only then is there an old column
    found = work.ask(
        "dependents",
        oids=[each for each, _ in work.tree()], column=of.replaces.column, bare=of.bare,
        keeper=of.keeper,
    )  # fmt: skip
    may_go = {*of.replaces.along, of.was_there}
    needed = sorted({said for said, name in found if name not in may_go})
    if needed:
        raise Refused(
            f"{work.declared.name}: {of.table}.{of.replaces.column} is needed by {listed(needed)}",
            "change them first; what goes with it stands in replaces.along",
        )
