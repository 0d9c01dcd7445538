"""``python -m apps.anima requeue``: rejected check-ins go back into the outbox."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from apps.anima import noted
from apps.anima.log import say
from apps.anima.outbox import QUERIES, head
from apps.sqlite import connect
from schemas.errors import Refused, Unreachable
from schemas.ports import ANIMA_DB

REQUEUED = "requeued before it"


def requeue(environment: Mapping[str, str]) -> int:
    """Move all of them, beside the running process or without it; gives how many."""
    home = environment.get("ANIMA_HOME")
    if not home:
        raise Refused("ANIMA_HOME: is not set", hint=f"the directory of {ANIMA_DB}")
    path = Path(home) / ANIMA_DB
    if path.is_absolute() and not path.exists():
        raise Unreachable(f"{path}: is missing", hint="is ANIMA_HOME right?")
    db = connect(path)
    try:
        noted.forget_all(path)
        db.execute("BEGIN IMMEDIATE")
        for waiting in head(db):
            # It comes behind what is moved, and may have been sent: nothing may change it then.
            db.execute(QUERIES["note_failed_attempt"], {"id": waiting.id, "reason": REQUEUED})
        moved = db.execute(QUERIES["requeue_rejected"]).rowcount
        db.execute(QUERIES["forget_rejected"])
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise Unreachable(f"{path}: {error}", hint="nothing was moved; try again") from error
    finally:
        db.close()
    say("requeued", count=moved)
    return moved
