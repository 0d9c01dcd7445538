"""What each verb gives: a shape for programs and lines for people."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from apps.migrate import runner
from apps.migrate.arguments import patience
from apps.migrate.errors import Edited, Loss, Pending
from apps.migrate.ledger import Say
from apps.migrate.lines import Line
from schemas.errors import Diverged, Refused

if TYPE_CHECKING:
    from pydantic import BaseModel

Confirm = Callable[[Sequence[str], Sequence[Loss]], bool]
"""Whether what these migrations destroy may go."""


class Told:
    """The outcome of a verb: its lines, its JSON when asked for, its exit code.

    Shapes are made on demand: pydantic takes longer to import than most verbs to run.
    """

    def __init__(
        self, text: Sequence[str], shape: "Callable[[], BaseModel]", exit_code: int = 0
    ) -> None:
        self.text, self.shape, self.exit_code = text, shape, exit_code


def status(of: Line, asked: argparse.Namespace, _: Say, __: Confirm) -> Told:
    """What is applied and what is not."""
    plan = runner.status(of, _database(of, asked), patience(asked))
    files = plan.files(of.post_applies())
    width = max((len(name) for name, *_ in files), default=0)
    text = [
        f"{name:{width}}  {state:12}  {at.isoformat() if at else ''}".rstrip()
        for name, state, at in files
    ]
    code = 0
    if asked.check and not plan.settled:
        code = Pending.exit_code if plan.agrees else Edited.exit_code

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        told = tuple(
            shapes.File(name=name, state=state, applied_at=at) for name, state, at in files
        )
        return shapes.Status(line=of.name, settled=plan.settled, files=told)

    return Told(text or [f"{of.name}: no migrations"], shape, code)


def plan(of: Line, asked: argparse.Namespace, _: Say, __: Confirm) -> Told:
    """The files that would run, as they are."""
    found = runner.status(of, _database(of, asked), patience(asked))
    back = asked.to is not None or asked.steps is not None
    if back:
        names = runner.undone(found, of, asked.to, asked.steps or 1)
    else:
        names = [*found.pending, *(of.post_applies() if found.pending else found.due)]
    lossy = {name: of.lossy(name) for name in names if not name.startswith("post-apply.")}
    text = []
    for name in names:
        text.append(f"-- {'roll back' if back else 'apply'} {name}")
        said = lossy.get(name, ())
        text += [f"-- lossy: {'' if back else 'rolling it back: '}{each}" for each in said]
        text += [of.sql(name, back=back).rstrip(), ""]

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        steps = tuple(
            shapes.Step(
                name=name,
                sql=of.sql(name, back=back),
                ensures=() if back else of.ensures(name),
                lossy=lossy.get(name, ()),
            )
            for name in names
        )
        return shapes.Planned(line=of.name, direction="back" if back else "forward", steps=steps)

    return Told(text or [f"{of.name}: nothing to do"], shape)


def apply(of: Line, asked: argparse.Namespace, say: Say, _: Confirm) -> Told:
    """Go forward."""
    begun = time.monotonic()
    done = runner.apply(
        of,
        _database(of, asked),
        patience(asked),
        say=say,
        backup=not asked.no_backup,
        again=asked.again,
    )

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        return shapes.Apply(line=of.name, seconds=_since(begun), **asdict(done))

    text = [f"kept {done.backup}"] if done.backup else []
    text += [f"applied {i}" for i in done.ran] + [f"signed {i}" for i in done.signed]
    return Told(text or [f"{of.name}: nothing to do"], shape)


def rollback(of: Line, asked: argparse.Namespace, say: Say, confirm: Confirm) -> Told:
    """Go back."""
    begun = time.monotonic()
    done = runner.rollback(
        of,
        _database(of, asked),
        patience(asked),
        to=asked.to,
        steps=asked.steps,
        confirm=confirm,
        keep=asked.keep.absolute(),
        say=say,
    )

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        return shapes.Rollback(
            line=of.name,
            undone=done.undone,
            destroyed=shapes.destroyed(done.losses),
            snapshots=done.snapshots,
            seconds=_since(begun),
        )

    text = [f"kept {path}" for path in done.snapshots]
    text += [f"rolled back {i}" for i in done.undone]
    text += [f"destroyed {loss}" for loss in done.losses]
    return Told(text or [f"{of.name}: nothing to do"], shape)


def check(of: Line, asked: argparse.Namespace, _: Say, __: Confirm) -> Told:
    """Compare the live schema with what the files make."""
    from apps.migrate.check import check as compared  # noqa: PLC0415
    from apps.migrate.check import report  # noqa: PLC0415

    database = runner.readable(of, _database(of, asked))
    found = compared(of, database, scratch=asked.scratch, live=asked.live, alone=asked.alone)
    text = [str(each) for each in found] or [f"{of.name}: no drift"]
    return Told(text, lambda: report(of, found), Diverged.exit_code if found else 0)


def new(of: Line, asked: argparse.Namespace, _: Say, __: Confirm) -> Told:
    """Write the next pair of files."""
    from apps.migrate.new import new as write  # noqa: PLC0415

    pair = write(of, asked.name)

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        return shapes.New(line=of.name, files=pair)

    return Told([f"wrote {path}" for path in pair], shape)


def adopt(of: Line, asked: argparse.Namespace, say: Say, _: Confirm) -> Told:
    """Take over a database that was made without us."""
    from apps.migrate.adopt import adopt as take  # noqa: PLC0415

    if not asked.zone:
        raise Refused(f"{of.name}: naive timestamps are of which zone", hint="--zone Europe/Berlin")
    database = asked.path or _database(of, asked)
    say(f"adopting {database}")
    done = take(of, database, asked.zone, wait=asked.wait, say=say)

    def shape() -> "BaseModel":
        from apps.migrate import shapes  # noqa: PLC0415

        return shapes.Adopt(line=of.name, **asdict(done))

    if done.already:
        return Told([f"{database}: is ours already"], shape)
    text = [f"kept {done.snapshot}"] + [f"{table}: {n} rows" for table, n in done.rows.items()]
    text += [f"baselined {i}" for i in done.baselined] + [f"applied {i}" for i in done.applied]
    return Told([*text, *(f"added {what}" for what in done.added)], shape)


RUN: Final[dict[str, Callable[[Line, argparse.Namespace, Say, Confirm], Told]]] = {
    "status": status,
    "plan": plan,
    "apply": apply,
    "rollback": rollback,
    "check": check,
    "new": new,
    "adopt": adopt,
}


def _database(of: Line, asked: argparse.Namespace) -> str:
    return asked.database or runner.database_of(of)


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
