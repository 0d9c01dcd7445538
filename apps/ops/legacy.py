"""``abode legacy backfill``: against the hosts in force, as the owner; what it prints."""

import gc
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.legacy import backfill as backfills
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
