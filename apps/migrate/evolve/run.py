"""What can be done with an evolution: look, go forward, go back before the switch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from apps.migrate import runner
from apps.migrate.errors import Loss, Unconfirmed
from apps.migrate.evolve import constrain, indexes
from apps.migrate.evolve.add import add, unkeep
from apps.migrate.evolve.declared import Declared, Step, names, read
from apps.migrate.evolve.fill import fill
from apps.migrate.evolve.names import quoted, unset
from apps.migrate.evolve.refer import refer, targets
from apps.migrate.evolve.standing import (
    KEY,
    SQL,
    Standing,
    held,
    left,
    standing,
    standings,
)
from apps.migrate.evolve.switch import drop, switch, unswitch
from apps.migrate.evolve.throttle import Pace
from apps.migrate.evolve.work import WAIT_SECONDS, Work, alone
from apps.migrate.ledger import Ledger, Patience, Say
from apps.migrate.lines import Line
from schemas.errors import Diverged, Refused

Count = Callable[[int], None]
PATIENT: Final = Patience(runner=10, statement=0.0)
"""No end for one statement: to build an index or look at all rows takes what it takes."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did."""

    name: str
    acts: tuple[str, ...]
    stands: Standing


def status(line: Line, database: str) -> tuple[list[Declared], dict[str, Standing], set[str]]:
    """What is declared, where each stands, and which are being run. Writes nothing."""
    _refuse_files(line)
    database = runner.readable(line, database)
    with runner.opened(line, database, PATIENT, readonly=True) as ledger:
        found = standings(ledger)
        running = set()
        if found:
            running = {name for name, _ in ledger.ask(SQL["holders"], {"key": KEY}).fetchall()}
    return [read(line, name) for name in names(line)], found, running


def run(
    line: Line,
    database: str,
    name: str,
    *,
    to: Step = "constrain",
    pace: Pace | None = None,
    wait: float = WAIT_SECONDS,
    past_readers: bool = False,
    say: Say = lambda _: None,
    expect: Count = lambda _: None,
    came: Count = lambda _: None,
) -> Done:
    """Go on from wherever it stands until a step is done."""
    _refuse_files(line)
    declared = read(line, name)
    with runner.opened(line, database, PATIENT) as ledger:
        work = Work(ledger, declared, say, expect, came, wait, pace or Pace())
        _prepare(ledger)
        with held(ledger, name):
            return forward(work, to, past_readers=past_readers)


def forward(work: Work, to: Step, *, past_readers: bool = False) -> Done:
    """The same with everything in hand."""
    ledger, declared = work.ledger, work.declared
    stands = standing(ledger, declared)
    if stands and stands.undoing:
        raise Refused(
            f"{declared.name}: is half undone",
            f"abode evolve {ledger.line.name} undo {declared.name}, then run again",
        )
    if to == "drop" and not (stands and stands.switched_at):
        raise Refused(f"{declared.name}: is not switched yet", "run it --to switch first")
    work.place = stands.place if stands else work.place
    did = []
    for step, act in left(declared.of, stands.act if stands else None, to):
        work.say(f"{step}: {act}")
        ledger.at = f"{declared.name}, {step}"
        _act(work, act, past_readers=past_readers)
        did.append(act)
        ledger.at = "ledger"
    now = standing(ledger, declared)
    if now is None:
        raise Diverged(f"{declared.name}: is gone from the ledger", "who else is at work?")
    return Done(declared.name, tuple(did), now)


def undo(
    line: Line,
    database: str,
    name: str,
    *,
    to: Literal["add", "switch"] = "add",
    sure: Callable[[Loss], bool] = lambda _: True,
    wait: float = WAIT_SECONDS,
    say: Say = lambda _: None,
) -> Loss:
    """Back before a step: ``switch`` takes only that back; with ``add`` everything of it goes."""
    _refuse_files(line)
    declared = read(line, name)
    with runner.opened(line, database, PATIENT) as ledger:
        work = Work(ledger, declared, say, wait=wait)
        with held(ledger, name):
            stands = standing(ledger, declared)
            if stands is None:
                raise Refused(f"{name}: has not begun, or is undone")
            if stands.act == "drop":
                raise Refused(
                    f"{name}: is dropped: nothing is left to go back to",
                    f"abode migrate {line.name} rollback",
                )
            if to == "switch":
                if not stands.switched_at:
                    raise Refused(f"{name}: is not switched")
                unswitch(work)
                return Loss(declared.of.table, declared.of.column.name, 0)
            loss = Loss(declared.of.table, declared.of.column.name, _values(work))
            if not stands.undoing and not sure(loss):
                raise Unconfirmed(f"{name}: to undo it destroys {loss}", [loss])
            with ledger.transaction():
                ledger.tell(SQL["undo"], {"name": name})
            if stands.switched_at:
                work.say("taking the switch back")
                unswitch(work)
            backward(work)
            return loss


def backward(work: Work) -> None:
    """Indexes first, each without a lock that others feel; then all the rest at once."""
    of, name = work.of, work.declared.name
    for index in reversed(of.index):
        work.say(f"dropping {index.name}")
        indexes.drop(work, index)

    def do() -> None:
        work.ledger.ask(unkeep(work))
        column = quoted(of.column.name)
        work.ledger.ask(f"ALTER TABLE {quoted(of.table)} DROP COLUMN IF EXISTS {column}")
        work.ledger.tell(SQL["forget"], {"name": name})

    work.say(f"dropping {of.table}.{of.column.name}")
    alone(work, do, also=targets(of))


def _act(work: Work, act: str, *, past_readers: bool) -> None:
    """One of them; each knows how to go on with what it began."""
    if act.startswith("index "):
        made = next(each for each in work.of.index if each.name == act.removeprefix("index "))
        indexes.make(work, made)
    elif act == "drop":
        stands = standing(work.ledger, work.declared)
        if stands is None:
            raise Diverged(f"{work.declared.name}: is gone from the ledger")
        drop(work, stands, past_readers=past_readers)
    else:
        ACTS[act](work)


ACTS: Final[dict[str, Callable[[Work], None]]] = {
    "column": add,
    "rows": fill,
    "check": constrain.add_checks,
    "validate": constrain.validate,
    "not-null": constrain.not_null,
    "reference": refer,
    "switch": switch,
}


def _values(work: Work) -> int:
    """How many rows have more in the column than it began with."""
    of = work.of
    if not work.ask("column", table=quoted(of.table), column=of.column.name):
        return 0
    with work.ledger.transaction():
        work.ledger.tell("SET LOCAL search_path TO DEFAULT")
        query = f"SELECT count(*) FROM {quoted(of.table)} AS one WHERE NOT ({unset(of, 'one')})"  # noqa: S608
        return int(work.ledger.ask(query).fetchone()[0])


def _prepare(ledger: Ledger) -> None:
    """The table of where each stands; many may come to make it."""
    if ledger.ask(SQL["exists"]).fetchone()[0]:
        return
    with ledger.lock(), ledger.transaction():
        ledger.tell(SQL["create"])


def _refuse_files(line: Line) -> None:
    if line.engine != "postgres":
        raise Refused(
            f"{line.name}: lives in a file, which has one writer: migrate it",
            f"abode migrate {line.name} apply",
        )
