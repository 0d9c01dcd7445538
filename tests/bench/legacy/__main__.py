"""``make bench-legacy``: old data brought over, beside the least that it could cost and a peer.

Each measurement has a new server from the lab's image, with fsync on, so that nobody writes the
pages of another; it is made ABODE_TIMES times, and the median counts. CPU is that of both sides.
The floor is the same lines copied into a table without an index. pgloader reads the same SQLite
file: once all of it, as it does, and once told to leave out the tables of its search.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.legacy.measure import Cost, Gave, brought, copied, loaded, measured
from tests.bench.legacy.old import audit_log, governance_db
from tests.legacy.nasty import START

LINES = int(os.environ.get("ABODE_LINES") or 1_500_000)
EVENTS = int(os.environ.get("ABODE_EVENTS") or 200_000)
"""Of the database: 201 MB."""
SIZES = [int(each) for each in (os.environ.get("ABODE_SIZES") or "100000,5000000").split(",")]
"""Lines whose memory is looked at."""
TIMES = int(os.environ.get("ABODE_TIMES") or 3)


def main() -> None:
    """Measure, and say it in one table."""
    told = Console(stderr=True, highlight=False)
    table = Table("what", "rows", "s", "rows/s", "CPU µs/row", "against", "memory MB")
    with tempfile.TemporaryDirectory() as directory:
        room = Path(directory)
        told.print(f"writing {LINES} lines and a database of {EVENTS} events")
        lines, base, both = (room / name for name in ("lines", "base", "both"))
        for folder in (lines, base, both):
            folder.mkdir()
        audit_log(lines / "audit_log.jsonl", LINES, START)
        governance_db(base / "governance.db", EVENTS, START)
        for file in (lines / "audit_log.jsonl", base / "governance.db"):
            (both / file.name).hardlink_to(file)
        least, ours = (
            _median(told, what, how, lines)
            for what, how in (("the floor", copied), ("lines", brought))
        )
        table.add_row("floor: COPY, no index", *least.told())
        table.add_row("audit_log.jsonl", *ours.told(f"{ours.cpu / least.cpu:.2f} floor"))
        told.print("both")
        table.add_row("both", *measured(partial(brought, folder=both)).told())
        for count in SIZES:
            told.print(f"{count} lines")
            folder = room / str(count)
            folder.mkdir()
            audit_log(folder / "audit_log.jsonl", count, START)
            table.add_row("audit_log.jsonl", *measured(partial(brought, folder=folder)).told())
            (folder / "audit_log.jsonl").unlink()
        _beside_pgloader(told, table, base)
    Console(highlight=False).print(table)


def _beside_pgloader(told: Console, table: Table, base: Path) -> None:
    ours, whole, bare = (
        _median(told, what, how, base)
        for what, how in (
            ("the database", brought), ("pgloader", loaded),
            ("pgloader, no search", partial(loaded, search=False)),
        )
    )  # fmt: skip
    table.add_row("governance.db", *ours.told())
    for name, peer in (("pgloader, the file", whole), ("pgloader, no search", bare)):
        # Not by rows: it counts those of the search, too.
        against = f"{peer.seconds / ours.seconds:.1f} s, {peer.used / ours.used:.1f} CPU"
        table.add_row(name, *peer.told(against))


def _median(told: Console, what: str, how: Callable[..., Gave], folder: Path) -> Cost:
    told.print(what)
    found = [measured(partial(how, folder=folder)) for _ in range(TIMES)]
    return sorted(found, key=lambda each: each.used)[len(found) // 2]


if __name__ == "__main__":
    main()
