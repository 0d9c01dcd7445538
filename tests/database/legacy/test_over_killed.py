"""A cutover and a rollback that are killed at seeded moments: they go on, and the end is the same.

ABODE_LEGACY_KILLS moments of each; `make soak-legacy` takes 25.
"""

import random
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

from apps.legacy.status import status
from schemas.governance.cutover import Side
from tests.database.legacy.test_follow import everything, once
from tests.database.legacy.test_killed import KILLS, SEED, killed_at
from tests.database.legacy.test_over import compare, house_writes, over_it_goes


def state(house, folder):
    """All of both sides, but for clocks and numbers of their own."""
    with closing(sqlite3.connect(folder / "governance.db")) as db:
        old = [line for line in db.iterdump() if "sqlite_sequence" not in line]
    now = status(house.database.owner, folder)
    assert [each.finished_at is None for each in now.epochs].count(True) == 0
    return {*house.rows()}, old, now.writer, now.is_closed


@pytest.mark.parametrize("step", ["cutover", "rollback"])
def test_killed_it_comes_to_the_same_end(house, old, step):
    """By every row of both sides; and who had been the writer is it until all is proven."""
    folder = everything(old)
    database = folder / "governance.db"
    kept = database.read_bytes()
    dice = random.Random(f"{SEED}/{step}")

    def run(last):
        return killed_at(house, folder, last, step)

    def begin():
        house.clean()
        shutil.rmtree(folder.with_name("data-archive"), ignore_errors=True)
        database.write_bytes(kept)
        once(house, folder)
        if step == "rollback":
            over_it_goes(house, folder)
            house_writes(house)
        else:
            compare(house, folder)

    begin()
    whole = run(0)
    assert whole.returncode == 0, whole.stderr
    wanted, words, killed = state(house, folder), int(whole.stdout), 0
    for _ in range(KILLS):
        begin()
        while (done := run(dice.randrange(1, words))).returncode == -signal.SIGKILL:
            killed += 1
            writer = status(house.database.owner, folder).writer
            assert writer is wanted[2] or (writer is Side.NEW) is (step == "rollback")
        assert done.returncode == 0, done.stderr
        found = state(house, folder)
        assert found == wanted, (sorted(found[0] ^ wanted[0]), {*found[1]} ^ {*wanted[1]})
    assert killed, "no moment came"
