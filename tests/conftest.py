"""The lab that tests run against: their own, made for this run and gone with it."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps import hosts as in_force
from apps.ops import reach
from apps.ops.ask import CONTAINERS
from schemas.hosts import Hosts

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECK = "ABODE_CHECK"
"""Set by `make check`: test the hosts in force instead of making a lab."""


class Standing:
    """A lab, or the hosts in force, as a test sees them: through the tools an operator has."""

    bin = BIN

    def __init__(self, hosts: Hosts, state: Path, environment: dict[str, str]) -> None:
        self.hosts, self.state, self.environment = hosts, state, environment

    def called(self, what: str) -> str:
        """The name of a container."""
        return in_force.container(self.hosts, what)

    def run(self, *command: str, given: str | None = None, root: Path = ROOT, check: bool = True,
            **environment: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """A command on this machine."""
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=False, cwd=root,
            env={**self.environment, **environment}, timeout=540,
        )  # fmt: skip
        if check and done.returncode:
            pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def docker(self, *words: str, check: bool = True) -> str:
        """What docker says on the Mac, wherever that is."""
        said = reach.on_mac(self.hosts, ["docker", *words], seconds=300)
        if check and said.reason is not None:
            pytest.fail(f"docker {words}: {said.reason}")
        return said.said.strip()

    def ssh(self, script: str, user: str | None = None, check: bool = True) -> str:
        """What the Pi's shell says: as its administrator, or as the service's user."""
        to = self.hosts.pi[0].ssh
        to = to.model_copy(update={"user": user or to.user})
        return self.run(*reach.ssh_command(to, script), check=check).stdout.strip()

    def sql(self, query: str) -> str:
        """The answer of governance's database."""
        return self.docker(
            "exec", self.called("postgres-age"),
            "psql", "-qAtX", "-v", "ON_ERROR_STOP=1",
            "-U", "postgres", "-d", "governance", "-c", query,
        )  # fmt: skip

    def anima(self, query: str, check: bool = True) -> str:
        """The answer of the Pi's database, as the README's command asks it."""
        user = self.hosts.pi[0].user
        return self.ssh(f'sqlite3 -readonly ~/.anima/anima.db "{query}"', user, check)

    def deploy(self, *flags: str, root: Path = ROOT, check: bool = True,
               **environment: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Plain pyinfra, as the documents say it."""
        command = (str(BIN / "pyinfra"), "inventory.py", "deploy.py", *flags)
        return self.run(*command, root=root, check=check, PYTHONPATH=str(root), **environment)

    def started(self) -> dict[str, str]:
        """Identity and start of every container."""
        names = [self.called(name) for name in CONTAINERS]
        lines = self.docker("inspect", "-f", "{{.Name}} {{.Id}} {{.State.StartedAt}}", *names)
        return dict(line.split(" ", 1) for line in lines.splitlines())


@pytest.fixture(scope="session")
def standing() -> Iterator[Standing]:
    """The hosts under test, up and flowing."""
    environment = {k: v for k, v in os.environ.items() if k not in {"LAB", "ABODE_DEPLOY_LOCK"}}
    if os.environ.get(CHECK):
        yield Standing(*in_force.in_force(ROOT), dict(os.environ))
        return
    lab = f"test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"
    environment |= {"LAB": lab, "ABODE_OWNER_PID": str(os.getpid()), "NO_COLOR": "1"}
    abode = str(BIN / "abode")
    subprocess.run([abode, "destroy"], cwd=ROOT, env=environment, check=True, timeout=300)
    try:
        subprocess.run([abode, "up"], cwd=ROOT, env=environment, check=True, timeout=1200)
        state = in_force.state_path(ROOT, lab)
        yield Standing(in_force.read(state / "hosts.toml"), state, environment)
    finally:
        subprocess.run([abode, "destroy"], cwd=ROOT, env=environment, check=True, timeout=300)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Ask until the answer is true; the last answer if it never is."""

    def ask(question: Callable[[], Any], seconds: float = 60.0, every: float = 0.5) -> Any:
        until = time.monotonic() + seconds
        while True:
            answer = question()
            if answer or time.monotonic() > until:
                return answer
            time.sleep(every)

    return ask
