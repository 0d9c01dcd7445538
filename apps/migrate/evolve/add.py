"""Step 1: the column, and a trigger that keeps it right while rows are filled."""

from collections.abc import Sequence

from apps.migrate.evolve.declared import Evolution
from apps.migrate.evolve.flip import views_back
from apps.migrate.evolve.names import literal, quoted, unset
from apps.migrate.evolve.refuse import PROBE, refuse, try_views
from apps.migrate.evolve.standing import SQL
from apps.migrate.evolve.work import Work, alone


def add(work: Work) -> None:
    """The column with its default and its trigger, in one short transaction."""
    of = work.of
    refuse(work)
    read = sources(work)

    def do() -> None:
        # One message, so that the table is held for one way there and back.
        work.ledger.tell(f"ALTER TABLE {quoted(of.table)} ADD COLUMN {column(of)}")
        if of.fill:
            keep(work, read)
        try_views(work)
        row = {
            "name": work.declared.name, "declaration": work.declared.text,
            "sha256": work.declared.sha256, "act": "column",
        }  # fmt: skip
        work.ledger.tell(SQL["begin"], row)

    alone(work, do, views=views_back(of))


def column(of: Evolution) -> str:
    """Its definition: no row is written anew for it."""
    default = f" DEFAULT {of.column.default}" if of.column.default else ""
    return f"{quoted(of.column.name)} {of.column.type}{default}"


def sources(work: Work) -> list[str]:
    """Columns that a filled value is worked out of; a row that changes elsewhere costs nothing."""
    of = work.of
    if of.fill is None:
        return []
    with work.ledger.transaction(keep=False):
        work.ledger.ask(
            f"SET LOCAL search_path TO DEFAULT; CREATE VIEW {PROBE} AS"  # noqa: S608
            f" SELECT {of.fill.value} AS probed FROM {quoted(of.table)}"
        )
        return [name for (name,) in work.ask("read_by", table=quoted(of.table), view=PROBE)]


def function(work: Work, read: Sequence[str], *, is_switched: bool = False) -> None:
    """Make the function of the triggers, within a transaction.

    It has no search_path of its own, which would cost each row more than all the rest: it does as
    its caller, with its caller's rights.
    """
    work.ledger.tell(
        f"CREATE OR REPLACE FUNCTION ledger.{quoted(work.of.keeper)}() RETURNS trigger"
        f" LANGUAGE plpgsql AS {literal(body(work.of, read, is_switched=is_switched))}"
    )


def keep(work: Work, read: Sequence[str], *, is_switched: bool = False) -> None:
    """Make the function and its triggers, within a transaction."""
    of = work.of
    name = f"ledger.{quoted(of.keeper)}()"
    comes, changes = map(quoted, of.keepers)
    column = quoted(of.column.name)
    also = [column] if of.replaces else []
    differ = [f"NEW.{each} IS DISTINCT FROM OLD.{each}" for each in [*map(quoted, read), *also]]
    when = " OR ".join([unset(of, "NEW"), *differ])
    new = "" if of.replaces else f" WHEN ({unset(of, 'NEW')})"
    function(work, read, is_switched=is_switched)
    work.ledger.tell(
        f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC;"
        f"CREATE TRIGGER {comes} BEFORE INSERT ON {quoted(of.table)}"
        f" FOR EACH ROW{new} EXECUTE FUNCTION {name};"
        f"CREATE TRIGGER {changes} BEFORE UPDATE ON {quoted(of.table)}"
        f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}"
    )


def unkeep(work: Work) -> str:
    """The statements that take all of it back."""
    of = work.of
    gone = [f"DROP TRIGGER IF EXISTS {quoted(each)} ON {quoted(of.table)}" for each in of.keepers]
    return ";".join([*gone, f"DROP FUNCTION IF EXISTS ledger.{quoted(of.keeper)}()"])


def body(of: Evolution, read: Sequence[str], *, is_switched: bool = False) -> str:
    """What a row has in the new column is worked out, unless its writer knew the column.

    A default is nobody's writing: of the old column before the switch, of the new one after. Who
    wrote the new column only has the old one worked out; to fill a row changes nothing else.
    What is read stands in variables of the columns' names: so no query is planned for a row.
    """
    new = quoted(of.column.name)
    unfilled = unset(of, "NEW")
    lines = ["#variable_conflict use_column", "DECLARE", f"    abode_was {of.column.type};"]
    lines += [f"    {quoted(name)} {quoted(of.table)}.{quoted(name)}%TYPE;" for name in read]
    unwritten, unsaid = unfilled, ""
    if of.replaces and is_switched and of.column.default_after:
        after = f"({of.column.default_after})::{of.column.type}"
        given = f"NEW.{quoted(of.replaces.column)} IS NOT NULL"
        unwritten = f"{unfilled} OR (NEW.{new} IS NOT DISTINCT FROM {after} AND {given})"
    elif of.replaces and of.replaces.default and not is_switched:
        unsaid = f" OR NEW.{quoted(of.replaces.column)} = ({of.replaces.default})"
    lines += ["BEGIN", "    IF TG_OP = 'INSERT' THEN", f"        IF {unwritten} THEN"]
    lines += [*_read(read, "NEW"), f"            NEW.{new} := {_value(of)};"]
    if of.replaces:
        old = quoted(of.replaces.column)
        back = f"(SELECT {of.replaces.back} FROM (SELECT NEW.*) AS written)"  # noqa: S608
        lines.append(f"        ELSIF NEW.{old} IS NULL{unsaid} THEN NEW.{old} := {back};")
    lines += ["        END IF;", "        RETURN NEW;", "    END IF;"]
    lines += [*_read(read, "OLD"), f"    abode_was := {_value(of)};"]
    lines += [*_read(read, "NEW")]
    lines += [
        f"    IF {unfilled} OR (NEW.{new} IS NOT DISTINCT FROM OLD.{new}",
        f"            AND {_value(of)} IS DISTINCT FROM abode_was) THEN",
        f"        NEW.{new} := {_value(of)};",
    ]
    if of.replaces:
        lines += [
            f"    ELSIF NEW.{new} IS DISTINCT FROM OLD.{new}",
            f"          AND NEW.{old} IS NOT DISTINCT FROM OLD.{old}",
            f"          AND NEW.{new} IS DISTINCT FROM {_value(of)} THEN",
            f"        NEW.{old} := {back};",
        ]
    lines += ["    END IF;", "    RETURN NEW;", "END"]
    return "\n" + "\n".join(lines) + "\n"


def _value(of: Evolution) -> str:
    assert of.fill is not None  # noqa: S101  # only then there is a trigger
    return f"({of.fill.value})"


def _read(read: Sequence[str], row: str) -> list[str]:
    return [f"    {quoted(name)} := {row}.{quoted(name)};" for name in read]
