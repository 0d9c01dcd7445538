"""``abode legacy verify``: against the hosts in force, as the owner; what it prints."""

import sys
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.legacy.verify import verify as verifies
from apps.legacy.verify.report import Compared, Difference, Source, Verified
from apps.ops.migrate import reached

DIFFERS = 4
"""Exit code: the house does not hold what the old stores held."""
SHOWN = 20


def verify(root: Path, directory: Path, *, as_json: bool) -> int:
    """Compare a directory with the house; gives the exit code."""
    with reached(*in_force(root)) as database:
        done = verifies.verify(database, directory)
    if as_json:
        sys.stdout.write(done.model_dump_json(indent=1) + "\n")
    else:
        _print(done)
    return 0 if done.is_equal else DIFFERS


def _print(done: Verified) -> None:
    console = Console(highlight=False, markup=False)
    read = Table("file", "part", "rows", "rejected")
    for (file, part), many in groupby(done.sources, _place):
        group = list(many)
        rows, rejected = (sum(getattr(one, n) for one in group) for n in ("rows", "rejected"))
        read.add_row(file, part, str(rows), str(rejected))
    console.print(read)
    table = Table("table", "old", "new", "repeated", "own", "batches", "checksums")
    for one in (*done.tables, *done.graph):
        counts = (one.old, one.new, one.repeated, one.own, one.batches)
        table.add_row(one.table, *map(str, counts), _sums(one))
    console.print(table)
    is_same = done.old_graph_sha256 == done.new_graph_sha256
    console.print(f"graph: {done.new_graph_sha256[:16]} {'as' if is_same else 'not as'} its rows")
    broken = [check for check in done.checks if check.broken]
    console.print(f"keys and sequences: {len(done.checks)} looked at, {len(broken)} broken")
    for each in done.differences[:SHOWN]:
        console.print(_said(each), soft_wrap=True)
    if done.differing:
        console.print(f"{done.differing} differences; --json tells the first 100", soft_wrap=True)


def _place(one: Source) -> tuple[str, str]:
    """A file; those of one folder together."""
    folder, _, _ = one.file.rpartition("/")
    return (f"{folder}/" if folder else one.file, one.part)


def _sums(one: Compared) -> str:
    if not one.differing:
        return f"{one.new_sha256[:12]} equal"
    return f"{one.old_sha256[:12]} is not {one.new_sha256[:12]}: {one.differing} batches"


def _said(one: Difference) -> str:
    where = f"{one.table}.{one.column}" if one.column else one.table
    told = f"{one.what}: {where} {one.key}"
    if one.old is not None or one.new is not None:
        told += f": old {one.old!r}, new {one.new!r}"
    return f"{told} ({one.file} {one.part})" if one.file else told
