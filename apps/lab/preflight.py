"""What this host lacks, all at once, each with its fix.

``make`` runs this with the host's own python3 before there is a venv: standard library only,
and nothing at import that an older python3 would choke on before it could say that it is old.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas import ports

PYTHON = (3, 11)
FIRST_GB = 6
"""Free disk for images, volumes and venv when there is nothing yet."""
AGAIN_GB = 1
GB = 2**30


def missing(root: Path) -> list[tuple[str, str]]:
    """Every problem with its fix."""
    return [*_python(), *_tools(), *_disk(root), *_ports(root)]


def _python() -> Iterator[tuple[str, str]]:
    if sys.version_info < PYTHON:
        there = ".".join(map(str, sys.version_info[:2]))
        yield f"python3 is {there}, needs 3.11", "install a newer one: make up PYTHON=python3.13"
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        fix = "apt-get install python3-venv" if shutil.which("apt-get") else "install python3 anew"
        yield "python3 cannot make a venv", fix


def _tools() -> Iterator[tuple[str, str]]:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return  # make up installs what is missing
    if not (shutil.which("ssh") and shutil.which("ssh-keygen")):
        yield "ssh or ssh-keygen is missing", "sudo apt-get install openssh-client"
    if not shutil.which("docker"):
        mac = "install Docker Desktop, or: brew install colima docker && colima start"
        linux = "sudo apt-get install docker.io && sudo usermod -aG docker $USER, log in again"
        yield "docker is missing", mac if sys.platform == "darwin" else linux


def _disk(root: Path) -> Iterator[tuple[str, str]]:
    need = AGAIN_GB if (_state(root) / "hosts.toml").exists() else FIRST_GB
    for path in (root, Path("/var/lib/docker"), Path("/var/lib")):
        free = shutil.disk_usage(path).free if path.exists() else need * GB
        if free < need * GB:
            fix = "free some space (docker system df shows what docker holds)"
            yield f"{path}: {free / GB:.1f} GB free, needs {need} GB", fix
            return


def _ports(root: Path) -> Iterator[tuple[str, str]]:
    chosen: dict[str, int] = {}
    if _state(root) == root / ".abode":
        chosen = {"postgres": ports.POSTGRES, "governance": ports.GOVERNANCE}
    remembered = _state(root) / "ports.json"
    if remembered.exists():
        chosen.update(json.loads(remembered.read_text()))
    for purpose, port in sorted(chosen.items()):
        if purpose != "ssh" and _taken(port) and not _ours(root, port):  # the Pi's door moves
            fix = f"ss -ltnp 'sport = :{port}' says who; stop it, or LAB=name make up"
            yield f"port {port} ({purpose}) on 127.0.0.1 is taken", fix


def _state(root: Path) -> Path:
    lab = os.environ.get("LAB", "")
    return root / ".abode" / ("" if lab == "lumen" else lab)


def _taken(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def _ours(root: Path, port: int) -> bool:
    """Whether a container of this checkout publishes the port."""
    if not shutil.which("docker"):
        return False
    filters = ["--filter", f"publish={port}", "--filter", f"label=abode.home={root}"]
    done = subprocess.run(["docker", "ps", "-q", *filters], capture_output=True, check=False)
    return bool(done.stdout.strip())


def main() -> int:
    """Print what is missing; 2 when something is."""
    problems = missing(Path.cwd().resolve())
    for what, fix in problems:
        sys.stderr.write(f"{what}\n  hint: {fix}\n")
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
