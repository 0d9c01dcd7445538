"""What a day costs the card: counted, remembered, and thinned when it is too much."""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima import card as card_file
from apps.anima.card import Card, written_bytes
from apps.anima.store import Store
from schemas.anima.tables import AnimaState

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def told():
    """The kernel's count, to be moved by hand."""
    return [0]


@pytest.fixture
def card(told):
    """A card that bears 1,000 bytes a day."""
    return Card(1_000, lambda: told[0])


def test_the_kernel_counts_what_is_written(tmp_path):
    """A file of a megabyte, synced, is a megabyte at least."""
    before = written_bytes()
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(2**20))
        os.fsync(file.fileno())
    if not (written_bytes() or 0) - (before or 0):
        pytest.skip("no disk below: nothing here is counted")

    assert written_bytes() - before >= 2**20


def test_a_new_day_begins_with_nothing(card, told):
    """Days are UTC days; what was written before midnight stays there."""
    told[0] = 400
    assert card.count(NOW) == 400
    told[0] = 700
    assert card.count(NOW) == 700
    told[0] = 750
    assert card.count(NOW + timedelta(days=1)) == 50


def test_a_restart_does_not_forget_the_day(path, card, told):
    """It is kept with the heartbeat, beside what governance said."""
    store = Store(path, "lumen", card=card)
    store.start()
    store.wake(NOW)
    store.remember_action("pause")
    told[0] = 321
    store.heartbeat(NOW, 30).result(5)
    assert store.close(5)

    again = Store(path, "lumen", card=Card(1_000, lambda: 9))
    again.start()
    assert again.wake(NOW) == "pause"
    again.heartbeat(NOW, 30).result(5)
    assert again.close(5)
    assert again.card.today == 330


def test_a_day_that_cost_too_much_thins_feelings_and_nothing_else(
    path, card, told, anima, drawing_state
):
    """One of ten is kept, and the others are counted."""
    store = Store(path, "lumen", card=card)
    store.start()
    store.wake(NOW)
    told[0] = 1_001
    store.heartbeat(NOW, 30)
    feeling = AnimaState.model_validate({"timestamp": NOW, **anima.model_dump()})
    for marks in range(20):
        store.record_state(feeling).result(5)
        store.record_drawing_state(drawing_state(marks)).result(5)
    assert store.close(5)

    db = sqlite3.connect(path)
    rows = [db.execute(f"SELECT count(*) FROM {t}_history").fetchone()[0]
            for t in ("state", "drawing")]  # fmt: skip
    db.close()
    assert rows == [20 // card_file.THINNED, 20]
    assert store.thinned.counts == {"state_history": 18}
    assert store.dropped.total == 0


def test_what_governance_says_again_costs_no_page(path):
    """The same action twice is written once."""
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    store.remember_action("proceed")
    size = path.with_name("anima.db-wal").stat().st_size
    store.remember_action("proceed")
    same = path.with_name("anima.db-wal").stat().st_size
    store.remember_action("pause")

    assert (same - size, path.with_name("anima.db-wal").stat().st_size > size) == (0, True)
    assert store.close(5)
    db = sqlite3.connect(path)
    ((metadata,),) = db.execute("SELECT metadata FROM identity").fetchall()
    db.close()
    assert json.loads(metadata) == {"governance_action": "pause"}
