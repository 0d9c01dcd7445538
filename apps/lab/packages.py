"""Debian packages that the lab needs on this host. Nothing is installed anywhere else."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from schemas.errors import Unreachable

FETCHED = re.compile(r"^Fetched .* in (?:(\d+)min )?(\d+)s", re.MULTILINE)

OPTIONAL = frozenset({"docker-cli"})
"""Not a package of its own everywhere."""


def can_install() -> bool:
    """Whether this is Debian or one of its children, and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> float:
    """Install packages; gives the seconds that apt spent on downloads."""
    said = _apt("update", "-q")
    # Debian split the client off in trixie; which it is here, only fresh lists tell.
    wanted = [package for package in packages if _known(package)]
    if missing := set(packages) - set(wanted) - OPTIONAL:
        raise Unreachable(f"apt-get: knows no {', '.join(sorted(missing))}", "check apt's sources")
    return downloading(said + _apt("install", "-y", "-q", "--no-install-recommends", *wanted))


def _apt(*words: str) -> str:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise Unreachable(f"{' '.join(command)}: {last}", "install them by hand, then make up")
    return done.stdout


def _known(package: str) -> bool:
    done = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return done.returncode == 0


def downloading(said: str) -> float:
    """Seconds that apt says it spent on fetching.

    >>> downloading("Fetched 66.2 MB in 1min 5s (10.2 MB/s)")
    65.0
    """
    return sum(
        60.0 * int(minutes or 0) + int(seconds) for minutes, seconds in FETCHED.findall(said)
    )


def systemd_runs() -> bool:
    """Whether PID 1 is systemd."""
    return Path("/run/systemd/system").is_dir()
