"""A disk that is full, read-only or failing under a real process: it lives on, loses nothing."""

import errno
import shutil
import subprocess
import time
from itertools import pairwise

import pytest

from tests.unit.anima.faults import powercut
from tests.unit.anima.faults.creature import Creature, Mac, amount, until

CODES = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT)[: amount("ABODE_ANIMA_TROUBLES", 2)]


@pytest.fixture
def mac():
    """The other side."""
    made = Mac()
    yield made
    made.close()


@pytest.fixture
def home(memory, migrated):
    """A home on the board's disk."""
    made = memory / "home"
    made.mkdir()
    shutil.copy(migrated, made / "anima.db")
    return made


@pytest.mark.parametrize("code", CODES)
def test_it_lives_through_a_disk_that_takes_nothing(memory, home, mac, code):
    """Check-ins go out unqueued, records wait, no restart, no damage; then all goes on."""
    trouble = memory / "trouble"
    creature = Creature(
        home,
        mac.url,
        LD_PRELOAD=str(powercut.built(memory)),
        DISK_HOME=str(home),
        DISK_TROUBLE=str(trouble),
        ANIMA_CHECK_IN_EVERY_SECONDS="0.1",
    )
    creature.start()
    until(lambda: len(mac.seqs) >= 3)
    before = creature.ids("drawing_history")
    trouble.write_text(str(int(code)))
    unqueued = lambda: sum(1 for _, seq in list(mac.kept) if not seq)  # noqa: E731
    until(lambda: unqueued() >= 3)
    time.sleep(0.3)
    assert creature.process.poll() is None
    trouble.unlink()
    reached = max(mac.seqs)
    until(lambda: max(mac.seqs) > reached + 3)
    until(lambda: len(creature.ids("drawing_history")) > len(before))

    assert creature.stop() == 0
    assert before <= creature.ids("drawing_history")
    marks = [m for (m,) in creature.ask("SELECT marks FROM drawing_history ORDER BY id")]
    assert all(b - a == 10 or b == 10 for a, b in pairwise(marks)), marks
    assert "records wait" in creature.told
    assert "records are written again" in creature.told
    assert creature.told.count("ballast stuck") <= 1
    assert "DAMAGED" not in creature.told
    assert not list(home.glob("*damage*"))
    assert mac.conflicts == 0


def test_a_card_that_is_read_only_at_the_start_is_waited_for(memory, migrated, mac):
    """It ends, is started again, and is up when the card is; nothing is restored or set aside."""
    place = memory / "card"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a disk here")
    try:
        shutil.copy(migrated, place / "anima.db")
        creature = Creature(place, mac.url)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        creature.start()
        assert creature.process.wait(60) == 3
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        until(lambda: len(mac.seqs) >= 3, creature=creature)
        assert creature.stop() == 0
        assert not list(place.glob("*damage*"))
        assert "unable to open database file" in creature.told
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
