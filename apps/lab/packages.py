"""Debian packages that the lab needs on this host. Nothing is installed anywhere else."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from schemas.errors import Unreachable

FETCHED = re.compile(r"^Fetched .* in (?:(\d+)min )?(\d+)s", re.MULTILINE)


def can_install() -> bool:
    """Whether this is Debian or one of its children, and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> float:
    """Install packages; gives the seconds that apt spent on downloads."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    said = ""
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        if done.returncode:
            last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
            raise Unreachable(
                f"{' '.join(command[:2])} {' '.join(packages)}: {last}",
                "install them by hand, then make up",
            )
        said += done.stdout
    return downloading(said)


def known(package: str) -> bool:
    """Whether apt knows a package; Debian split docker-cli off in trixie."""
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
