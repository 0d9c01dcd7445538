"""The deploy as a command: pyinfra on the hosts in force, its traps closed."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from apps.hosts import in_force
from apps.ops import lock
from schemas.errors import Refused

FILES = ("inventory.py", "deploy.py")


def command(dry: bool = False, diff: bool = False, as_json: bool = False) -> list[str]:
    """What is run; pyinfra answers 0 to an inventory it cannot find, so that is asked first."""
    pyinfra = Path(sys.executable).with_name("pyinfra")
    if not pyinfra.exists():
        raise Refused(f"{pyinfra}: not there", "make .venv")
    flags = {"--dry": dry, "--diff": diff, "--json": as_json, "-y": not dry}
    return [str(pyinfra), *FILES, *(flag for flag, wanted in flags.items() if wanted)]


def run(root: Path, arguments: Iterable[str], what: str) -> int:
    """Deploy under the lock, with our terminal; pyinfra's own exit code."""
    with begin(root, arguments, what, piped=False) as process:
        return process.wait()


def begin(root: Path, arguments: Iterable[str], what: str, piped: bool) -> "subprocess.Popen[str]":
    """The running deploy. It holds the lock itself too: it may outlive us."""
    for name in FILES:
        if not (root / name).exists():
            raise Refused(f"{root / name}: not there", "run abode in its checkout")
    _, state = in_force(root)
    descriptor = lock.hold(state, what)
    return subprocess.Popen(
        list(arguments),
        cwd=root,
        env=os.environ | {lock.INHERITED: str(os.getpid())},
        pass_fds=(descriptor,),
        stdout=subprocess.PIPE if piped else None,
        stderr=subprocess.STDOUT if piped else None,
        text=True,
    )
