"""A backfill in small pieces that is killed at its n-th word to Postgres: killed.py DSN DIR ZONE N.

It says how many words it had when it was not.
"""

import os
import signal
import sys
from pathlib import Path

import psycopg

from apps.legacy import backfill, discoveries, keyset, lines

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
keyset.ROWS, lines.BLOCK_BYTES, discoveries.BATCH = 25, 8_192, 20
backfill.backfill(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
sys.stdout.write(str(words))
