"""What can be done with a line: look, go forward, go back."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from apps.migrate.errors import Loss, Unconfirmed
from apps.migrate.ledger import Failed, Ledger, Patience, Say
from apps.migrate.lines import Line
from apps.migrate.plan import Plan
from schemas.errors import Diverged, Refused, Unreachable
from schemas.ports import ANIMA_DB

if TYPE_CHECKING:
    from apps.migrate.losses import Toll

Done = TypeVar("Done")

PATIENT: Final = Patience()
PAUSE_SECONDS: Final = 0.25
"""Before the second try; each further pause is twice as long."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did."""

    ran: tuple[str, ...] = ()
    """Migrations, then post-applies."""
    signed: tuple[str, ...] = ()
    """Applied by plain yoyo before, and now known by content."""
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did."""

    undone: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    snapshots: tuple[Path, ...] = ()


def database_of(line: Line) -> str:
    """Where the line's database is, by the environment."""
    if line.name == "soulfra_memory":
        raise Refused(f"{line.name}: there is a file for each agent", hint="pass --database")
    name = {"postgres": "DB_POSTGRES_URL", "sqlite": "ANIMA_HOME"}[line.engine]
    value = os.environ.get(name)
    if not value:
        raise Refused(f"{line.name}: {name} is not set", hint=f"set {name}, or pass --database")
    return value if line.engine == "postgres" else str(Path(value) / ANIMA_DB)


def readable(line: Line, database: str) -> str:
    """The same, if there can be something to look at; no message repeats a password."""
    if line.engine == "sqlite":
        if "://" not in database and not Path(database).exists():
            raise Unreachable(f"{database}: is missing", hint="to make a new one: apply")
        return database
    # The Pi has no psycopg.
    from apps.migrate.postgres import database_url  # noqa: PLC0415

    return database_url(database)


def status(line: Line, database: str, patience: Patience = PATIENT) -> Plan:
    """Compare files and ledger. Takes no lock and writes nothing."""
    with opened(line, readable(line, database), patience, readonly=True) as ledger:
        return ledger.plan()


def apply(
    line: Line,
    database: str,
    patience: Patience = PATIENT,
    *,
    say: Say = lambda _: None,
    backup: bool = False,
    again: bool = False,
) -> Applied:
    """Apply what is pending, then run what follows every migration: ``again`` even if it ran."""
    with opened(line, database, patience) as ledger:
        # Without the lock: what is committed and whole needs none. A row in yoyo's lock is of
        # somebody at work, or of a dead runner whose row goes when we take it.
        if ledger.plan().settled and not again and not ledger.is_held():
            return Applied()
        with ledger.lock():
            plan = ledger.plan()
            ledger.check(plan)
            kept = _backup(line, database, plan, say) if backup else None
            for migration in plan.pending:
                _timed(say, f"applying {migration}", _again(ledger, say, ledger.apply), migration)
            for name in plan.gone:
                ledger.forget(name)
            due = line.post_applies() if again or plan.pending else plan.due
            for name in due:
                _timed(say, f"running {name}", _again(ledger, say, ledger.post_apply), name)
            if plan.unsigned:
                _sign(ledger, database, plan.unsigned, say)
            return Applied((*plan.pending, *due), plan.unsigned, kept)


def rollback(
    line: Line,
    database: str,
    patience: Patience = PATIENT,
    *,
    to: str | None = None,
    steps: int = 1,
    confirm: Callable[[Sequence[str], Sequence[Loss]], bool] = lambda *_: True,
    keep: Path | None = None,
    say: Say = lambda _: None,
) -> RolledBack:
    """Undo the newest ``steps`` migrations, or all that came after ``to``, all in one transaction.

    ``to`` is an id or its number, and stays applied; ``0000`` is before the first. What is
    destroyed is counted first, must be confirmed, and is kept: a file beside the database, or
    archives in the folder ``keep``. So is a rollback that says it is lossy, whatever is counted.
    """
    from apps.migrate.losses import rehearse  # noqa: PLC0415  # only a rollback needs it

    if not status(line, database, patience).applied:
        raise Refused(f"{line.name}: nothing is applied")
    with opened(line, database, patience) as ledger:
        with ledger.lock():
            undo, toll = _rehearsed(ledger, to, steps, say)
        if not undo:
            return RolledBack()
        said = {i: line.lossy(i) for i in undo if line.is_lossy(i)}
        what = "; ".join(map(str, toll.losses))
        if toll.losses and not said:
            raise Refused(
                f"{line.name}: rolling back {', '.join(undo)} destroys {what}",
                hint="no '-- lossy:' in it says so: take it back in a new migration",
            )
        for migration, words in said.items():
            say(f"{migration}: lossy: {'; '.join(words) or 'as every rollback of its time'}")
        # Asked without holding the lock: the answer may take a while.
        if said and not confirm(undo, toll.losses):
            what = what or f"by its own words {'; '.join(sum(said.values(), ())) or 'all it made'}"
            raise Unconfirmed(
                f"{line.name}: rolling back {', '.join(undo)} destroys {what}", toll.losses
            )
        with ledger.lock():
            if undone(ledger.plan(), line, to, steps) != undo:
                raise _changed(line)
            kept: tuple[Path, ...] = ()

            def back(_: str) -> None:
                nonlocal kept
                with ledger.transaction():
                    ledger.hold(toll.touched)
                    # Rows may have come while somebody thought.
                    if rehearse(ledger, undo).exceeds(toll):
                        raise _changed(line)
                    kept = ledger.keep(tuple(undo), toll.losses, keep, say) if said else ()
                    for migration in undo:
                        say(f"rolling back {migration}")
                        ledger.roll_back(migration)

            _again(ledger, say, back)(undo[0])
            return RolledBack(tuple(undo), toll.losses, kept)


def _changed(line: Line) -> Refused:
    return Refused(
        f"{line.name}: changed while you were asked", hint="nothing is undone: look again"
    )


def undone(plan: Plan, line: Line, to: str | None, steps: int) -> list[str]:
    """What a rollback undoes, newest first."""
    newest = sorted(plan.applied, reverse=True)
    if to is None:
        return newest[:steps]
    if to == "0000":
        return newest
    for place, migration in enumerate(newest):
        if to in {migration, migration[:4]}:
            return newest[:place]
    raise Refused(f"{line.name}: {to!r} is not applied", hint=f"applied are {', '.join(newest)}")


@contextmanager
def opened(
    line: Line, database: str, patience: Patience = PATIENT, *, readonly: bool = False
) -> Iterator[Ledger]:
    """The line in its database; what the engine complains of becomes an error of the house."""
    line.check()
    ledger = _ledger(line, database, patience, readonly)
    try:
        yield ledger
    except Failed as failed:
        raise ledger.explain(failed) from failed
    except ledger.error as error:
        raise ledger.explain(Failed(error)) from error
    finally:
        ledger.connection.close()


def _ledger(line: Line, database: str, patience: Patience, readonly: bool) -> Ledger:
    if line.engine == "sqlite":
        if "://" in database:
            raise Refused(f"{line.name}: the database is a file", hint="pass a path, not a URL")
        from apps.migrate.sqlite import SQLite  # noqa: PLC0415  # one engine at a time is enough

        return SQLite(line, str(Path(database).absolute()), patience, readonly=readonly)
    # The Pi has no psycopg.
    from apps.migrate.postgres import Postgres, database_url  # noqa: PLC0415

    return Postgres(line, database_url(database), patience, readonly=readonly)


def _rehearsed(ledger: Ledger, to: str | None, steps: int, say: Say) -> tuple[list[str], "Toll"]:
    """What would be undone, and what that destroys."""
    from apps.migrate.losses import Toll, rehearse  # noqa: PLC0415

    plan = ledger.plan()
    ledger.check(plan)
    undo = undone(plan, ledger.line, to, steps)
    toll = Toll((), frozenset())

    def count(_: str) -> None:
        nonlocal toll
        with ledger.transaction(keep=False):
            toll = rehearse(ledger, undo)

    if undo:
        say(f"counting what goes with {', '.join(undo)}")
        _again(ledger, say, count)(undo[0])
    return undo, toll


def _backup(line: Line, database: str, plan: Plan, say: Say) -> Path | None:
    """A copy of a file that is about to be changed."""
    from apps.migrate.snapshot import is_empty, snapshot  # noqa: PLC0415  # knows sqlite3

    path = Path(database).absolute()
    if line.engine != "sqlite" or not plan.pending or not plan.applied or is_empty(path):
        return None
    return _timed(say, "backing up", lambda why: snapshot(path, why, say), _before(plan.pending[0]))


def _before(migration: str) -> str:
    return f"before-{migration[:4]}"


def _sign(ledger: Ledger, database: str, unsigned: Sequence[str], say: Say) -> None:
    """Vouch for what plain yoyo applied, once the schema is seen to be what the files make."""
    # Slow to import, rarely needed.
    from apps.migrate.catalog.server import is_held  # noqa: PLC0415
    from apps.migrate.check import check  # noqa: PLC0415

    say(f"comparing with the files: {', '.join(unsigned)} applied by plain yoyo")
    # What the server holds is no migration's doing.
    if found := [each for each in check(ledger.line, database) if not is_held(each.object)]:
        raise Diverged(
            "\n".join(f"{ledger.line.name}: {each}" for each in found),
            hint=f"applied by plain yoyo and not what the files make: {', '.join(unsigned)}",
        )
    for migration in unsigned:
        say(f"signing {migration}")
        ledger.sign(migration)


def _again(ledger: Ledger, say: Say, do: Callable[[str], None]) -> Callable[[str], None]:
    """The same, tried a few times when something else is in the way."""

    def tried(what: str) -> None:
        pause = PAUSE_SECONDS
        for left in range(ledger.patience.tries - 1, -1, -1):
            try:
                return do(what)
            except (Failed, ledger.error) as error:
                failed = error if isinstance(error, Failed) else Failed(error)
                if not left or failed.is_late or not ledger.busy(failed.error):
                    raise
                say(
                    f"{what}: something is in the way; {left} more of {ledger.patience.tries} tries"
                )
            # Not all at the same instant: two that wait for each other would meet again.
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
            pause *= 2
        return None

    return tried


def _timed(say: Say, what: str, do: Callable[[str], Done], of: str) -> Done:
    begun = time.monotonic()
    say(what)
    done = do(of)
    say(f"{what}: {time.monotonic() - begun:.2f} s")
    return done
