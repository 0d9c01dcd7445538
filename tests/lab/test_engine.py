"""An engine of our own: started, found again, stopped; in namespaces where no other one is seen."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN_WORLD = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
EMPTY = """
set -e
for place in /run /var/lib/docker; do
    mkdir -p $place
    mount -t tmpfs tmpfs $place
done
exec "$@"
"""
QUIET = ("--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs")
BEGIN = """
import json, sys
from pathlib import Path
from apps.lab import engine, process

notes, arguments, said = Path(sys.argv[1]), sys.argv[2:], {}
said["before"] = engine.answers()
pid = engine.start(notes, *arguments)
"""


@pytest.fixture
def lived(tmp_path):
    """Runs a life of an engine where /run is empty and no network is; gives what it noted."""
    if os.geteuid() or not shutil.which("dockerd") or not shutil.which("unshare"):
        pytest.skip("needs root, dockerd and unshare")
    (tmp_path / "daemon.json").write_text("{}")
    arguments = [*QUIET, "--config-file", str(tmp_path / "daemon.json")]

    def live(life):
        command = ["sh", "-c", EMPTY, "sh", sys.executable, "-c", BEGIN + life]
        environment = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
        done = subprocess.run(
            [*OWN_WORLD, *command, str(tmp_path / "notes"), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return live


def test_an_engine_is_started_found_again_and_stopped(lived):
    """Its note names it; a second question starts no second one; after stop nothing is left."""
    said = lived("""
said["mark"] = engine.noted(notes) == f"dockerd {process.mark(pid)}"
said["mode"] = oct(notes.stat().st_mode & 0o777)
said["running"] = engine.running() == pid
said["again"] = engine.have(notes)
said["stopped"] = engine.stop(notes).startswith(f"engine (dockerd {pid}:")
said["left"] = [engine.answers(), engine.running(), notes.exists(), engine.stop(notes)]
print(json.dumps(said))
""")

    assert said == {
        "before": False,
        "mark": True,
        "mode": "0o700",
        "running": True,
        "again": ["answers", 0.0],
        "stopped": True,
        "left": [False, None, False, None],
    }


def test_a_dockerd_that_we_did_not_start_is_not_stopped(lived):
    """A note of an engine that is gone, whose number a stranger's dockerd has now."""
    said = lived("""
(notes / "engine.json").write_text(json.dumps({"process": f"{pid}:1"}))
said["stopped"] = engine.stop(notes)
said["left"] = [engine.answers(), engine.running() == pid, notes.exists()]
print(json.dumps(said))
""")

    assert said == {"before": False, "stopped": None, "left": [True, True, False]}


def test_an_engine_that_cannot_start_says_why(lived):
    """Its own last words, and no note is left of it."""
    said = lived("""
engine.stop(notes)
try:
    engine.start(notes, "--no-such-flag")
except Exception as error:
    said["why"] = str(error)
said["left"] = notes.exists()
print(json.dumps(said))
""")

    assert said["left"] is False
    assert "unknown flag: --no-such-flag" in said["why"]
