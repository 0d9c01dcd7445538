"""A backfill in small pieces that is killed at its n-th word to Postgres: killed.py DSN DIR ZONE N.

With a way to follow, one pass of that; with cutover or rollback, that.

It says how many words it had when it was not.
"""

import os
import signal
import sys
from pathlib import Path

import psycopg

from apps.legacy import (
    backfill,
    discoveries,
    fence,
    follow,
    keyset,
    lines,
    over,
    renew,
    rollback,
    triggers,
)
from apps.legacy.back.old import Old

LAST = int(sys.argv[4])
words = 0


def counted(method):
    """The same, but that it may be the last."""

    def _counted(*args, **kwargs):
        global words  # noqa: PLW0603  # one counter of one process
        words += 1
        if words == LAST:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*args, **kwargs)

    return _counted


for kind in (psycopg.Connection, psycopg.AsyncConnection):
    kind.execute = counted(kind.execute)
psycopg.Cursor.copy = counted(psycopg.Cursor.copy)
Old.insert, Old.put = counted(Old.insert), counted(Old.put)
fence.close, fence.open_again = counted(fence.close), counted(fence.open_again)
keyset.ROWS, lines.BLOCK_BYTES, discoveries.BATCH = 25, 8_192, 20
directory, zone = Path(sys.argv[2]), sys.argv[3]
if sys.argv[5:] in (["cutover"], ["rollback"]):
    case = over.Case(sys.argv[1], directory, zone, lambda _: None)
    if sys.argv[5] == "cutover":
        over.cutover(case, over.Asked(0, 0))
    else:
        rollback.rollback(case)
elif len(sys.argv) > 5:
    renew.AT_ONCE = triggers.AT_ONCE = 2
    by_triggers = sys.argv[5] == "triggers"
    follow.follow(sys.argv[1], directory, zone, lambda _: None, by_triggers=by_triggers, once=True)
else:
    backfill.backfill(sys.argv[1], directory, zone)
sys.stdout.write(str(words))
