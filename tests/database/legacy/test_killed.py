"""Killed without a warning, at seeded moments: it goes on, and all is as if it had not been.

ABODE_LEGACY_KILLS moments of each variant; `make soak-legacy` takes 50.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("ABODE_LEGACY_KILLS", "1"))
SEED = os.environ.get("ABODE_LEGACY_SEED", "kill")


def killed_at(house, folder, last, *step):
    """A backfill, or a step by its name, that dies at its n-th word; 0: that it says how many."""
    command = [sys.executable, str(Path(__file__).with_name("killed.py")),
               house.database.owner, str(folder), ZONE, str(last), *step]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip


@pytest.mark.parametrize("variant", ["A", "B"] if KILLS > 1 else ["A"])
def test_a_killed_backfill_comes_to_the_same_end(house, tmp_path, variant):
    """By checksum of every row, vertex and reject; the last run is one that was not killed."""
    folder = make(tmp_path / "data", variant, 160)
    dice = random.Random(f"{SEED}/{variant}")

    whole = killed_at(house, folder, 0)
    assert whole.returncode == 0, whole.stderr
    wanted, rows, words = house.checksum(), house.rows(), int(whole.stdout)
    killed = 0
    for _ in range(KILLS):
        house.clean()
        while (
            done := killed_at(house, folder, dice.randrange(1, words))
        ).returncode == -signal.SIGKILL:
            killed += 1
        assert done.returncode == 0, done.stderr
        assert house.checksum() == wanted, sorted({*house.rows()} ^ {*rows})
    assert killed >= KILLS // 2, "no moment came"
