"""Applies a line in a process of its own: applier.py ENGINE FOLDER [die], database in $DATABASE.

With ``die`` it is killed after the first migration's SQL ran and before that was marked.
"""

import os
import signal
import sys
from pathlib import Path

from apps.migrate import runner
from apps.migrate.ledger import Ledger
from apps.migrate.lines import Line

engine, folder, *die = sys.argv[1:]
if die:
    Ledger._mark = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
done = runner.apply(Line("tiny", engine, Path(folder)), os.environ["DATABASE"])
sys.stdout.write(" ".join(done.ran))
