"""A governance that comes and goes at one address, and the creature's real process."""

import json
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.migrate import runner
from apps.migrate.lines import line

ROOT = Path(__file__).parents[3]
ALIVE = runpy.run_path(str(ROOT / "tests" / "database" / "governance" / "conftest.py"))
start = ALIVE["start"]
DEADLINE_SECONDS = 90


class Mac:
    """Governance at one port, whether it is there or not."""

    def __init__(self, start):
        self._start = start
        self.port = ALIVE["free_port"]()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def comes(self):
        """Begins, and answers."""
        self.process = self._start(GOVERNANCE_LOCAL_PORT=str(self.port))
        return self.process.ready()

    def goes(self):
        """Without a warning."""
        self.process.end(signal.SIGKILL)


class Creature:
    """The process, its file, and what the kernel says of it."""

    def __init__(self, folder, url):
        self.folder, self.path = folder, folder / "anima.db"
        (folder / "token").write_text("token-of-lumen")
        self.told = {
            "PATH": os.environ["PATH"],
            "ANIMA_HOME": str(folder),
            "ANIMA_AGENT": "lumen",
            "ANIMA_SEED": "7",
            "ANIMA_SENSE_EVERY_SECONDS": "0.2",
            "GOVERNANCE_URL": url,
            "GOVERNANCE_TOKEN_FILE": str(folder / "token"),
        }
        self.process = None

    def wakes(self, module="apps.anima", **changes):
        """Begins; with another module that, which runs the same."""
        log = (self.folder / "anima.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=self.told | changes,
            stdout=log,
            stderr=log,
        )
        log.close()

    def is_killed(self):
        """As by a power cut."""
        self.process.kill()
        self.process.wait()

    def sleeps(self):
        """Is told to stop; gives the exit code."""
        self.process.terminate()
        return self.process.wait(30)

    def log(self):
        """What it has said."""
        return (self.folder / "anima.log").read_text()

    def rows(self, query):
        """What its file holds."""
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        db.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in db.execute(query)]
        finally:
            db.close()

    def rss_mb(self):
        """What it holds of memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.fixture(scope="session")
def until():
    """Waits for a fact, and gives it."""

    def wait(fact, seconds=DEADLINE_SECONDS):
        end = time.monotonic() + seconds
        while not (found := fact()):
            assert time.monotonic() < end
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
def mac(start):
    """One that is not there yet."""
    return Mac(start)


@pytest.fixture
def creature(tmp_path, mac):
    """One that sleeps; its file is migrated."""
    folder = tmp_path / "anima"
    folder.mkdir()
    runner.apply(line("anima"), str(folder / "anima.db"))
    made = Creature(folder, mac.url)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


@pytest.fixture(scope="session")
def figures():
    """Writes down what was measured, if ABODE_FIGURES names a file."""

    def write(name, **measured):
        if place := os.environ.get("ABODE_FIGURES"):
            with Path(place).open("a") as file:
                file.write(json.dumps({"of": name, **measured}) + "\n")
        sys.stdout.write(f"{name}: {measured}\n")

    return write
