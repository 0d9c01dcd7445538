"""The images of the lab: Debian, and the Pi made from it. A tag is the hash of what made it."""

import hashlib
import subprocess
from pathlib import Path

from apps.lab.docker import docker, inspect
from schemas.errors import Unreachable

BASE = "abode/base:trixie"
CONTEXT = "templates/lab"


def base(root: Path) -> str:
    """Have the Debian base, pulled or built; its image id."""
    done = subprocess.run(
        ["sh", "templates/base/make.sh", BASE], cwd=root, capture_output=True, text=True, check=False
    )
    found = inspect("image", BASE)
    if done.returncode or found is None:
        raise Unreachable(f"{BASE}: not made: {done.stderr.strip() or done.stdout.strip()}")
    return str(found["Id"])


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
