"""``abode evolve LINE VERB``: five steps of a table, against the hosts in force."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.migrate.errors import Edited, Loss, Pending
from apps.migrate.evolve import run as evolve
from apps.migrate.evolve import shapes
from apps.migrate.evolve import write as files
from apps.migrate.evolve.declared import Step, read
from apps.migrate.evolve.shapes import Evolving, Status
from apps.migrate.evolve.throttle import Pace
from apps.migrate.lines import Line
from apps.migrate.shapes import Destroyed
from apps.ops.migrate import reached
from apps.ops.progress import bar
from apps.ops.show import span
from schemas.errors import Refused


@contextmanager
def database(root: Path, line: Line, given: str | None) -> Iterator[str]:
    """A URL of the line's database for its owner: the one that is said, or of the hosts in force.

    A line that lives in files has no other steps than migrations.
    """
    if given or line.engine != "postgres":
        yield given or ""
        return
    hosts, state = in_force(root)
    with reached(hosts, state, line.name) as url:
        yield url


def status(root: Path, line: Line, given: str | None, *, check: bool) -> tuple[Status, int]:
    """Where each stands, and the exit code."""
    with database(root, line, given) as url:
        seen = shapes.status(line.name, *evolve.status(line, url))
    if any(each.edited and each.state != "done" for each in seen.evolutions):
        return seen, Edited.exit_code if check else 0
    return seen, Pending.exit_code if check and not seen.settled else 0


def run(
    root: Path, line: Line, given: str | None, name: str, *, to: Step, pace: Pace, wait: float,
    past_readers: bool, quiet: bool,
) -> shapes.Ran:  # fmt: skip
    """Go on until a step is done, with a bar for whoever looks on."""
    begun = time.monotonic()
    say = _silent if quiet else _said
    with database(root, line, given) as url, bar(f"{name} rows") as (expect, came):
        done = evolve.run(
            line, url, name, to=to, pace=pace, wait=wait, past_readers=past_readers,
            say=say, expect=expect, came=came,
        )  # fmt: skip
    return shapes.ran(line.name, done, read(line, name), time.monotonic() - begun)


def undo(
    root: Path, line: Line, given: str | None, name: str, *, to: Literal["add", "switch"],
    sure: Callable[[Loss], bool], wait: float,
) -> shapes.Undone:  # fmt: skip
    """Back before the first step, or before the switch."""
    with database(root, line, given) as url:
        loss = evolve.undo(line, url, name, to=to, sure=sure, wait=wait, say=_said)
    destroyed = Destroyed(table=loss.table, column=loss.column, count=loss.count)
    return shapes.Undone(line=line.name, name=name, destroyed=destroyed)


def write(line: Line, name: str, *, check: bool) -> tuple[shapes.Written, int]:
    """Its migrations, as its file says; with ``check`` only whether they are."""
    if line.engine != "postgres":
        raise Refused(f"{line.name}: lives in a file: migrate it", f"abode migrate {line.name}")
    changed = files.write(line, name, check=check)
    told = shapes.Written(line=line.name, files=tuple(str(path) for path in changed))
    return told, Pending.exit_code if check and changed else 0


def shown(seen: Status) -> Table | str:
    """For a terminal."""
    if not seen.evolutions:
        return f"{seen.line}: no evolutions"
    table = Table("evolution", "state", "next", "rows", "pace", "drop after")
    table.columns[0].no_wrap = True
    for each in seen.evolutions:
        colour = {"done": "green", "declared": "dim", "undoing": "red"}.get(each.state, "yellow")
        state = f"[{colour}]{each.state}[/]" + (" [red]edited[/]" if each.edited else "")
        rows = f"{each.rows:,} of {each.total:,}" if each.total else "-"
        table.add_row(each.name, state, _next(each), rows, _pace(each), _after(each))
    return table


def _pace(of: Evolving) -> str:
    if not of.rows_per_second:
        return "-"
    left = f", {span(of.eta_seconds)} left" if of.eta_seconds else ""
    return f"{of.rows_per_second:,.0f}/s{left}"


def _after(of: Evolving) -> str:
    return f"{of.droppable_at:%Y-%m-%d %H:%M} UTC" if of.droppable_at else "-"


def told(done: shapes.Ran) -> str:
    """What a run did and what comes next, in lines."""
    stands = done.stands
    lines = [f"{step.step}: {step.act}" for step in stands.acts if step.act in done.did]
    if "rows" in done.did:
        lines[-1:] = [*lines[-1:], f"filled {stands.filled:,} of {stands.total:,} rows"]
    if not lines:
        lines = [f"{stands.name}: nothing to do"]
    if stands.state == "switched" and "switch" in done.did:
        lines.append(f"{stands.migration} is applied: deploy the release that knows it")
    elif stands.state != "done":
        lines.append(f"next: {_next(stands)}")
    return "\n".join(lines)


def _next(of: Evolving) -> str:
    if of.state == "undoing":
        return "undo"
    return next((f"{each.step}: {each.act}" for each in of.acts if not each.done), "-")


def _said(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, style="dim", markup=False, soft_wrap=True)


def _silent(_: str) -> None:
    pass


def sure(loss: Loss) -> bool:
    """A person at a terminal says yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"undo destroys {loss}. type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"
