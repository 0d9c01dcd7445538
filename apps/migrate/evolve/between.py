"""What a line looks like while one of its evolutions is between its steps: declared, no drift.

In a scratch database the very same acts are done up to where the live one stands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.migrate import runner
from apps.migrate.catalog.differences import Difference
from apps.migrate.evolve.add import keep, sources
from apps.migrate.evolve.declared import parsed
from apps.migrate.evolve.flip import back, views_back
from apps.migrate.evolve.run import PATIENT, _act, _prepare, backward
from apps.migrate.evolve.standing import Standing, acts, left, standings
from apps.migrate.evolve.work import Work, alone
from apps.migrate.lines import Line
from schemas.errors import Diverged

OURS = " ledger._abode_evolution"
"""In the name of an object: the table in which it stands is made when it is needed."""


@dataclass(frozen=True)
class Without(Line):
    """A line without migrations that an evolution has not come to yet."""

    later: frozenset[str] = frozenset()

    def migrations(self) -> tuple[str, ...]:
        """Ids in the order in which they are applied."""
        return tuple(each for each in super().migrations() if each not in self.later)


def unfinished(line: Line, database: str) -> list[Standing]:
    """Evolutions that have begun in a database and are not at their end."""
    with runner.opened(line, database, readonly=True) as ledger:
        return [each for each in standings(ledger).values() if not each.is_done]


def shortened(line: Line, stand: Iterable[Standing]) -> Line:
    """The line that a scratch database is given."""
    later = frozenset(each.of.replaces.drop for each in stand if each.of.replaces)
    return Without(line.name, line.engine, line.folder, later) if later else line


def put(line: Line, scratch: str, stand: Iterable[Standing]) -> None:
    """Take a scratch database, where the line is applied, to where the live one stands."""
    with runner.opened(line, scratch, PATIENT) as ledger:
        _prepare(ledger)
        for each in stand:
            declared = parsed(each.name, each.declaration, f"ledger, {each.name}")
            _put(Work(ledger, declared, lambda _: None, is_marking=False), each)


def explained(stand: Iterable[Standing], found: Iterable[Difference]) -> list[Difference]:
    """Differences without those that an act leaves which has begun and is not done.

    It is done partition by partition, and what of it is there need not be the whole.
    """
    marks = [mark for each in stand if (mark := _going_on(each))]
    return [each for each in found if not any(_is_of(each, mark) for mark in marks)]


def _going_on(stands: Standing) -> tuple[str, tuple[str, ...]] | None:
    """Kind and names of what the next act changes piece by piece."""
    of = stands.of
    rest = [act for _, act in left(of, stands.act, "constrain")]
    if not rest or stands.undoing:
        return None
    if rest[0].startswith("index "):
        index = next(each for each in of.index if each.name == rest[0].removeprefix("index "))
        return "index", (f"{of.schema_name}.{index.name}", f"({', '.join(index.columns)})")
    if rest[0] == "validate":
        return "constraint", (of.there, of.checked)
    if rest[0] == "reference":
        return "constraint", (of.referring,)
    return None


def _is_of(one: Difference, mark: tuple[str, tuple[str, ...]]) -> bool:
    kind, names = mark
    if one.object.startswith(f"{kind} "):
        return one.object.endswith(names)
    if not one.object.startswith("partition "):
        return False
    lines = set((one.expected or "").splitlines()) ^ set((one.actual or "").splitlines())
    return all(f"{kind}" in line and any(name in line for name in names) for line in lines)


def _put(work: Work, stands: Standing) -> None:
    of = work.of
    if not work.tree():
        raise Diverged(f"{work.declared.name}: the line has no {of.table} any more")
    if stands.switched_at:
        alone(work, _kept(work))
        return
    for each in (*views_back(of), *back(of)):
        work.ledger.ask(each)
    backward(work)
    every = [name for _, name in acts(of)]
    for _, act in left(of, None, "constrain"):
        if every.index(act) <= every.index(stands.act):
            _act(work, act, past_readers=True)


def _kept(work: Work) -> Callable[[], None]:
    read = sources(work)

    def do() -> None:
        if work.of.fill:
            keep(work, read, is_switched=True)

    return do
