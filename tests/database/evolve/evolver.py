"""Runs an evolution in a process of its own: evolver.py FOLDER NAME VERB STEP [MODE].

The database is in $DATABASE; VERB is run or undo. A number: killed before that many calls of the
database have been made. ``count``: says on stderr how many there are. ``ready``: says so on stdout
first, to be killed by whoever started it.
"""

import os
import signal
import sys
from pathlib import Path

from apps.migrate import postgres
from apps.migrate.evolve.run import run, undo
from apps.migrate.evolve.throttle import Pace
from apps.migrate.lines import Line

folder, name, verb, step, *mode = sys.argv[1:]
calls = 0


def counted(do):
    """The same, but for the call before which we die."""

    def call(*given, **named):
        global calls  # noqa: PLW0603
        calls += 1
        if mode == [str(calls)]:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*given, **named)

    return call


if mode and mode != ["ready"]:
    postgres.Postgres._send = counted(postgres.Postgres._send)
if mode == ["ready"]:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
line, database = Line("tiny", "postgres", Path(folder)), os.environ["DATABASE"]
if verb == "undo":
    undo(line, database, name)
else:
    run(line, database, name, to=step, pace=Pace(rows=100, pause_ms=0))
if mode == ["count"]:
    sys.stderr.write(str(calls))
