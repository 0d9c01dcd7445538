"""The power goes at any write, sync or rename: what was promised is there at the next start."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from apps.anima import writer
from apps.anima.backups import kept, verify
from apps.anima.recovery import recover, trouble
from apps.anima.store import Store
from tests.unit.anima.faults import powercut, workload
from tests.unit.anima.faults.creature import ROOT, amount, tell

CUTS = amount("ABODE_ANIMA_CUTS", 60)
MENDING_CUTS = amount("ABODE_ANIMA_MENDING_CUTS", 12)
SEED = 20261129


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """The library that writes down what happens to a disk."""
    return powercut.built(tmp_path_factory.mktemp("disk"))


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """A store that is closed looks up from its queue sooner."""
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.005)


def _recorded(disk, before, word):
    """The changes that a run made to a copy of ``before``."""
    home = before.with_name(f"{before.name}-run")
    shutil.copytree(before, home)
    log = before.with_name(f"{before.name}.log")
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.anima.faults.workload", word],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(disk), "DISK_HOME": str(home), "DISK_LOG": str(log)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return powercut.recorded(log)


def _cuts(changes, before, into, cuts, *, strict):
    """Homes as power cuts leave them, each with what was promised before it."""
    rng, disk, taken = Random(SEED), powercut.Disk(before, strict=strict), 0
    promised: list[str] = []
    for number, at in enumerate(sorted(rng.randrange(len(changes) + 1) for _ in range(cuts))):
        for change in changes[taken:at]:
            if change.name == "acks":
                promised += change.data.decode().split("\n")[:-1]
            else:
                disk.take(change)
        taken = at
        home = into / str(number)
        home.mkdir()
        disk.cut(rng, home)
        yield home, [line.split() for line in promised]
        shutil.rmtree(home)


def _set(promised, what):
    return {int(which) for said, which in promised if said == what}


@pytest.mark.parametrize("strict", [False, True])
def test_what_was_promised_survives_every_power_cut(memory, migrated, disk, capsys, strict):
    """Rows, check-ins, the verdict, events, canvas and backups; and no false alarm."""
    before = memory / "before"
    before.mkdir()
    shutil.copy(migrated, before / "anima.db")
    changes = _recorded(disk, before, "live")
    lost, alarms, seconds = [], 0, []
    for home, promised in _cuts(changes, before, memory, CUTS // 2, strict=strict):
        began = time.monotonic()
        alarms += trouble(home / "anima.db") is not None
        lost += _missing(home, promised)
        seconds.append(time.monotonic() - began)
    seconds.sort()
    tell(
        capsys,
        {
            f"power cuts, {'strict' if strict else 'as ext4'}": len(seconds),
            "changes they were among": len(changes),
            "promises broken": len(lost),
            "false alarms": alarms,
            "recovery p99 s": round(seconds[len(seconds) * 99 // 100], 2),
        },
    )

    assert lost == []
    assert alarms == 0


def _missing(home: Path, promised) -> list[str]:
    """What is not there although it was promised."""
    store = Store(home / "anima.db", "lumen")
    store.start()
    action = store.wake(workload.NOW)
    store.close(10)
    with closing(sqlite3.connect(home / "anima.db")) as db:
        (whole,) = db.execute("PRAGMA integrity_check").fetchone()
        drawn = {m for (m,) in db.execute("SELECT marks FROM drawing_history")}
        outbox = {i for (i,) in db.execute("SELECT id FROM outbox")}
        happened = "SELECT json_extract(data, '$.n') FROM events"
        events = {n for (n,) in db.execute(happened)}
    lost = [] if whole == "ok" else [f"integrity: {whole}"]
    lost += [f"drawing {n}" for n in _set(promised, "drawing") - drawn]
    lost += [f"checkin {n}" for n in _set(promised, "checkin") - _set(promised, "going") - outbox]
    lost += [f"event {n}" for n in _set(promised, "event") - events]
    said = [which for what, which in promised if what == "action"]
    going = len(_set(promised, "going"))
    if said and going == len(said) and action != said[-1]:
        lost.append(f"action {said[-1]}, not {action}")
    if canvases := _set(promised, "canvas"):
        there = json.loads((home / "canvas.json").read_text())["number"]
        lost += [f"canvas {there}"] if there < max(canvases) else []
    backups = {each.number for each in kept(home)}
    for each in kept(home):
        verify(each.path)
    newest = max(_set(promised, "backup"), default=0)
    lost += [f"backup {newest}"] if newest and newest not in backups else []
    return lost


def test_a_recovery_survives_every_power_cut(memory, migrated, disk):
    """Whenever the power goes while a damaged file is mended, the next start ends it."""
    whole, before = memory / "whole", memory / "before"
    whole.mkdir()
    shutil.copy(migrated, whole / "anima.db")
    _recorded(disk, whole, "live")
    shutil.copytree(memory / "whole-run", before)
    content = bytearray((before / "anima.db").read_bytes())
    with closing(sqlite3.connect(before / "anima.db")) as db:
        ask = "SELECT rootpage FROM sqlite_schema WHERE name = 'state_history'"
        (page,) = db.execute(ask).fetchone()
        outbox = set(db.execute("SELECT id FROM outbox"))
    content[(page - 1) * 4096 : page * 4096] = b"\x99" * 4096
    (before / "anima.db").write_bytes(content)
    changes = _recorded(disk, before, "mend")
    for home, promised in _cuts(changes, before, memory, MENDING_CUTS, strict=True):
        path = home / "anima.db"
        if found := trouble(path) or (not promised and "not marked yet"):
            recover(path, found)
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert set(db.execute("SELECT id FROM outbox")) >= outbox
            (rows,) = db.execute("SELECT count(*) FROM drawing_history").fetchone()
            assert rows == 2 * workload.ROUNDS
        assert trouble(path) is None
