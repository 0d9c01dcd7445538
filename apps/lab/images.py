"""The images of the lab: Debian, and the Pi made from it. A tag is the hash of what made it."""

import hashlib
import shutil
import subprocess
import time
from pathlib import Path

from apps.hosts import BASE
from apps.lab import packages
from apps.lab.docker import docker, inspect
from schemas.errors import Unreachable

CONTEXT = "templates/lab"


def base(root: Path) -> tuple[str, str, float]:
    """Have the Debian base; its image id, how it came, and the seconds spent on downloads."""
    begun = time.monotonic()
    there = inspect("image", BASE)
    fetching = 0.0
    done = _make(root)
    if done.returncode and _can_get_mmdebstrap():
        fetching = packages.install("mmdebstrap")
        done = _make(root)
    found = inspect("image", BASE)
    if done.returncode or found is None:
        raise Unreachable(f"{BASE}: not made: {done.stderr.strip() or done.stdout.strip()}")
    if there is not None:
        return str(found["Id"]), "there already", 0.0
    if done.stdout.strip() == "pulled":
        return str(found["Id"]), "pulled", time.monotonic() - begun
    return str(found["Id"]), "built from Debian packages", fetching


def _make(root: Path) -> "subprocess.CompletedProcess[str]":
    command = ["sh", "templates/base/make.sh", BASE]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def _can_get_mmdebstrap() -> bool:
    return shutil.which("mmdebstrap") is None and packages.can_install()


def pi_tag(root: Path, base_id: str) -> str:
    """The name of the Pi's image for this context and this base."""
    digest = hashlib.sha256(base_id.encode())
    for path in sorted((root / CONTEXT).iterdir()):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return f"abode/pi:{digest.hexdigest()[:16]}"


def pi(root: Path, base_id: str) -> tuple[str, str]:
    """Have the Pi's image; its tag, and what the build said when there was one."""
    tag = pi_tag(root, base_id)
    if inspect("image", tag) is not None:
        return tag, ""
    context = str(root / CONTEXT)
    return tag, docker("build", "--label", "abode.image=pi", "-t", tag, context, seconds=900)
