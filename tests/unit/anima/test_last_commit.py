"""The last line of the journal: its commit may be lacking, and then it is finished at the start."""

import shutil

from apps.anima import noted, wal
from apps.anima.checkin import compose, new_boot_id
from apps.anima.checkup import Checkup
from apps.anima.noted import Noted
from apps.anima.store import Store
from tests.unit.anima.conftest import NOW
from tests.unit.anima.test_journal import drew, killed, rows, told


def test_a_commit_that_a_kill_prevented_is_finished(path, drawing_state):
    """Nobody was told that it is there, and nobody that it is not."""
    drew(path, drawing_state, 1)
    (row,) = [row for row in Noted(path).rows() if row.table == "drawing_history"]
    changed = [777 if value == 1 else value for value in row.values[1:]]
    line = noted.as_line([["drawing_history", 1, [1, *changed]], ["events", 1, None]])
    killed(path, line)
    drew(path, drawing_state, 2)
    checkup = Checkup(path)
    checkup._look()

    assert checkup.found is None
    assert rows(path, "drawing_history")[0][1:] == tuple(changed)
    assert set(told(path)) == {("drawing_history", 1), ("drawing_history", 2), ("events", 1)}
    assert Noted(path).is_whole


def test_a_commit_that_the_database_cannot_take_is_dropped(path, drawing_state):
    """It was not committed then, and is not now."""
    drew(path, drawing_state, 1)
    killed(path, noted.as_line([["drawing_history", 2, [2, *[None] * 99]]]))
    drew(path, drawing_state, 3)

    assert len(rows(path, "drawing_history")) == 2
    assert Noted(path).is_whole


def test_a_bit_that_flips_in_the_last_commit_of_the_log_costs_nothing(path, anima, tmp_path):
    """SQLite takes it for a commit that the power cut short; the journal knows better."""
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    for _ in range(3):
        store.enqueue_checkin(boot, NOW, build)
    home = shutil.copytree(path.parent, tmp_path / "killed")
    assert store.close(5)
    database = home / path.name
    (file,) = noted.kept(database)
    head, rest = file.read_bytes().split(b"\n", 1)
    of = noted.read(head + b"\n") | {"inode": database.stat().st_ino}
    file.write_bytes(noted.as_line(of) + rest)
    log = bytearray(wal.beside(database).read_bytes())
    log[-100] ^= 1
    wal.beside(database).write_bytes(log)
    again = Store(database, "lumen")
    again.start()
    assert again.close(5)

    assert [row[0] for row in rows(database, "outbox")] == [1, 2, 3]
