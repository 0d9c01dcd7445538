"""What the creature is called may change; who it is does not."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def told(path):
    """Identity and events as they lie on disk."""
    db = sqlite3.connect(path)
    who = db.execute("SELECT creature_id, name, name_history FROM identity").fetchall()
    events = db.execute("SELECT event_type, data FROM events ORDER BY id").fetchall()
    db.close()
    return who, [(kind, json.loads(data)) for kind, data in events]


@pytest.fixture
def wake(path):
    """Wake a creature once for each name that is given."""

    def do(*names, agent="lumen"):
        store = Store(path, agent)
        store.start()
        for number, name in enumerate(names):
            store.wake(NOW + timedelta(hours=number), name)
        assert store.close(5)

    return do


def test_a_new_name_is_an_event_and_the_old_one_is_kept(wake, path):
    """Once, not at every awakening; without ANIMA_NAME it stays as it was."""
    wake(None, "Lumen the Second", "Lumen the Second", None)
    ((creature_id, name, history),), events = told(path)

    assert (creature_id, name) == ("lumen", "Lumen the Second")
    assert json.loads(history) == [{"name": "lumen", "until": "2026-11-20T13:00:00.000000+00:00"}]
    assert [data for kind, data in events if kind == "name_change"] == [
        {"before": "lumen", "name": "Lumen the Second"}
    ]


def test_names_follow_one_another(wake, path):
    """Also back to one that it had."""
    wake("Ember", "Lumen", "Ember")
    (row,), events = told(path)

    assert row[1] == "Ember"
    assert [old["name"] for old in json.loads(row[2])] == ["lumen", "Ember", "Lumen"]
    assert [data["name"] for kind, data in events if kind == "name_change"] == [
        "Ember", "Lumen", "Ember",
    ]  # fmt: skip


@pytest.mark.parametrize("history", ["[]", '["Glow", {"name": "Spark"}, 3, null, {}]'])
def test_an_adopted_creature_that_is_renamed_is_still_itself(wake, path, history):
    """Its id is of its own making: it is found by a name that it has or once had."""
    db = sqlite3.connect(path)
    db.execute(
        "INSERT INTO identity (creature_id, born_at, name, name_history)"
        " VALUES ('49e14444-b59e', '2025-01-01T00:00:00+00:00', 'Lumen', ?)",
        (history,),
    )
    db.commit()
    db.close()
    wake("Ember", "Ember", None)
    if history != "[]":
        wake(None, agent="glow")
        wake(None, agent="spark")
    who, events = told(path)

    assert [(row[0], row[1]) for row in who] == [("49e14444-b59e", "Ember")]
    assert sum(kind == "name_change" for kind, _ in events) == 1
