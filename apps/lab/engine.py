"""The Docker engine: one that answers is used; else it is installed and started on Debian."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from apps.lab import packages, process
from apps.lab.docker import attempt
from schemas.errors import HouseError, Unreachable

WAIT_SECONDS = 60.0
CONTAINERD_PID_FILE = Path("/var/run/docker/containerd/containerd.pid")
PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker-ssd.pid"))
"""dockerd's own, and the one that Debian's init script writes even before dockerd does."""


def answers() -> bool:
    """Whether an engine answers the docker on our PATH."""
    if shutil.which("docker") is None:
        return False
    return attempt("version", "-f", "{{.Server.Version}}", seconds=30).returncode == 0


def have(notes: Path) -> tuple[str, float]:
    """Have an engine; says how it came to be, and the seconds spent on downloads.

    ``notes`` is a directory that remembers an engine that we started.
    """
    if answers():
        return "answers", 0.0
    if "DOCKER_HOST" in os.environ or not packages.can_install():
        raise Unreachable("docker: no engine answers", advice())
    before = running()
    fetched = _install()
    if before is not None:  # somebody's: it lacked a client, or is about to answer
        _wait(lambda: running() is not None, lambda: f"dockerd {before} runs already")
        return "answers", fetched or 0.0
    _begin(notes)
    return "started" if fetched is None else "installed and started", fetched or 0.0


def _begin(notes: Path) -> None:
    """Start the engine, or take over the one that its package has started by itself."""
    if packages.systemd_runs():
        _note(notes, {"systemd": "docker.service"})
        subprocess.run(["systemctl", "start", "docker.service"], check=False)
        _wait(lambda: True, lambda: "see journalctl -u docker.service")
    elif (pid := running()) is not None:
        _note(notes, {"process": process.mark(pid)})
        _wait(lambda: process.started(pid) is not None, lambda: "see /var/log/docker.log")
    elif not answers():
        start(notes)


def running() -> int | None:
    """The pid of the dockerd that runs here, whether it answers yet or not."""
    for path in PID_FILES:
        said = path.read_text().strip() if path.exists() else ""
        if said.isdecimal() and process.name(int(said)) == "dockerd":
            return int(said)
    return None


def _install() -> float | None:
    """Seconds of download; None when nothing was missing."""
    wanted = []
    if _dockerd() is None:
        wanted.append("docker.io")
    if shutil.which("docker") is None:
        wanted.append("docker-cli")
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        wanted.append("openssh-client")
    return packages.install(*wanted) if wanted else None


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _forget_the_dead() -> None:
    """Remove pid files of a dockerd that was killed with its machine.

    Their numbers may be other processes by now; dockerd would take those for its own and refuse.
    """
    for path in (*PID_FILES, CONTAINERD_PID_FILE):
        said = path.read_text().strip() if path.exists() else ""
        if said.isdecimal() and process.name(int(said)) not in {"dockerd", "containerd"}:
            path.unlink()


def start(notes: Path, *arguments: str) -> int:
    """Start dockerd away from this terminal, note it, wait until it answers; its pid."""
    program = _dockerd()
    if program is None:
        raise Unreachable("dockerd: not found after docker.io was installed", advice())
    _forget_the_dead()
    notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    with (notes / "dockerd.log").open("ab") as log:
        daemon = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PATH": path},
        )
    _note(notes, {"process": process.mark(daemon.pid)})
    try:
        _wait(lambda: daemon.poll() is None, lambda: _tail(notes / "dockerd.log"))
    except HouseError:
        stop(notes)
        raise
    return daemon.pid


def noted(notes: Path) -> str | None:
    """The engine that we started: systemd's name for it, or dockerd with its pid and start."""
    path = notes / "engine.json"
    if not path.exists():
        return None
    said: dict[str, str] = json.loads(path.read_text())
    return said.get("systemd") or f"dockerd {said['process']}"


def stop(notes: Path) -> str | None:
    """Stop the engine that we started, and only that; says what it stopped."""
    ours = noted(notes)
    if ours is None:
        return None
    mark = ours.removeprefix("dockerd ")
    if mark == ours:
        subprocess.run(["systemctl", "stop", "docker.socket", ours], check=False)
    elif process.lives(mark):
        os.kill(int(mark.partition(":")[0]), signal.SIGTERM)
        until = time.monotonic() + WAIT_SECONDS
        while process.lives(mark):
            if time.monotonic() > until:
                raise Unreachable(f"{ours}: does not stop", f"see {notes}/dockerd.log")
            time.sleep(0.1)
    else:
        ours = None
    shutil.rmtree(notes)
    return f"engine ({ours})" if ours else None


def advice() -> str:
    """What a person must do here to have an engine."""
    if host := os.environ.get("DOCKER_HOST"):
        return f"DOCKER_HOST={host} does not answer: start that engine or unset DOCKER_HOST"
    if sys.platform == "darwin":
        return "start Docker Desktop (open -a Docker) or colima (colima start), then make up"
    if os.geteuid() and Path("/var/run/docker.sock").exists():
        return "the engine runs, but not for you: sudo usermod -aG docker $USER, log in again"
    if shutil.which("apt-get"):
        return "sudo apt-get install docker.io && sudo usermod -aG docker $USER, log in again"
    return "install Docker with your package manager, start it, then make up"


def _wait(lives: Callable[[], bool], log: Callable[[], str]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not answers():
        if time.monotonic() > until or not lives():
            raise Unreachable(f"dockerd: does not answer\n{log()}", "its last lines say why")
        time.sleep(0.3)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-10:])


def _note(notes: Path, noted: dict[str, str]) -> None:
    notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    (notes / "engine.json").write_text(json.dumps(noted) + "\n")
