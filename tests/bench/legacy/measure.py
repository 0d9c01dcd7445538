"""What one way of bringing old data over costs, on a server of its own."""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psycopg

from apps.legacy import lines
from apps.legacy.zone import Clock
from tests.legacy.nasty import ZONE
from tests.stand import Stand, stand

ROOT = Path(__file__).resolve().parents[3]
OURS = r"""
import re, sys
from pathlib import Path
from apps.legacy.backfill import backfill
done = backfill(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(sum(part.read for part in done.parts), done.rejected, int(peak[1]) / 1024)
"""
"""The peak of this program alone: getrusage would tell of the one that started it, too."""
LOAD = """LOAD DATABASE FROM sqlite:///{path} INTO {database}
WITH include drop, create tables, create indexes, reset sequences
{only} SET search_path TO 'public';
"""
TOTAL = re.compile(r"Total import time\s+\S+\s+(\d+)")
Gave = tuple[int, float | None]
"""Rows, and the memory they took, in MB."""


class Cost(NamedTuple):
    """Of one way."""

    rows: int
    seconds: float
    used: float
    """Seconds of processor, of both sides."""
    memory: float | None

    @property
    def cpu(self) -> float:
        """Microseconds a row."""
        return 1e6 * self.used / self.rows

    def told(self, against: str = "") -> tuple[str, ...]:
        """As the table has it."""
        memory = "" if self.memory is None else f"{self.memory:.0f}"
        return (f"{self.rows}", f"{self.seconds:.1f}", f"{self.rows / self.seconds:.0f}",
                f"{self.cpu:.1f}", against, memory)  # fmt: skip


def measured(do: Callable[[Stand], Gave]) -> Cost:
    """One time, on a new server."""
    with stand() as made:
        before, server, begun = _own(), _server(made), time.monotonic()
        rows, memory = do(made)
        took = time.monotonic() - begun
        used = _own() - before + _server(made) - server
    return Cost(rows, took, used, memory)


def _own() -> float:
    """Seconds of processor of this process and of those that it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


def _server(made: Stand) -> float:
    """The same of the server."""
    said = subprocess.run(
        ["docker", "exec", made.postgres, "sh", "-c",
         "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || cat /sys/fs/cgroup/cpu.stat"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return int(said[0]) / 1e9 if len(said) == 1 else int(said[1]) / 1e6


def brought(made: Stand, folder: Path) -> Gave:
    """By the backfill, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", OURS, made.admin, str(folder), ZONE],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    rows, rejected, memory = done.stdout.split()
    if int(rejected):
        raise RuntimeError(f"{rejected} rows were not taken")
    return int(rows), float(memory)


def copied(made: Stand, folder: Path) -> Gave:
    """The same lines cut into the same rows, and COPY; no index, no position, no second look."""
    clock, count = Clock(ZONE), 0
    with psycopg.connect(made.admin, autocommit=True) as db:
        db.execute("CREATE TABLE legacy.floor (LIKE audit.events INCLUDING CONSTRAINTS)")
        for block in lines.blocks(folder / "audit_log.jsonl", 0, 1):
            rows, _ = lines.rows(block, lines.cut_audit, lines.parse_audit, clock)
            with db.cursor().copy("COPY legacy.floor FROM STDIN") as sink:
                for many in rows.values():
                    sink.write("".join(row for _, row in many))
                    count += len(many)
    return count, None


def loaded(made: Stand, folder: Path, *, search: bool = True) -> Gave:
    """By pgloader, tables and indexes as it makes them."""
    load = made.folder / "load"
    there = f"postgresql://postgres@unix:{made.folder}/sock:5432/{made.database}"
    only = "" if search else "EXCLUDING TABLE NAMES LIKE '%_fts%', 'sqlite_%'"
    load.write_text(LOAD.format(path=folder / "governance.db", database=there, only=only))
    done = subprocess.run(["pgloader", str(load)], check=True, text=True, capture_output=True)
    found = TOTAL.search(done.stdout)
    if found is None or " ERROR " in done.stdout:
        raise RuntimeError(f"pgloader: {done.stdout[-500:]}")
    return int(found[1]), None
