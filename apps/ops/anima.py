"""What the release on a Pi does beside the running creature: asked over ssh, as its user."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.hosts import in_force
from apps.ops.migrate import SSH_FAILED, chosen_pi
from apps.ops.reach import ssh_command
from schemas import ports
from schemas.errors import Unreachable


@dataclass(frozen=True, slots=True)
class Where:
    """Which creature was meant: of the hosts in force, or one whose home is here."""

    root: Path
    home: Path | None = None
    pi: str | None = None


def archives(where: Where) -> dict[str, Any]:
    """Every archive of a Pi, and what all of them take."""
    return dict(json.loads(_said(where, ["archives"])))


def restore_archive(where: Where, table: str, days: Sequence[str], hold: float) -> int:
    """Put days back for ``hold`` days; what is said there is said here. Gives the exit code."""
    words = ["restore-archive", table, *days, "--hold", f"{hold:g}"]
    command, environment = _command(where, words)
    code = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode
    return Unreachable.exit_code if code == SSH_FAILED else code


def _said(where: Where, words: Sequence[str]) -> str:
    command, environment = _command(where, words)
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        first, *hint = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        told = hint[0].strip().removeprefix("hint: ") if hint else "abode status"
        raise Unreachable(first, told)
    return done.stdout


def _command(where: Where, words: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """The words of a command line, here or over ssh."""
    if where.home is not None:
        here = os.environ | {"ANIMA_HOME": str(where.home.absolute())}
        return [sys.executable, "-m", "apps.anima", *words], here
    hosts, state = in_force(where.root)
    pi = chosen_pi(hosts, where.pi)
    home = f"ANIMA_HOME={pi.home}/{ports.ANIMA_DATA_DIR}"
    runner = ["env", home, "../venv/bin/python", "-m", "apps.anima", *words]
    script = f"cd {ports.ANIMA_CODE_DIR}/current/code && exec {shlex.join(runner)}"
    to = pi.ssh.model_copy(update={"user": pi.user})
    return ssh_command(to, script, state=state), os.environ
