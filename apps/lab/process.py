"""A process, known by its id and the moment it started, so that a reused id is a stranger."""

import os
import subprocess
import sys
from pathlib import Path


def started(pid: int) -> str | None:
    """When a process started: clock ticks since boot on Linux, a date elsewhere.

    None when it is gone, or ended and only waits for its parent to notice.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    said = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return said.replace(" ", "-") or None


def name(pid: int) -> str | None:
    """What program a process runs, on Linux; None when it is gone."""
    try:
        said = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return said if started(pid) else None


def lives(mark: str) -> bool:
    """Whether the process of a ``<pid>:<started>`` mark is still there."""
    pid, _, since = mark.partition(":")
    return pid.isdecimal() and started(int(pid)) == since


def mark(pid: int | None = None) -> str:
    """The mark of a process; of this one unless told."""
    pid = pid or os.getpid()
    return f"{pid}:{started(pid)}"
