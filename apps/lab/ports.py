"""The loopback ports that a lab chose once and remembers.

Standard library only: preflight reads them with whatever python3 the host has.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

from schemas import ports
from schemas.errors import Refused

STANDARD = {
    "postgres": ports.POSTGRES,
    "governance": ports.GOVERNANCE,
    "soulfra": ports.SOULFRA,
}
"""What the default lab takes."""


def remembered(state: Path) -> dict[str, int]:
    """Purpose and port, as far as they are chosen."""
    path = state / "ports.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError:
        raise _broken(path, "not JSON") from None
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(found, dict) or not all(type(port) is int for port in found.values()):
        raise _broken(path, "not purposes with their ports")
    return found


def remember(state: Path, chosen: dict[str, int]) -> None:
    """Keep what was chosen: written whole or not at all."""
    half = state / "ports.half"
    half.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    half.replace(state / "ports.json")


def is_free(port: int) -> bool:
    """Whether we could listen there."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _broken(path: Path, why: str) -> Refused:
    return Refused(f"{path}: {why}", "remove it; make up chooses new ports")
