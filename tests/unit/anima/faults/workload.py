"""What a recorded run does: everything that is promised to last, each said when it is promised.

Run by test_power_cuts.py in a process of its own, on a disk that writes down every change.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from apps import documents
from apps.anima import writer
from apps.anima.backups import Backups
from apps.anima.checkin import compose, new_boot_id
from apps.anima.recovery import recover
from apps.anima.store import Store
from schemas.anima.tables import DrawingState, Event, EventType
from schemas.eisv import Anima

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROUNDS = 150
CHECKPOINT_PAGES = 40


def live(home: Path) -> None:
    """Two runs of a store, with check-ins, canvases and backups in between."""
    for run in range(2):
        store = Store(home / "anima.db", "lumen", linger=0.002)
        store.start()
        store.wake(NOW)
        anima = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)
        boot = new_boot_id()
        build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
        for number in range(run * ROUNDS, (run + 1) * ROUNDS):
            promise = store.record_drawing_state(_state(number))
            if number % 3 == 0:
                promise.result(5)
                say("drawing", number)
            if number % 4 == 0:
                say("checkin", store.enqueue_checkin(boot, NOW, build))
            if number % 10 == 9:
                seq = store.oldest_checkins(1)[0].id
                say("going", seq)
                store.acknowledge(seq, "pause" if number % 20 == 9 else "proceed")
                say("action", "pause" if number % 20 == 9 else "proceed")
            if number % 7 == 0:
                event = Event(timestamp=NOW, event_type=EventType.NAME_CHANGE, data={"n": number})
                store.record_event(event).result(5)
                say("event", number)
            if number % 25 == 0:
                documents.replace(home / "canvas.json", [json.dumps({"number": number})])
                say("canvas", number)
            if number % 70 == 60:
                say("backup", Backups(home / "anima.db").make(NOW).number)
        store.close(10)


def say(what: str, which: object) -> None:
    """It is promised from here on."""
    os.write(ACKS, f"{what} {which}\n".encode())


def _state(marks: int) -> DrawingState:
    row = {
        "timestamp": NOW, "E": 0.3, "I": 1 / 3, "S": 0.5, "V": -0.1, "C": 0.47, "marks": marks,
        "phase": "building", "era": "gestural", "arc_phase": "developing", "energy": 0.6,
        "curiosity": 0.8, "engagement": 0.5, "fatigue": 0.1, "gesture_entropy": 0.5,
        "switching_rate": 0.25, "intentionality": 0.4,
    }  # fmt: skip
    return DrawingState.model_validate(row)


if __name__ == "__main__":
    HOME = Path(os.environ["DISK_HOME"])
    ACKS = os.open(HOME / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer.CHECKPOINT_PAGES, writer.IDLE_SECONDS = CHECKPOINT_PAGES, 0.005
    if sys.argv[1] == "live":
        live(HOME)
    else:
        recover(HOME / "anima.db", "spoiled by a test")
        say("mended", 1)
