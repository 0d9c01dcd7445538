"""``abode legacy backfill`` and ``follow``: as the owner, on the hosts in force; what they say."""

import gc
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.legacy import backfill as backfills
from apps.legacy import follow as follows
from apps.legacy.followed import Pass
from apps.legacy.report import Backfilled
from apps.ops.migrate import reached
from apps.ops.progress import bar

NOT_TAKEN = 4
"""Exit code: rows lie in legacy.rejected."""


def backfill(root: Path, directory: Path, zone: str, *, as_json: bool) -> int:
    """Bring a directory over; gives the exit code."""
    gc.freeze()  # what was imported is not looked through again while rows come and go
    with reached(*in_force(root)) as database, bar("rows") as (expect, came):
        done = backfills.backfill(database, directory, zone, expect, came)
    if as_json:
        sys.stdout.write(done.model_dump_json(indent=1) + "\n")
    else:
        _print(done)
    return 0 if done.is_whole else NOT_TAKEN


def follow(
    root: Path, directory: Path, zone: str, *, once: bool, triggers: bool, every: float,
    as_json: bool,
) -> int:  # fmt: skip
    """Pass after pass, each told; gives the exit code of the last."""
    passes: list[Pass] = []
    console = Console(highlight=False, markup=False)

    def tell(done: Pass) -> None:
        passes[:] = [done]
        if as_json:
            sys.stdout.write(done.model_dump_json(indent=1 if once else None) + "\n")
            sys.stdout.flush()
        elif once or done.applied or done.came or done.behind_rows or done.notices:
            for notice in done.notices:
                console.print(f"notice: {notice}", soft_wrap=True)
            console.print(
                f"applied {done.applied}, came {done.came}, behind {done.behind_rows} rows and"
                f" {done.behind_seconds:.1f} s; failed {done.failed}, rejected {done.rejected}",
                soft_wrap=True,
            )

    with reached(*in_force(root)) as database, suppress(KeyboardInterrupt):
        follows.follow(
            database, directory, zone, tell, by_triggers=triggers, once=once, every=every
        )
    return 0 if passes and passes[-1].is_whole else NOT_TAKEN


def leave(directory: Path) -> int:
    """Take the triggers out of the old databases."""
    console = Console(highlight=False, markup=False)
    for path in follows.leave(directory):
        console.print(f"{path}: its triggers are gone", soft_wrap=True)
    return 0


def _print(done: Backfilled) -> None:
    table = Table("file", "part", "read", "taken", "rejected", "folds", "gaps", "rows/s")
    for part in done.parts:
        rate = f"{part.read / part.seconds:.0f}" if part.seconds else ""
        counts = (part.read, part.taken, part.rejected, part.folds, part.gaps)
        table.add_row(part.file, part.part, *map(str, counts), rate)
    console = Console(highlight=False, markup=False)
    console.print(table)
    if done.edges:
        console.print(f"graph: {done.vertices} vertices of discoveries, {done.edges} edges")
    for each in done.not_understood:
        console.print(f"not understood: {each}", soft_wrap=True)
    if done.rejected:
        console.print(f"rejected: {done.rejected} rows, see legacy.rejected", soft_wrap=True)
