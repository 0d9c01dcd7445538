"""Watches a Pi until its loop has made a check-in and it has arrived; changes nothing.

The standard library only: sent there, run there, left nowhere. It reads anima.db beside its writer
and condition.json in /run, and prints one JSON object.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

BUSY_SECONDS = 2.0
LOOK_SECONDS = 0.01
"""A check-in lies in the outbox for as long as its way to the Mac and back."""
TICK_SECONDS = 0.1
"""By so much one file's time may lag behind another's."""
TELL_SECONDS = 8.0
"""The condition is told every five."""
STEPS_BACK = 20_000
STEP = ("E, I, S, V, C, marks, phase, era, energy, curiosity, engagement, fatigue, arc_phase, "
        "gesture_entropy, switching_rate, intentionality")  # fmt: skip


def main() -> None:
    """Do what the argument asks."""
    asked = json.loads(sys.argv[1])
    told: dict[str, Any] = {"now": _now(), "unit": _unit(), **_condition(asked)}
    try:
        with _opened(asked["database"]) as db:
            if asked["do"] == "step":
                told = _step(db, asked["drawing"], asked["before"])
            else:
                _watch(db, asked, told)
    except sqlite3.Error as error:
        told["error"] = str(error)
    sys.stdout.write(json.dumps(told) + "\n")


def _opened(place: str) -> sqlite3.Connection:
    path = os.path.expanduser(place)  # noqa: PTH111
    uri = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _unit() -> str:
    show = ["systemctl", "show", "anima.service", "-p", "ActiveState", "--value"]
    return subprocess.run(show, capture_output=True, text=True, check=False).stdout.strip()


def _condition(asked: dict[str, Any]) -> dict[str, Any]:
    """What the creature says of itself, and since when; the process has a clock of its own."""
    try:
        with open(asked["condition"], encoding="utf-8") as file:  # noqa: PTH123
            told = os.fstat(file.fileno()).st_mtime
            said = json.load(file)
    except (OSError, ValueError):
        return {"condition": None, "told": 0.0, "age": None}
    return {"condition": said, "told": told, "age": max(0.0, round(time.time() - told, 1))}


def _written(asked: dict[str, Any]) -> float:
    """When anima.db last changed."""
    path = os.path.expanduser(asked["database"])  # noqa: PTH111
    return max(os.stat(each).st_mtime for each in (path, f"{path}-wal") if os.path.exists(each))  # noqa: PTH110, PTH116


def _watch(db: sqlite3.Connection, asked: dict[str, Any], told: dict[str, Any]) -> None:
    """Until a check-in is made, until it has arrived, until the condition tells what came back."""
    told["before"] = before = _look(db)
    if asked["wait"] and told["unit"] == "active":
        told["made"] = _made(db, before["given"], asked["wait"])
    newest = _given(db)
    begun = time.monotonic()
    while _waits(db, newest) and time.monotonic() - begun < asked["settle"]:
        time.sleep(LOOK_SECONDS)
    until = time.monotonic() + TELL_SECONDS
    while told["unit"] == "active" and time.monotonic() < until:
        told |= _condition(asked)
        newest = _given(db)
        if told["told"] > _written(asked) + TICK_SECONDS:
            break  # told after the last commit: it knows every answer
        time.sleep(LOOK_SECONDS * 10)
    told |= {"after": _look(db), "now": _now(), "newest": newest}
    seq = asked["seq"] or (told.get("made") or {}).get("seq") or newest
    told["fate"] = _fate(db, seq)


def _made(db: sqlite3.Connection, given: int, seconds: float) -> dict[str, Any] | None:
    """The next check-in; with its body if it was seen before it was gone."""
    until, version = time.monotonic() + seconds, None
    while time.monotonic() < until:
        (now,) = db.execute("PRAGMA data_version").fetchone()
        if now != version:
            version = now
            query = "SELECT id, body FROM outbox WHERE id > ? ORDER BY id LIMIT 1"
            if row := db.execute(query, (given,)).fetchone():
                return {"seq": row[0], "body": row[1]}
            if _given(db) > given:
                return {"seq": given + 1, "body": None}
        time.sleep(LOOK_SECONDS)
    return None


def _given(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return row[0] if row else 0


def _waits(db: sqlite3.Connection, upto: int) -> bool:
    return db.execute("SELECT 1 FROM outbox WHERE id <= ? LIMIT 1", (upto,)).fetchone() is not None


def _look(db: sqlite3.Connection) -> dict[str, Any]:
    drawn = "SELECT id, timestamp FROM drawing_history ORDER BY id DESC LIMIT 1"
    ledger = "SELECT max(migration_id) FROM _yoyo_migration"
    return {
        "given": _given(db),
        "waiting": db.execute("SELECT count(*) FROM outbox").fetchone()[0],
        "drawn": db.execute(drawn).fetchone(),
        "migration": db.execute(ledger).fetchone()[0],
    }


def _fate(db: sqlite3.Connection, seq: int) -> dict[str, Any]:
    """What became of one check-in, as far as this side knows."""
    waits = db.execute("SELECT attempts, last_error FROM outbox WHERE id = ?", (seq,)).fetchone()
    no = db.execute("SELECT reason FROM outbox_rejected WHERE id = ?", (seq,)).fetchone()
    return {"seq": seq, "given": seq <= _given(db), "waits": waits, "rejected": no and no[0]}


def _step(db: sqlite3.Connection, drawing: dict[str, Any], before: str) -> dict[str, Any]:
    """The recorded step with exactly these numbers, and the one that was the newest then."""
    names = [name for name in STEP.split(", ") if name in drawing]
    (newest,) = db.execute("SELECT max(id) FROM drawing_history").fetchone()
    same = " AND ".join(f"{name} IS ?" for name in names)
    since = (newest or 0) - STEPS_BACK
    row = db.execute(
        f"SELECT id, timestamp FROM drawing_history WHERE id > ? AND {same} "  # noqa: S608  # names are ours
        "ORDER BY id DESC LIMIT 1", (since, *(drawing[name] for name in names)),
    ).fetchone()  # fmt: skip
    near = db.execute(
        f"SELECT id, {', '.join(names)} FROM drawing_history "  # noqa: S608
        "WHERE id > ? AND timestamp <= ? ORDER BY id DESC LIMIT 1", (since, before),
    ).fetchone()  # fmt: skip
    told = dict(zip(["id", *names], near, strict=True)) if near else None
    return {"step": row, "near": told, "newest": newest}


if __name__ == "__main__":
    main()
