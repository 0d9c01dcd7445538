"""The process as systemd runs it: woken, killed, woken again, stopped."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.sqlite import as_row
from schemas.anima.files import Condition

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 20


@pytest.fixture
def process(tmp_path, path, governance):
    """Starts anima with a quick hand and frequent check-ins; ends what it started."""
    token = tmp_path / "token"
    token.write_text("canary-token")
    started = []

    def start(**changes):
        told = {
            "PATH": os.environ["PATH"],
            "ANIMA_HOME": str(tmp_path),
            "ANIMA_AGENT": "lumen",
            "ANIMA_SEED": "7",
            "ANIMA_DRAW_EVERY_SECONDS": "0.002",
            "ANIMA_SENSE_EVERY_SECONDS": "0.1",
            "ANIMA_CHECK_IN_EVERY_SECONDS": "0.1",
            "GOVERNANCE_URL": governance.url,
            "GOVERNANCE_TOKEN_FILE": str(token),
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "apps.anima"],
            cwd=ROOT,
            env={key: value for key, value in (told | changes).items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _until(fact):
    until = time.monotonic() + DEADLINE_SECONDS
    while not (found := fact()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def _count(path, table):
    db = sqlite3.connect(path)
    count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    db.close()
    return count


def test_kill_9_loses_no_check_in_and_a_stop_is_clean(process, path, governance, tmp_path):
    """Enqueued while governance is down, killed, sent after the next awakening, each once."""
    first = process(GOVERNANCE_URL="http://127.0.0.1:9")
    _until(lambda: _count(path, "outbox") >= 5)
    first.send_signal(signal.SIGKILL)
    first.wait()
    db = sqlite3.connect(path)
    owed = [json.loads(body) for (body,) in db.execute("SELECT body FROM outbox ORDER BY id")]
    db.close()

    second = process()
    _until(lambda: len(governance.received) >= len(owed) + 3)
    second.send_signal(signal.SIGTERM)
    out, err = second.communicate(timeout=DEADLINE_SECONDS)
    sent = [json.loads(body) for _, body in governance.received]

    assert second.returncode == 0, err
    assert err == ""
    assert sent[: len(owed)] == owed
    assert len({(one["boot_id"], one["seq"]) for one in sent}) == len(sent)
    assert len({one["boot_id"] for one in sent}) == 2
    assert sent[-1]["sensor_data"]["drawing_eisv"]["marks"] % 10 == 0
    assert sent[-1]["identity"]["awakenings"] == 2
    assert "canary-token" not in out
    assert out.splitlines()[0].startswith("awake agent=lumen ")
    assert out.splitlines()[-1] == "asleep dropped=0"
    assert (tmp_path / "canvas.json").exists()
    assert not (tmp_path / "anima.db-wal").exists()
    db = sqlite3.connect(path)
    events = [row[0] for row in db.execute("SELECT event_type FROM events ORDER BY id")]
    db.close()
    events = [event for event in events if event != "time_known"]  # governance may be that quick
    assert events == ["wake", "time_recovery", "wake", "sleep"]


def test_a_step_is_recorded_every_tenth_mark(process, path):
    """Without a gap, and the hand goes on after a stop where it was."""
    for rows in (3, 8):
        creature = process()
        _until(lambda rows=rows: _count(path, "drawing_history") >= rows)
        creature.send_signal(signal.SIGTERM)
        creature.communicate(timeout=DEADLINE_SECONDS)
    db = sqlite3.connect(path)
    marks = [row[0] for row in db.execute("SELECT marks FROM drawing_history ORDER BY id")]
    db.close()

    assert marks == list(range(10, 10 * len(marks) + 1, 10))


def test_systemd_hears_ready_alive_and_stopping(process, tmp_path):
    """In this order, over NOTIFY_SOCKET."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(address)
        ear.settimeout(DEADLINE_SECONDS)
        creature = process(NOTIFY_SOCKET=address)
        heard = [ear.recv(100), ear.recv(100)]
        creature.send_signal(signal.SIGTERM)
        heard.append(ear.recv(100))
        creature.communicate(timeout=DEADLINE_SECONDS)

    assert heard == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"ANIMA_HOME": ""}, 2, "ANIMA_HOME"),
        ({"ANIMA_SECRET": "1"}, 2, "ANIMA_SECRET"),
        ({"ANIMA_HOME": "/nowhere"}, 4, "/nowhere/anima.db: is missing"),
    ],
)
def test_what_is_wrong_ends_it_with_a_code_and_a_hint(process, changes, code, word):
    """Two lines on stderr, no traceback."""
    creature = process(**changes)
    _, err = creature.communicate(timeout=DEADLINE_SECONDS)

    assert creature.returncode == code
    assert word in err
    assert len(err.splitlines()) == 2
    assert "hint:" in err


def test_a_damaged_canvas_is_set_aside_and_drawing_goes_on(process, path, tmp_path):
    """The old file stays for whoever wants to save it."""
    (tmp_path / "canvas.json").write_text('{"pixels": {')
    creature = process()
    _until(lambda: _count(path, "drawing_history"))
    creature.send_signal(signal.SIGTERM)
    out, _ = creature.communicate(timeout=DEADLINE_SECONDS)

    assert "canvas set aside" in out
    assert (tmp_path / "canvas.json.damaged-1").read_text() == '{"pixels": {'


@pytest.mark.parametrize(
    "over",
    [{"era": "expressive"}, {"era": "gestural", "gesture": "smear", "remaining": 3},
     {"era": "gestural", "gesture": "", "remaining": 3}],
)  # fmt: skip
def test_a_piece_that_no_hand_can_draw_is_set_aside(process, path, tmp_path, over):
    """Not a traceback at every start."""
    piece = {"x": 1, "y": 1, **over}
    (tmp_path / "canvas.json").write_text(json.dumps({"piece": piece, "pixels": {}}))
    creature = process()
    _until(lambda: _count(path, "drawing_history"))
    creature.send_signal(signal.SIGTERM)
    out, err = creature.communicate(timeout=DEADLINE_SECONDS)

    assert err == ""
    assert "canvas set aside" in out


def test_damage_in_the_depth_ends_it_loudly_and_the_next_start_mends_it(
    process, path, drawing_state
):
    """Ready first; then the whole file is read. What is lost is told; nobody has to come."""
    rows = [tuple(as_row(drawing_state(marks)).values()) for marks in range(4000)]
    db = sqlite3.connect(path)
    names = ", ".join(as_row(drawing_state(0)))
    marks = ", ".join("?" * len(rows[0]))
    db.executemany(f"INSERT INTO drawing_history ({names}) VALUES ({marks})", rows)
    db.commit()
    db.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(content)
    creature = process()
    out, err = creature.communicate(timeout=DEADLINE_SECONDS)

    assert creature.returncode == 4
    assert out.startswith("awake ")
    assert "DATABASE DAMAGED" in out
    assert "it is mended when the process starts again" in err

    creature = process()
    _until(lambda: "damage" in _events(path) and _events(path)[-1] == "wake")
    creature.send_signal(signal.SIGTERM)
    out, err = creature.communicate(timeout=DEADLINE_SECONDS)
    assert (creature.returncode, err) == (0, "")
    assert "DATABASE MENDED" in out
    assert path.with_name("anima.db.damaged-1").stat().st_size == len(content)
    db = sqlite3.connect(path)
    ((found,),) = db.execute("SELECT data FROM events WHERE event_type = 'damage'").fetchall()
    (there,) = db.execute("SELECT count(*) FROM drawing_history WHERE id <= 4000").fetchone()
    db.close()
    assert there + json.loads(found)["lost"].get("drawing_history", 0) == 4000
    assert there > 3800


def _events(path):
    db = sqlite3.connect(path)
    events = [row[0] for row in db.execute("SELECT event_type FROM events ORDER BY id")]
    db.close()
    return events


def test_a_pause_reaches_a_creature_whose_disk_is_full(process, tmp_path, path, governance):
    """The check-in is sent without being queued, under a key of its own each time."""
    governance.answers = [(200, governance.pause)]
    db = sqlite3.connect(path)
    db.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
    db.commit()
    db.close()
    creature = process()
    _until(lambda: len(governance.received) >= 3)
    creature.send_signal(signal.SIGTERM)
    out, err = creature.communicate(timeout=DEADLINE_SECONDS)
    sent = [json.loads(body) for _, body in governance.received]

    assert err == ""
    assert "drawing paused" in out
    assert len({one["boot_id"] for one in sent}) == len(sent)
    assert {one["seq"] for one in sent} == {0}
    assert sent[-1]["pi"]["outbox_depth"] == 0
    assert sent[-1]["identity"]["awakenings"] == 1
    db = sqlite3.connect(path)
    ((metadata,),) = db.execute("SELECT metadata FROM identity").fetchall()
    db.close()
    assert json.loads(metadata)["governance_action"] == "pause"


@pytest.mark.parametrize(("words", "code"), [(["requeue"], 0), (["dance"], 2)])
def test_it_can_do_one_other_thing(path, words, code):
    """Without a token, beside a running process."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "apps.anima", *words],
        cwd=ROOT,
        env={"ANIMA_HOME": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert ("requeued count=0" in done.stdout) is (code == 0)


def test_an_empty_answer_pauses_the_hand_but_not_the_rest(process, path, governance):
    """Sensing and check-ins go on; no verdict is no permission."""
    governance.answers = [(200, b"{}")]
    creature = process(ANIMA_STATE_EVERY_SECONDS="0.1")
    _until(lambda: governance.received)
    _until(lambda: _count(path, "events WHERE event_type = 'pause'"))  # all before it is there, too
    drawn = _count(path, "drawing_history")
    waiting = _count(path, "outbox")
    _until(lambda: _count(path, "outbox") >= waiting + 5)

    assert _count(path, "drawing_history") == drawn
    creature.send_signal(signal.SIGTERM)
    out, _ = creature.communicate(timeout=DEADLINE_SECONDS)
    assert "drawing paused" in out


def test_a_running_creature_says_how_it_is(process, tmp_path):
    """Closed and whole, in the folder that systemd makes for it."""
    folder = tmp_path / "run"
    folder.mkdir()
    running = process(RUNTIME_DIRECTORY=str(folder))
    file = folder / "condition.json"
    _until(file.exists)
    said = Condition.model_validate_json(file.read_bytes())
    assert (said.agent, said.may_draw) == ("lumen", True)
    assert said.rss_bytes > 5e6
    assert said.write_budget_bytes > 0
    running.terminate()
    assert running.wait(DEADLINE_SECONDS) == 0
