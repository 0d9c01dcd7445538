"""Commands on the hosts in force: on the Mac wherever it is, and over ssh anywhere."""

import os
import shlex
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from apps.hosts import docker_environment
from schemas.errors import Refused
from schemas.hosts import Hosts, Ssh

WAIT_SECONDS = 15.0
SOCKET_BYTES = 103 - len("/") - 40 - len(".") - 16
"""What a directory's name may have: macOS allows 103 bytes, ssh adds a hash and a random end."""


@dataclass(frozen=True)
class Answer:
    """What a command said, or why it did not."""

    said: str = ""
    reason: str | None = None


def ssh_command(to: Ssh, *words: str, state: Path | None = None) -> list[str]:
    """The command line that runs something over ssh, never asking anybody anything.

    Given a state directory, commands within a minute share one connection.
    """
    options = ["BatchMode=yes", "ConnectTimeout=5", "StrictHostKeyChecking=yes", "LogLevel=ERROR"]
    if state:
        options += ["ControlMaster=auto", f"ControlPath={control_path(state)}", "ControlPersist=60"]
    if to.known_hosts:
        options.append(f'UserKnownHostsFile="{to.known_hosts}"')
    if to.key:
        options.append("IdentitiesOnly=yes")
    key = ["-i", to.key] if to.key else []
    flags = [arg for option in options for arg in ("-o", option)]
    return ["ssh", *flags, *key, "-p", str(to.port), f"{to.user}@{to.hostname}", *words]


def on_mac(
    hosts: Hosts,
    command: list[str],
    given: str | None = None,
    *,
    state: Path | None = None,
    seconds: float = WAIT_SECONDS,
) -> Answer:
    """Run a command on the Mac, with what its docker needs to find the engine."""
    env = docker_environment(hosts.mac)
    if hosts.mac.ssh is None:
        return run(command, given, env, seconds)
    settings = [f"{key}={value}" for key, value in env.items()]
    there = shlex.join(["env", *settings, *command])
    return run(ssh_command(hosts.mac.ssh, there, state=state), given, seconds=seconds)


def run(
    command: list[str],
    given: str | None = None,
    env: dict[str, str] | None = None,
    seconds: float = WAIT_SECONDS,
) -> Answer:
    """Run a command here; what it said, or the last line of why not."""
    try:
        done = subprocess.run(
            command,
            input=given if given is not None else "",
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=os.environ | (env or {}),
        )
    except FileNotFoundError:
        return Answer(reason=f"{command[0]}: no such command")
    except subprocess.TimeoutExpired:
        return Answer(reason=f"no answer within {seconds:.0f} s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return Answer(said=done.stdout, reason=lines[-1])
    return Answer(said=done.stdout)


def control_path(state: Path) -> str:
    """Where ssh keeps a shared connection: in a directory that only we may enter, quoted."""
    directory = next((each for each in _rooms(state) if _fits(each)), None) or _below_tmp()
    return '"{}/%C"'.format(str(directory).replace("%", "%%"))


def tidy() -> None:
    """Remove our directory below /tmp if there is one and nothing is left in it."""
    path = _own_tmp()
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()


def _rooms(state: Path) -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [state, Path(runtime)] if runtime and _is_ours(Path(runtime)) else [state]


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory)) <= SOCKET_BYTES


def _own_tmp() -> Path:
    return Path(f"/tmp/abode-{os.geteuid()}")  # noqa: S108  # checked before use


def _below_tmp() -> Path:
    path = _own_tmp()
    path.mkdir(mode=0o700, exist_ok=True)
    if not _is_ours(path):
        raise Refused(f"{path}: others may enter it", f"rm -rf {path}, or ask who made it")
    return path


def _is_ours(path: Path) -> bool:
    """Whether it is a directory, no link, that we own and nobody else may enter."""
    try:
        found = path.lstat()
    except OSError:
        return False
    private = not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and private
