"""The way over, on the hosts in force and as the owner: what its commands print."""

import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.legacy import over  # fmt: skip
from apps.legacy import rollback as back
from apps.legacy import status as look
from apps.legacy.over import Asked, Case, Turned
from apps.legacy.shadow import read as reads
from apps.legacy.shadow import readers
from apps.legacy.shadow import shadow as both
from apps.legacy.shadow.report import ReaderNow, Shadowed
from apps.legacy.shadow.shadow import Wanted
from apps.ops.migrate import reached
from schemas.errors import Diverged, Refused
from schemas.governance.cutover import Side
from schemas.quantity import Closed

NOT_CLEAN = Diverged.exit_code


def shadow(root: Path, directory: Path, zone: str, wanted: Wanted, *, as_json: bool) -> int:
    """Round after round; gives the exit code of the last."""
    last: list[Shadowed] = []
    console = _console()

    def tell(done: Shadowed) -> None:
        before = {(each.reader, each.asked) for each in last[0].differences} if last else set()
        last[:] = [done]
        if as_json:
            _json(done, indent=None)
            return
        for each in done.differences:
            if (each.reader, each.asked) not in before:
                console.print(f"{each.reader} {each.asked}: {each.kind.value}: old {each.old},"
                              f" new {each.new}", soft_wrap=True)  # fmt: skip

    with reached(*in_force(root)) as database, suppress(KeyboardInterrupt):
        both.shadow(database, directory, zone, wanted, tell)
    if last and not as_json:
        console.print(_readers(last[0].readers))
        console.print(f"clean for {wanted.window_seconds:g} s: "
                      f"{'yes' if last[0].is_clean else 'not yet'}")  # fmt: skip
    return 0 if last and last[0].is_clean else NOT_CLEAN


def switch(root: Path, directory: Path, reader: str, side: Side, window: float) -> None:
    """One reader."""
    with reached(*in_force(root)) as database:
        reads.switch(database, directory, reader, side, window)
    _console().print(f"{reader}: reads the {side.value} side")


def read(root: Path, directory: Path, reader: str, asked: list[str], *, as_json: bool) -> None:
    """One answer."""
    known = readers.BY_NAME.get(reader)
    pairs = dict(each.partition("=")[::2] for each in asked)
    if known and set(pairs) != set(known.asked):
        names = " ".join(f"{name}=..." for name in known.asked)
        raise Refused(f"{reader}: asks otherwise", f"abode legacy read DIR {reader} {names}")
    with reached(*in_force(root)) as database:
        answer = reads.read(database, directory, reader, pairs)
    if as_json:
        _json(answer)
        return
    table = Table(*answer.columns)
    for row in answer.rows:
        table.add_row(*("" if each is None else each for each in row))
    console = _console()
    console.print(table)
    console.print(f"by the {answer.side.value} side, epoch {answer.epoch}")


def cutover(root: Path, directory: Path, zone: str, asked: Asked, *, as_json: bool) -> None:
    """The house becomes the writer."""
    with reached(*in_force(root)) as database:
        case = Case(database, directory, zone, _steps(as_json))
        done = over.cutover(case, asked)
    _turned(done, as_json=as_json)


def rollback(root: Path, directory: Path, zone: str, *, as_json: bool) -> None:
    """The old server becomes the writer."""
    with reached(*in_force(root)) as database:
        done = back.rollback(Case(database, directory, zone, _steps(as_json)))
    _turned(done, as_json=as_json)


def status(root: Path, directory: Path, *, as_json: bool) -> None:
    """Who is the writer, and since when."""
    with reached(*in_force(root)) as database:
        now = look.status(database, directory)
    if as_json:
        _json(now)
        return
    console = _console()
    console.print(f"writer: the {'house' if now.writer is Side.NEW else 'old server'};"
                  f" the old files are {'closed' if now.is_closed else 'open'}")  # fmt: skip
    for path, size in now.strays.items():
        console.print(f"{path}: somebody appended {size} bytes since", soft_wrap=True)
    table = Table("epoch", "kind", "begun", "proven", "finished", "compared", "refused")
    for each in now.epochs:
        times = map(_at, (each.begun_at, each.turned_at, each.finished_at))
        table.add_row(str(each.epoch), each.kind.value, *times, str(each.compared or ""),
                      each.refused or "")  # fmt: skip
    console.print(table)
    console.print(_readers(now.readers))


def _turned(done: Turned, *, as_json: bool) -> None:
    if as_json:
        _json(done)
        return
    console = _console()
    who = "the house" if done.writer is Side.NEW else "the old server"
    console.print(f"epoch {done.epoch}: {who} is the writer, after {done.seconds:.1f} s")
    if done.closed_seconds is not None:
        console.print(f"nobody wrote for {done.closed_seconds:.1f} s")
    if done.compared is not None:
        console.print(f"{done.compared} rows were equal: {done.sha256}", soft_wrap=True)
    if done.written is not None:
        console.print(f"{done.written} writes into the old files")
    if done.archive:
        console.print(f"copies of the old databases: {done.archive}", soft_wrap=True)


def _readers(found: list[ReaderNow]) -> Table:
    table = Table("reader", "side", "compared", "stale", "for s", "own", "differing", "clean for s")
    for each in found:
        table.add_row(
            each.reader, each.side.value, str(each.compared), str(each.stale),
            f"{each.stale_seconds:.1f}", str(each.own), str(each.differing),
            f"{each.clean_seconds:.0f}",
        )  # fmt: skip
    return table


def _steps(as_json: bool) -> over.Say:
    console = _console()
    return (lambda _: None) if as_json else (lambda step: console.print(f"- {step}"))


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at else ""


def _console() -> Console:
    return Console(highlight=False, markup=False)


def _json(told: Closed, indent: int | None = 1) -> None:
    sys.stdout.write(told.model_dump_json(indent=indent) + "\n")
    sys.stdout.flush()
