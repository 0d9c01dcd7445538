"""``python -m tests.database.anima.probed``: the creature's process, its turns written down.

Each line of turns.txt: when a turn began (monotonic seconds), how late it was, how long it took.
"""

import os
import sys
import time
from pathlib import Path

from apps import lean

lean.stand_in()
sys.modules["_hashlib"] = None  # type: ignore[assignment]  as in apps.anima.__main__

from apps.anima.life import Life  # noqa: E402  after the stand-in
from apps.anima.main import LONGEST_WAIT_SECONDS, main  # noqa: E402  after the stand-in

FILE = (Path(os.environ["ANIMA_HOME"]) / "turns.txt").open("w", buffering=1)
turn = Life.turn
expected = 0.0


def probed(self: Life) -> float:
    """The same turn."""
    global expected  # noqa: PLW0603  one loop
    began = time.monotonic()
    pause = turn(self)
    ended = time.monotonic()
    late = began - expected if expected else 0.0
    FILE.write(f"{began:.6f} {late:.6f} {ended - began:.6f}\n")
    expected = ended + min(pause, LONGEST_WAIT_SECONDS)
    return pause


Life.turn = probed  # type: ignore[method-assign]
sys.exit(main())
