"""Followed by many passes, or killed within one: at the end all is as a backfill brings it.

ABODE_LEGACY_KILLS moments, ABODE_LEGACY_PASSES passes; `make soak-legacy` takes more.
"""

import os
import random
import re
import signal

import pytest

from apps.legacy.follow import leave
from apps.legacy.verify.verify import verify
from tests.database.legacy.test_follow import CHANGES, SOME, everything, once, write
from tests.database.legacy.test_killed import KILLS, SEED, killed_at
from tests.legacy import databases
from tests.legacy.server import Server

PASSES = int(os.environ.get("ABODE_LEGACY_PASSES", "2"))


@pytest.mark.parametrize("by_triggers", [False, True] if KILLS > 1 else [True])
def test_a_killed_pass_comes_to_the_same_end(house, old, by_triggers):
    """By every row, vertex, reject and position; at seeded moments of a pass over changes."""
    folder = everything(old)
    database = folder / "governance.db"
    kept = database.read_bytes()
    dice = random.Random(f"{SEED}/follow/{by_triggers}")

    def run(last):
        return killed_at(house, folder, last, "triggers" if by_triggers else "comparison")

    def begin():
        house.clean()
        database.write_bytes(kept)
        once(house, folder, by_triggers=by_triggers)
        write(folder, *CHANGES, "DELETE FROM agent_metadata WHERE agent_id = 'ember'")

    begin()
    whole = run(0)
    assert whole.returncode == 0, whole.stderr
    wanted, words, killed = house.rows(), int(whole.stdout), 0
    for _ in range(KILLS):
        begin()
        # What changed is applied first: every other moment is in it.
        while (
            done := run(dice.randrange(1, words if killed % 2 else words // 3))
        ).returncode == -signal.SIGKILL:
            killed += 1
        assert done.returncode == 0, done.stderr
        assert not {*house.rows()} ^ {*wanted}
    assert killed, "no moment came"


KEPT = re.compile(
    r'vertex "\{(\\"id\\": \\"[^,]*\\", \\"status\\": [^,]*, \\"created_at\\": [^,]*'
    r'|\\"name\\": .*)\}"'
)
"""Vertices of agents and of tags, which stay."""
SPOKEN_OF = """SELECT agent_id, created_at, updated_at FROM core.identities
 WHERE metadata = '{}' AND created_at = updated_at"""


def told(house):
    """All that came, but for how far it is and what stays in the graph."""
    rows = {row for row in house.rows() if not row.startswith(("position", "edges"))}
    return {row for row in rows if not KEPT.fullmatch(row)}


@pytest.mark.parametrize(("variant", "by_triggers"), SOME)
def test_followed_is_as_brought_at_the_end(house, tmp_path, variant, by_triggers):
    """After any changes, all rows are those that a backfill of the last file makes.

    Only who was once spoken of stays known; and the verify finds both sides equal.
    """
    folder = tmp_path / "data"
    folder.mkdir()
    databases.write(folder / "governance.db", variant, 40, SEED)
    server = Server(folder, variant, f"{SEED}/{variant}/{by_triggers}")
    for _ in range(PASSES):
        once(house, folder, by_triggers=by_triggers)
        server.write(25)
    once(house, folder, by_triggers=by_triggers)
    leave(folder)
    assert verify(house.database.owner, folder).differences == []
    followed, spoken_of = told(house), house.ask(SPOKEN_OF)
    house.clean()
    for each in spoken_of:
        house.ask("INSERT INTO core.identities (agent_id, created_at, updated_at)"
                  " VALUES (%s, %s, %s) RETURNING 1", *each)  # fmt: skip
    house.bring(folder)
    brought = told(house)

    assert not followed - brought, sorted(followed ^ brought)
    assert not brought - followed, sorted(followed ^ brought)
