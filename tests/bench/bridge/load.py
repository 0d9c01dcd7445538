"""wrk, which costs little beside what it loads: requests a second and how long they took."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from apps.lab import packages

SCRIPT = Path(__file__).with_name("load.lua")


class Load(NamedTuple):
    """What one slice gave."""

    per_second: float
    done: int
    p50_ms: float
    p99_ms: float


def wrk(port: int, shape: str, clients: int, seconds: float, agents: int) -> Load:
    """Check-ins in one shape from so many connections at once; one that fails ends the bench."""
    if shutil.which("wrk") is None:
        packages.install("wrk")
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "10s",
            "-s", str(SCRIPT), f"http://127.0.0.1:{port}", shape, str(agents), uuid4().hex,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = next(row for row in done.stdout.splitlines() if row.startswith("RESULT"))
    requests, microseconds, errors, p50, p99 = map(int, said.split()[1:])
    if errors or done.stderr:
        raise RuntimeError(f"{shape}, {clients} clients: {errors} errors: {done.stderr[:500]}")
    return Load(requests / microseconds * 1e6, requests, p50 / 1000, p99 / 1000)
