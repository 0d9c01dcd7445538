"""The main loop's body, when its senses or its store fail for a moment."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from apps.anima import life as life_file
from apps.anima.condition import LATE_TURNS
from apps.anima.life import Life
from apps.anima.readings import reading
from apps.anima.settings import Settings
from apps.bridge.client import Unavailable
from schemas.eisv import Anima


@pytest.fixture
def senses(monkeypatch):
    """What the sensors give; change it to change them."""
    given = [reading(name, 30.0, "test") for name in ("cpu_temp_c", "load_1m", "memory_percent")]
    monkeypatch.setattr(life_file, "sense", lambda *_: list(given))
    return given


@pytest.fixture
def told():
    """The check-ins that were sent without being queued."""
    return []


@pytest.fixture
def life(tmp_path, store, will, senses, told):
    """A life that has felt once."""
    settings = Settings(
        home=tmp_path,
        agent="lumen",
        governance_url="http://mac",
        governance_token=SecretStr("x"),
        seed=1,
    )
    will.anima = None
    made = Life(settings, store, will, told.append)
    made._sense()
    return made


def test_a_moment_without_feeling_stops_nothing(life, will, senses, store, capsys):
    """The mood stays, the check-in goes out with what is measured, and it is said once."""
    before = will.anima
    del senses[:]
    senses.append(reading("load_1m", 1.0, "test"))
    life._sense()
    life._sense()
    assert before is not None
    assert will.anima == before

    life._check_in()
    (waiting,) = store.oldest_checkins(9)
    data = json.loads(waiting.body)["sensor_data"]
    assert set(data) == {"load_1m", "sources"}
    assert capsys.readouterr().out.count("no reading at all") == 1
    assert life._failures.counts == {"feel": 2}


def test_without_any_feeling_ever_there_is_no_mood(life, will, senses):
    """A mood is not invented: ten minutes after the last feeling it is gone."""
    del senses[:]
    life._mood._felt_at -= 601
    life._sense()

    assert will.anima is None


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk is full"), TimeoutError("late")])
def test_a_check_in_that_cannot_be_queued_is_handed_over(life, store, told, monkeypatch, error):
    """Under a key of its own; it tells of the store what can still be read."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(store, "enqueue_checkin", refuse)
    life._check_in()
    life._check_in()
    first, second = (json.loads(body) for body in told)

    assert first["boot_id"] != second["boot_id"] != life._boot_id
    assert first["seq"] == second["seq"] == 0
    assert ("pi" in first) is isinstance(error, sqlite3.Error)
    assert store.dropped.total == 0


def test_the_latest_chore_is_told_for_five_minutes(life):
    """A stumble is seen by who looks a little later, and is not held against it for ever."""
    life._teller.late(0.4)
    said = [condition(life).late_seconds for _ in range(LATE_TURNS + 1)]
    assert said == [0.4] * LATE_TURNS + [0.0]


def condition(life):
    """Its condition."""
    parts = {"will": life._will, "drawing": life._drawing, "health": life._health}
    return life._teller.tell(datetime.now(UTC), 1.0, **parts)


def test_that_the_hand_stops_is_an_event(life, will, store, path):
    """Once when it stops and once when it goes on, with why and by whom: a week alone is told."""
    for feels in (0.9, 0.1, 0.1, 0.9):
        will.anima = Anima(warmth=0.5, clarity=feels, stability=0.9, presence=0.9)
        will.hear(Unavailable("down"))
        life._note_change()
    assert store.close(5)
    db = sqlite3.connect(path)
    asked = (
        "SELECT event_type, data FROM events WHERE event_type IN ('pause', 'resume') ORDER BY id"
    )
    events = [(kind, json.loads(data)) for kind, data in db.execute(asked)]
    db.close()
    assert [kind for kind, _ in events] == ["pause", "resume"]
    assert [said["decided_by"] for _, said in events] == ["itself", "itself"]
    assert "Crossed coherence" in events[0][1]["reason"]


def test_a_start_that_the_clock_moved_is_saved(life, tmp_path):
    """Soon, and not with the next step of the drawing, which a pause may keep for days."""
    began = datetime(1970, 1, 1, tzinfo=UTC)
    life._drawing.piece.started_at = began
    life.moved(began, timedelta(days=20_000))
    life._save_canvas()

    assert (began + timedelta(days=20_000)).isoformat()[:10] in (
        tmp_path / "canvas.json"
    ).read_text()


def test_a_large_canvas_is_saved_more_rarely_and_a_finished_piece_soon(life, tmp_path):
    """The card's bytes a day are bounded whatever is drawn; nothing is put away twice."""
    clock = life_file.time.monotonic

    def pause():
        life._is_unsaved = True
        life._save_canvas()
        return life._save_chore.due - clock()

    assert pause() == pytest.approx(life_file.SAVE_CANVAS_SECONDS, abs=0.5)
    for at in range(15_000):
        life._drawing.canvas.paint(at * 7 % 240, at * 11 // 240 % 240, (at % 256, at % 251, at % 7))
    late = pause()
    size = (tmp_path / "canvas.json").stat().st_size
    assert late == pytest.approx(size / life_file.SAVE_CANVAS_BYTES_A_SECOND, abs=0.5)
    assert late > 2 * life_file.SAVE_CANVAS_SECONDS
    life._save_soon()
    assert life._save_chore.due - clock() <= life_file.SAVE_CANVAS_SECONDS
