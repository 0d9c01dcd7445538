"""Applies a line in a process of its own: applier.py ENGINE FOLDER [back] [MODE].

The database is in $DATABASE. ``back``: rolls all of it back instead.

``die``: killed after the first migration's SQL ran and before that was marked. A number: killed
before that many calls of the database have been made. ``count``: says on stderr how many there are.
``ready``: says so on stdout first, to be killed by whoever started it.
"""

import os
import signal
import sys
from pathlib import Path

from apps.migrate import postgres, runner, sqlite
from apps.migrate.ledger import Ledger
from apps.migrate.lines import Line

engine, folder, *mode = sys.argv[1:]
back = mode[:1] == ["back"]
mode = mode[back:]
calls = 0


def die(*_, **__):
    """At once, and without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def counted(do):
    """The same, but for the call before which we die."""

    def call(*given, **named):
        global calls  # noqa: PLW0603
        calls += 1
        if mode == [str(calls)]:
            die()
        return do(*given, **named)

    return call


def one_by_one(text):
    """Statements of a file, each of which is a call as well."""
    yield from map(counted(lambda each: each), statements(text))


if mode == ["die"]:
    Ledger._mark = die
elif mode and mode != ["ready"]:
    statements, sqlite.statements = sqlite.statements, one_by_one
    for ledger in (sqlite.SQLite, postgres.Postgres):
        ledger.ask, ledger.run = counted(ledger.ask), counted(ledger.run)
if mode == ["ready"]:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
line, database = Line("tiny", engine, Path(folder)), os.environ["DATABASE"]
if back:
    done = runner.rollback(line, database, to="0000").undone
else:
    done = runner.apply(line, database).ran
sys.stdout.write(" ".join(done))
if mode == ["count"]:
    sys.stderr.write(str(calls))
