"""What ``abode evolve --json`` prints: one closed object per verb."""

from datetime import datetime

from apps.migrate.evolve.declared import Declared, Step
from apps.migrate.evolve.run import Done
from apps.migrate.evolve.standing import Standing, acts
from apps.migrate.shapes import Destroyed, Shape


class Act(Shape):
    """One act, and whether it is done."""

    step: Step
    act: str
    done: bool


class Evolving(Shape):
    """Where one evolution stands."""

    name: str
    table: str
    column: str
    migration: str
    state: str
    """``declared``, ``begun``, ``running``, ``undoing``, ``switched`` or ``done``."""
    edited: bool
    """Whether its file is not the one it began with."""
    acts: tuple[Act, ...]
    rows: int
    """Rows that were looked at, of ``total``; of those ``filled`` were written."""
    filled: int
    total: int
    rows_per_second: float | None
    eta_seconds: float | None
    """Of the filling, at its pace so far, without its pauses."""
    begun_at: datetime | None
    updated_at: datetime | None
    switched_at: datetime | None
    droppable_at: datetime | None


class Status(Shape):
    """``status``."""

    line: str
    settled: bool
    """Nothing has begun that is not at its end."""
    evolutions: tuple[Evolving, ...]


class Ran(Shape):
    """``run``."""

    line: str
    did: tuple[str, ...]
    seconds: float
    stands: Evolving


class Undone(Shape):
    """``undo``."""

    line: str
    name: str
    destroyed: Destroyed


class Written(Shape):
    """``write``."""

    line: str
    files: tuple[str, ...]


def status(
    line: str, declared: list[Declared], stand: dict[str, Standing], running: set[str]
) -> Status:
    """Every one that is declared or has begun."""
    known = {each.name: each for each in declared}
    every = tuple(
        evolving(name, known.get(name), stand.get(name), is_running=name in running)
        for name in sorted(known.keys() | stand.keys())
    )
    settled = all(each.state in {"declared", "done"} for each in every)
    return Status(line=line, settled=settled, evolutions=every)


def ran(line: str, done: Done, declared: Declared, seconds: float) -> Ran:
    """What a run did."""
    stands = evolving(done.name, declared, done.stands)
    return Ran(line=line, did=done.acts, seconds=round(seconds, 3), stands=stands)


def evolving(
    name: str, declared: Declared | None, stands: Standing | None, *, is_running: bool = False
) -> Evolving:
    """One of them, by its file and by its row."""
    if stands:
        of = stands.of
    else:
        assert declared is not None  # noqa: S101  # it is known from the one or the other
        of = declared.of
    every = acts(of)
    reached = -1 if stands is None else [act for _, act in every].index(stands.act)
    place = stands.place if stands else None
    rate = place.seen / place.seconds if place and place.seconds else None
    left = (place.total - place.seen) / rate if place and rate and reached < 1 else None
    return Evolving(
        name=name, table=of.table, column=of.column.name, migration=of.migration,
        state=_state(stands, is_running=is_running),
        edited=bool(stands and declared and stands.sha256 != declared.sha256),
        acts=tuple(
            Act(step=step, act=act, done=n <= reached) for n, (step, act) in enumerate(every)
        ),
        rows=place.seen if place else 0, filled=place.filled if place else 0,
        total=place.total if place else 0,
        rows_per_second=None if rate is None else round(rate, 1),
        eta_seconds=None if left is None else round(max(0.0, left), 1),
        begun_at=stands.begun_at if stands else None,
        updated_at=stands.updated_at if stands else None,
        switched_at=stands.switched_at if stands else None,
        droppable_at=stands.droppable_at if stands and not stands.is_done else None,
    )  # fmt: skip


def _state(stands: Standing | None, *, is_running: bool) -> str:
    if stands is None:
        return "declared"
    if stands.is_done:
        return "done"
    if is_running:
        return "running"
    if stands.undoing:
        return "undoing"
    return "switched" if stands.switched_at else "begun"
