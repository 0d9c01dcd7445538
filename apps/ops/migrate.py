"""``abode migrate LINE VERB``: the runner, against the hosts in force or a file here."""

import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from apps.hosts import in_force
from apps.migrate.__main__ import main
from apps.migrate.ledger import Say
from apps.migrate.lines import line as line_of
from apps.ops.environment import url
from apps.ops.reach import ssh_command
from schemas import ports
from schemas.errors import Refused, Unreachable
from schemas.hosts import Hosts, PiHost, Ssh
from schemas.server import TENANTS

SSH_FAILED: Final = 255
TUNNEL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Where:
    """Which database was meant: of the hosts in force, of one Pi, or a file here."""

    root: Path
    file: Path | None = None
    pi: str | None = None


def run(line: str, verb: str, words: Sequence[str], where: Where) -> int:
    """Run a verb where its database is. Gives the runner's exit code."""
    asked = [line, verb, *words]
    engine = line_of(line).engine
    if verb == "new":
        return main(asked)
    if where.file is not None:
        if engine != "sqlite":
            raise Refused(f"{line}: lives in Postgres, not in a file", "leave --file out")
        return main([*asked, "--file", str(where.file)], say=_shown())
    if line == "soulfra_memory":
        raise Refused(f"{line}: there is a file for each agent", "--file agents/ID/memory.sqlite")
    hosts, state = in_force(where.root)
    if engine == "sqlite":
        return _on_pi(chosen_pi(hosts, where.pi), asked, state)
    if where.pi is not None:
        raise Refused(f"{line}: lives on the Mac", "leave --pi out")
    with reached(hosts, state, line) as database:
        keep = ["--keep", str(state / "snapshots")] if verb == "rollback" else []
        return main([*asked, *keep, "--database", database], say=_shown())


def _shown() -> Say:
    """Progress as a person at a terminal wants it; NO_COLOR is rich's own business."""
    console = Console(stderr=True, highlight=False)
    return lambda said: console.print(said, style="dim", markup=False, soft_wrap=True)


def chosen_pi(hosts: Hosts, name: str | None) -> PiHost:
    """The Pi of that name, or the only one."""
    known = {pi.name: pi for pi in hosts.pi}
    if name is None and len(known) == 1:
        return hosts.pi[0]
    if name not in known:
        what = "which Pi" if name is None else f"no Pi {name!r}"
        raise Refused(f"{what}: there are {', '.join(known) or 'none'}", "pass --pi NAME")
    return known[name]


def _on_pi(pi: PiHost, asked: Sequence[str], state: Path) -> int:
    """The release's own runner, as the service's user; a terminal is passed on to be asked."""
    runner = ["../venv/bin/python", "-u", "-m", "apps.migrate", *asked]
    if asked[1] != "adopt":
        runner += ["--database", pi.database]
    script = f"cd {ports.ANIMA_CODE_DIR}/current/code && exec {shlex.join(runner)}"
    to = pi.ssh.model_copy(update={"user": pi.user})
    command = ssh_command(to, script, state=state)
    if asked[1] == "rollback" and not {"--yes", "--json"} & set(asked) and sys.stdin.isatty():
        code = subprocess.run([command[0], "-t", *command[1:]], check=False).returncode
        if code == SSH_FAILED:
            raise Unreachable(f"{pi.name}: ssh failed", "abode status")
        return code
    say = _shown()
    said = ""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as far:
        for said in far.stderr or ():
            say(said.rstrip("\n"))
    if far.returncode == SSH_FAILED:
        raise Unreachable(f"{pi.name}: {said.strip() or 'ssh failed'}", "abode status")
    return far.returncode


@contextmanager
def reached(
    hosts: Hosts,
    state: Path,
    line: str = "governance",
    role: str | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """A URL of a line's database, for its owner or for another role of it.

    Through ssh when the Mac is another machine. ``port`` is another server's there.
    """
    of = TENANTS[line].database
    port = port or hosts.mac.postgres_port
    who = role or of.owner
    if hosts.mac.ssh is None:
        yield url(state, who, port, of.database)
        return
    with tunnel(hosts.mac.ssh, port) as here:
        yield url(state, who, here, of.database)


@contextmanager
def tunnel(to: Ssh, port: int) -> Iterator[int]:
    """A port of our loopback that leads to one of the other machine's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        here = int(free.getsockname()[1])
    ssh, *rest = ssh_command(to)
    forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{here}:127.0.0.1:{port}"]
    with subprocess.Popen(
        [ssh, *forward, *rest], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as far:
        try:
            _wait(far, here, to.hostname)
            yield here
        finally:
            far.terminate()


def _wait(far: subprocess.Popen[str], port: int, name: str) -> None:
    end = time.monotonic() + TUNNEL_SECONDS
    while True:
        if far.poll() is not None:
            said = far.stderr.read().strip() if far.stderr else ""
            raise Unreachable(f"{name}: {said.rpartition(chr(10))[2] or 'ssh failed'}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise Unreachable(f"{name}: no tunnel in {TUNNEL_SECONDS:g} s") from None
            time.sleep(0.05)
        else:
            return
