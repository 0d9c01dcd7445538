"""What cannot work, told before anything is touched."""

from typing import Final

from apps.migrate.evolve.declared import References, View
from apps.migrate.evolve.flip import views_back, views_forth
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.work import Work
from schemas.errors import Diverged, Refused

PROBE: Final = "ledger._abode_evolution_probe"
NAMED: Final = 8
"""Readers and dependents that a refusal names."""


def refuse(work: Work) -> None:
    """All that the catalog knows."""
    of, name = work.of, work.declared.name
    if not work.tree():
        raise Refused(f"{name}: {of.table}: no such table", "apply the line first: migrate apply")
    if work.ask("column", table=quoted(of.table), column=of.column.name):
        raise Diverged(f"{name}: {of.table} has {of.column.name!r} already, and not from here")
    if of.fill and any(not work.ask("key", table=leaf) for leaf in work.leaves()):
        raise Refused(f"{name}: {of.table} has no primary key", "rows are filled in its order")
    _refuse_rewrite(work)
    if of.references:
        _refuse_target(work, of.references)
    for view in of.view:
        _refuse_view(work, view)
    if of.replaces:
        _refuse_old(work)
        _refuse_dependents(work)


def try_views(work: Work) -> None:
    """Within the transaction that adds the column: the switch there and back, and none of it."""
    of = work.of
    if not of.view:
        return
    work.ledger.ask("SAVEPOINT views")
    try:
        for each in (*views_forth(of), *views_back(of)):
            work.ledger.ask(each)
        for each in views_forth(of):
            work.ledger.ask(each)
    except work.ledger.error as error:
        if work.ledger.busy(error):
            raise
        said = str(error).partition("\n")[0]
        raise Refused(
            f"{work.declared.name}: view.after: {said}",
            "names, types and order of a view's columns stay",
        ) from None
    if of.replaces and (left := _views(work)):
        raise Refused(
            f"{work.declared.name}: view.after: {left[0][0]} still reads"
            f" {of.table}.{of.replaces.column}",
            "from the switch on it is without the old column",
        )
    work.ledger.ask("ROLLBACK TO SAVEPOINT views")


def listed(names: list[str]) -> str:
    """The first of many."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _refuse_rewrite(work: Work) -> None:
    """The server itself says whether a default is stored once, or worked out for each row."""
    of, name = work.of, work.declared.name
    if of.column.default is not None:
        _, is_stored = _probed(work, of.column.type, of.column.default)
        if not is_stored:
            raise Refused(
                f"{name}: column.default: {of.column.default} would have every row written anew",
                "a constant that is not null; what differs by row is [fill]",
            )
    if of.column.default_after is not None and of.replaces:
        _refuse_untold(work, "column.default_after", of.column.type, of.column.default_after)


def _refuse_untold(work: Work, where: str, kind: str, given: str) -> None:
    """Who does not say a column is told from who does by its default."""
    text, is_stored = _probed(work, kind, given)
    if text is not None and not is_stored:
        raise Refused(
            f"{work.declared.name}: {where}: {given} is another for each row",
            "one that is the same in a whole transaction, such as a constant or now()",
        )


def _refuse_old(work: Work) -> None:
    of, name = work.of, work.declared.name
    assert of.replaces is not None  # noqa: S101  # only then is there an old column
    table, old = quoted(of.table), of.replaces.column
    found = work.ask("column", table=table, column=old)
    if not found:
        raise Refused(f"{name}: replaces.column: {of.table} has no {old!r}")
    if found[0][0] != of.replaces.required:
        raise Refused(
            f"{name}: replaces.required: {old} {'is' if found[0][0] else 'is not'} NOT NULL",
            f"required = {str(found[0][0]).lower()}",
        )
    if any(old == part for leaf in work.leaves() for part, _ in work.ask("key", table=leaf)):
        raise Refused(f"{name}: {old} is part of the primary key", "a key does not change here")
    with work.ledger.transaction(keep=False):
        work.ledger.tell("SET LOCAL search_path TO DEFAULT")
        kind, has, _ = work.ask("default", table=table, column=old)[0]
    given = of.replaces.default
    told = _probed(work, kind, given)[0] if given else None
    if told != has:
        raise Refused(
            f"{name}: replaces.default: {old} has {has or 'none'}, not {given or 'none'}",
            f'default = "{has}"' if has else "leave replaces.default out",
        )
    if given:
        _refuse_untold(work, "replaces.default", kind, given)


def _refuse_dependents(work: Work) -> None:
    """What refers to the old column, and what reads it without being declared."""
    of, name = work.of, work.declared.name
    assert of.replaces is not None  # noqa: S101  # as above
    old = f"{of.table}.{of.replaces.column}"
    oids = [each for each, _ in work.tree()]
    found = work.ask("referrers", oids=oids, column=of.replaces.column)
    if found:
        said = [f"{key} of {table}" for key, table in found]
        raise Refused(
            f"{name}: {old} is referred to by {listed(said)}",
            "have those tables refer to another column first, by an evolution of their own",
        )
    declared = {(each.name, "view") for each in of.view}
    undeclared = [f"{kind} {view}" for view, kind in _views(work) if (view, kind) not in declared]
    if undeclared:
        raise Refused(
            f"{name}: {old} is read by {listed(undeclared)}",
            "declare each as [[view]]; a materialized one: drop it, make it anew after the switch",
        )


def _views(work: Work) -> list[tuple[str, str]]:
    """Views of the old column now, and of which kind each is."""
    of = work.of
    assert of.replaces is not None  # noqa: S101  # as above
    oids = [each for each, _ in work.tree()]
    return [(name, kind) for name, kind in work.ask("views", oids=oids, column=of.replaces.column)]


def _refuse_target(work: Work, to: References) -> None:
    name = f"{work.declared.name}: references: {to.table}"
    found = work.ask("target", table=quoted(to.table), column=to.column)
    if not found:
        raise Refused(f"{name} has no {to.column!r}")
    if not found[0][0]:
        raise Refused(f"{name}.{to.column} is not unique", "refer to its key, or index it first")
    if not found[0][1]:
        raise Refused(f"{name}: is another's", f"GRANT REFERENCES ON {to.table} TO the owner")


def _refuse_view(work: Work, view: View) -> None:
    """A rollback brings back what is declared, so that is what lives."""
    name = work.declared.name
    with work.ledger.transaction(keep=False):
        work.ledger.ask("SET LOCAL search_path TO DEFAULT")
        found = work.ask("view", view=quoted(view.name))
        if not found:
            raise Refused(f"{name}: view.name: {view.name}: no such view")
        options = f" WITH ({view.options})" if view.options else ""
        work.ledger.ask(f"CREATE VIEW {PROBE}{options} AS {view.before}")
        if work.ask("view", view=PROBE) != found:
            said = " ".join(str(found[0][0]).split())
            more = f" with {', '.join(found[0][1])}" if found[0][1] else ""
            raise Refused(f"{name}: view.before: {view.name} is another", f"it is {said}{more}")


def _probed(work: Work, kind: str, given: str) -> tuple[str | None, bool]:
    """A default as the server writes it, and whether it is one for all rows."""
    with work.ledger.transaction(keep=False):
        work.ledger.ask(
            f"SET LOCAL search_path TO DEFAULT; CREATE TABLE {PROBE} ();"
            f"ALTER TABLE {PROBE} ADD COLUMN probed {kind} DEFAULT {given}"
        )
        _, text, is_stored = work.ask("default", table=PROBE, column="probed")[0]
    return text, bool(is_stored)
