"""Who has a file open: the kernel says whether, /proc says who; lsof where there is neither."""

import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from schemas.errors import Refused

PROC: Final = Path("/proc")
UNSEEN: Final = "a process that cannot be seen from here"
NO_LEASE: Final = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOLCK, errno.ENOSYS}
ROOT_HINT: Final = "run it as root: a process of somebody else's may have it open"


def openers(files: Iterable[Path]) -> dict[Path, str]:
    """Those of the files that some process holds or has mapped, each with that process."""
    wanted = list(files)
    if not wanted:
        return {}
    return _by_kernel(wanted) if (PROC / "self/fd").is_dir() else _by_lsof(wanted)


def _by_kernel(files: list[Path]) -> dict[Path, str]:
    doubtful = {path: alone for path in files if (alone := _is_alone(path)) is not True}
    if not doubtful:
        return {}
    found, all_seen = _by_proc(list(doubtful))
    for path, is_alone in doubtful.items():
        if is_alone is False:
            found.setdefault(path, UNSEEN)
        elif not all_seen:
            raise Refused(f"{path}: who has it open is not known", ROOT_HINT)
    return found


def _is_alone(path: Path) -> bool | None:
    """Whether nobody else has it open, in whatever container; None when the kernel cannot say.

    It leases a file for writing to one who is alone with it. Whoever opens it meanwhile waits for
    the microsecond until it is given back.
    """
    with path.open("rb") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # not SIGIO, which kills
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            if error.errno in NO_LEASE:
                return None
            if error.errno == errno.EAGAIN:
                return False
            raise
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


def _by_proc(files: list[Path]) -> tuple[dict[Path, str], bool]:
    """Who it is, of those that can be looked into, and whether that was all of them."""
    known = {(stat.st_dev, stat.st_ino): path for path in files if (stat := path.stat())}
    names = {str(path.resolve()): path for path in files}
    found: dict[Path, str] = {}
    all_seen = True
    for process in PROC.iterdir():
        if not process.name.isdecimal():
            continue
        try:
            held = _held(process, known) | _mapped(process, names)
        except PermissionError:
            all_seen = False
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        else:
            found |= dict.fromkeys(held, f"process {process.name} ({_called(process)})")
    return found, all_seen


def _held(process: Path, known: dict[tuple[int, int], Path]) -> set[Path]:
    held = set()
    for handle in os.listdir(process / "fd"):  # noqa: PTH208  # names only: each may be gone
        try:
            stat = (process / "fd" / handle).stat()
        except (FileNotFoundError, PermissionError):
            continue  # closed meanwhile; or on a disk that is closed to us, as these are not
        if path := known.get((stat.st_dev, stat.st_ino)):
            held.add(path)
    return held


def _mapped(process: Path, names: dict[str, Path]) -> set[Path]:
    """What is mapped stays in use when its handle is closed."""
    lines = (process / "maps").read_text(errors="surrogateescape").splitlines()
    words = (line.split(maxsplit=5) for line in lines)
    return {names[each[5]] for each in words if len(each) > 5 and each[5] in names}


def _called(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"


def _by_lsof(files: list[Path]) -> dict[Path, str]:
    names = {str(path.resolve()): path for path in files}
    asked = ["lsof", "-nP", "-Fpn", "--", *names]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Refused("lsof: no such command", "nothing else knows who has a file open") from None
    if done.returncode not in {0, 1}:
        raise Refused(f"lsof: {done.stderr.strip() or done.returncode}", ROOT_HINT)
    found, process = {}, ""
    for line in done.stdout.splitlines():
        process = line[1:] if line.startswith("p") else process
        if line.startswith("n") and line[1:] in names:
            found[names[line[1:]]] = f"process {process}"
    return found
