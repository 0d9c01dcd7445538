"""One deploy at a time: a lock on the state directory that says who holds it."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from schemas.errors import Refused

INHERITED = "ABODE_DEPLOY_LOCK"
"""Names the holder to its child: ``abode deploy`` and the pyinfra it runs share one lock."""

_held: dict[Path, IO[str]] = {}


def hold(state_dir: Path, what: str) -> int:
    """Take the lock until this process ends; gives its descriptor, to be passed to a child.

    A lock inherited from the holder that ABODE_DEPLOY_LOCK names counts as ours.
    """
    path = state_dir / "deploy.lock"
    if path in _held:
        return _held[path].fileno()
    lock = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        inherited = os.environ.get(INHERITED)
        if inherited and holder.startswith(f"pid {inherited} "):
            _held[path] = lock
            return lock.fileno()
        lock.close()
        raise Refused(
            f"{path}: held by {holder or 'somebody who has not said so yet'}",
            "wait for it and what it started to end; then the lock is gone too",
        ) from None
    lock.truncate(0)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lock.write(f"pid {os.getpid()} since {now} ({what})\n")
    lock.flush()
    path.chmod(0o600)
    _held[path] = lock
    return lock.fileno()
