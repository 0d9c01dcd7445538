"""``make bench-legacy``: the backfill of an audit log and of a database, in the same run.

CPU of both sides a row, against the floor: the same rows copied into a table without an index.
Memory at two sizes. pgloader on the same SQLite file, where it is installed. The server is one of
its own from the lab's image, with fsync on. ABODE_LINES lines, ABODE_ROWS rows of the database.
"""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from apps.legacy import lines
from apps.legacy.zone import Clock
from tests.legacy.databases import write
from tests.legacy.nasty import START, ZONE
from tests.stand import DATABASE, Stand, stand

ROOT = Path(__file__).resolve().parents[2]
LINES = int(os.environ.get("ABODE_LINES") or 200_000)
ROWS = int(os.environ.get("ABODE_ROWS") or 100_000)
LESS = 10
OURS = r"""
import gc, re, sys
from pathlib import Path
from apps.legacy.backfill import backfill
gc.freeze()
done = backfill(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(sum(p.read for p in done.parts), int(peak[1]) / 1024)
"""
"""The peak of this program alone: getrusage would tell of the one that started it, too."""
LOAD = """LOAD DATABASE FROM sqlite:///{path} INTO {database}
WITH include drop, create tables, create no indexes, batch rows = 5000, prefetch rows = 5000
INCLUDING ONLY TABLE NAMES LIKE 'audit_events' SET search_path TO 'public';
"""


def audit_log(path: Path, count: int, first: datetime) -> None:
    """Lines as the real log has them, 360 bytes each; from an instant on, each 7 seconds."""
    dice = random.Random(count)
    with path.open("w") as file:
        for number in range(count):
            line = {
                "timestamp": (first + timedelta(seconds=7 * number, microseconds=1)).isoformat(),
                "agent_id": f"agent_{dice.randrange(40):06d}", "event_type": "auto_attest",
                "confidence": dice.random(),
                "details": {"ci_passed": True, "risk_score": dice.random(), "decision": "proceed",
                            "reason": "x" * 60, "coherence": dice.random(), "void_active": False},
                "metadata": None,
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")


def cpu(made: Stand) -> float:
    """Seconds of the server so far."""
    said = subprocess.run(
        ["docker", "exec", made.postgres, "sh", "-c",
         "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || cat /sys/fs/cgroup/cpu.stat"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return int(said[0]) / 1e9 if len(said) == 1 else int(said[1]) / 1e6


def measured(made: Stand, count: int, do: Callable[[], object]) -> tuple[float, float, object]:
    """Microseconds of CPU a row, of both sides; rows a second; what it gave."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    server, begun = cpu(made), time.monotonic()
    gave = do()
    took, server = time.monotonic() - begun, cpu(made) - server
    now = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ours = sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime
               for a, b in zip(own, now, strict=True))  # fmt: skip
    return 1e6 * (server + ours) / count, count / took, gave


def backfilled(made: Stand, folder: Path) -> tuple[int, float]:
    """In a process of its own; gives what was read and the memory it took, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", OURS, made.admin, str(folder), ZONE],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    rows, memory = done.stdout.split()
    return int(rows), float(memory)


def floor(made: Stand, path: Path) -> None:
    """The same lines cut into the same rows, and COPY; no index, no position, no second look."""
    clock = Clock(ZONE)
    with psycopg.connect(made.admin, autocommit=True) as db:
        db.execute("CREATE TABLE legacy.floor (LIKE audit.events INCLUDING CONSTRAINTS)")
        for block in lines.blocks(path, 0, 1):
            rows, _ = lines.rows(block, lines.cut_audit, lines.parse_audit, clock)
            with db.cursor().copy("COPY legacy.floor FROM STDIN") as sink:
                for many in rows.values():
                    sink.write("".join(row for _, row in many))


def main() -> None:
    """Measure, and say it in one table."""
    table = Table("what", "CPU µs/row", "rows/s", "against", "memory MB")
    with tempfile.TemporaryDirectory() as room, stand() as made:
        for count in (LINES // LESS, LINES):
            folder = Path(room) / str(count)
            folder.mkdir()
            # Years apart: a month that is there already is not filled bare.
            audit_log(folder / "audit_log.jsonl", count, START - timedelta(days=count // 100))
        least, rate, _ = measured(made, LINES, lambda: floor(made, folder / "audit_log.jsonl"))
        table.add_row(
            f"floor: COPY, no index, {LINES} lines", f"{least:.1f}", f"{rate:.0f}", "", ""
        )
        for count in (LINES // LESS, LINES):
            said = measured(made, count, lambda n=count: backfilled(made, Path(room) / str(n)))
            row(table, f"audit_log.jsonl, {count} lines", said, least)
        old = Path(room) / "old"
        old.mkdir()
        write(old / "governance.db", "A", ROWS)
        said = measured(made, ROWS, lambda: backfilled(made, old))
        row(table, f"governance.db, {ROWS} events and the rest", said, None)
        if shutil.which("pgloader"):
            load = Path(room) / "load"
            there = f"postgresql://postgres@unix:{made.folder}/sock:5432/{DATABASE}"
            load.write_text(LOAD.format(path=old / "governance.db", database=there))
            command = ["pgloader", str(load)]
            peer = measured(made, ROWS, lambda: subprocess.run(command, check=True, text=True,
                                                               capture_output=True))  # fmt: skip
            table.add_row("pgloader, its events alone, no index", f"{peer[0]:.1f}",
                          f"{peer[1]:.0f}", "", "")  # fmt: skip
    Console(highlight=False).print(table)


def row(table: Table, what: str, said: tuple[float, float, object], least: float | None) -> None:
    """A line of the table."""
    used, rate, gave = said
    against = f"{used / least:.2f} of the floor" if least else ""
    memory = f"{gave[1]:.0f}" if isinstance(gave, tuple) else ""
    table.add_row(what, f"{used:.1f}", f"{rate:.0f}", against, memory)


if __name__ == "__main__":
    main()
