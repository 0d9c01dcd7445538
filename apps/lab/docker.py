"""The docker command line, with its failures in the house's words."""

import json
import subprocess
from typing import Any

from schemas.errors import Unreachable


def attempt(
    *args: str, given: bytes | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[bytes]:
    """Run docker and give what came of it, good or bad; only silence is an error."""
    try:
        return subprocess.run(
            ["docker", *args], input=given, capture_output=True, check=False, timeout=seconds
        )
    except FileNotFoundError:
        raise Unreachable("docker: no such command", "make up") from None
    except subprocess.TimeoutExpired:
        raise Unreachable(
            f"docker {args[0]}: no answer within {seconds:.0f} s",
            "is the engine hung?  docker info",
        ) from None


def docker(*args: str, given: bytes | None = None, seconds: float = 60) -> str:
    """Run docker and give its output; refuse to go on without it."""
    done = attempt(*args, given=given, seconds=seconds)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"
        raise Unreachable(f"docker {args[0]}: {said}")
    return done.stdout.decode(errors="replace").rstrip("\n")


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """What the engine knows about a container, image, volume or network, if it is there."""
    done = attempt(kind, "inspect", name)
    if done.returncode == 0:
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found[0]
    said = done.stderr.decode(errors="replace").strip()
    if "no such" in said.lower() or "not found" in said.lower():
        return None
    raise Unreachable(f"docker {kind} inspect {name}: {said}")
