"""What this host lacks, all at once, each with its fix.

``make`` runs this with the host's own python3 before there is a venv: standard library only,
and nothing at import that an older python3 would choke on before it could say that it is old.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from apps.lab import packages
from apps.lab.ports import STANDARD, remembered
from schemas.errors import HouseError

PYTHON = (3, 11)
FIRST_GB = 6
"""Free disk for images, volumes and venv when there is nothing yet."""
AGAIN_GB = 1
VENV = "python{}.{}-venv".format(*sys.version_info[:2])
GB = 2**30


def missing(root: Path) -> list[tuple[str, str]]:
    """Every problem with its fix."""
    return [*_python(), *_tools(), *_disk(root), *_ports(root)]


def _python() -> Iterator[tuple[str, str]]:
    if sys.version_info < PYTHON:
        there = ".".join(map(str, sys.version_info[:2]))
        yield f"python3 is {there}, needs 3.11", "install a newer one: make up PYTHON=python3.13"
    if not _makes_venvs():
        fix = f"sudo apt-get install {VENV}" if shutil.which("apt-get") else "install python3 anew"
        yield "python3 cannot make a venv", fix


def _makes_venvs() -> bool:
    """Debian keeps half of it in a package of its own."""
    return all(importlib.util.find_spec(module) for module in ("venv", "ensurepip"))


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
        chosen.update(STANDARD)
    try:
        chosen.update(remembered(_state(root)))
    except HouseError as error:
        yield error.message, error.hint or ""
    for purpose, port in sorted(chosen.items()):
        if purpose == "ssh" or not _taken(port):  # the Pi's door moves
            continue
        what = f"port {port} ({purpose}) on 127.0.0.1 is taken"
        container, lab, home = _publisher(port)
        if (lab, home) == (_lab(), str(root)):
            continue
        if home:
            fix = "LAB=name make up  gives this lab its own names, network, volumes and ports"
            yield f"{what} by container {container!r} of lab {lab!r} of {home}", fix
        elif container:
            yield f"{what} by container {container!r}", "stop it, or LAB=name make up"
        else:
            mac = f"lsof -nP -iTCP:{port} -sTCP:LISTEN"
            ask = mac if sys.platform == "darwin" else f"ss -ltnp 'sport = :{port}'"
            yield what, f"{ask} says who; stop it, or LAB=name make up"


def _lab() -> str:
    return os.environ.get("LAB") or "lumen"


def _state(root: Path) -> Path:
    lab = _lab()
    return root / ".abode" / ("" if lab == "lumen" else lab)


def _taken(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


def _publisher(port: int) -> tuple[str, str, str]:
    """Container, lab and checkout that publish the port; empty words for what nobody says."""
    if not shutil.which("docker"):
        return "", "", ""
    shown = '{{.Names}}\t{{.Label "abode.lab"}}\t{{.Label "abode.home"}}'
    command = ["docker", "ps", "--filter", f"publish={port}", "--format", shown]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    container, lab, home = (done.stdout.rstrip("\n").split("\n")[0] + "\t\t").split("\t")[:3]
    return container, lab, home


def main() -> int:
    """Print what is missing; 2 when something is."""
    if sys.version_info >= PYTHON and not _makes_venvs() and packages.can_install():
        sys.stderr.write(f"python3 cannot make a venv: installing {VENV}\n")
        try:
            packages.install(VENV)
        except HouseError as error:
            sys.stderr.write(f"{error}\n")
        importlib.invalidate_caches()
    problems = missing(Path.cwd().resolve())
    for what, fix in problems:
        sys.stderr.write(f"{what}\n  hint: {fix}\n")
    return 2 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
