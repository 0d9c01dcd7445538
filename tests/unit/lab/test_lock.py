"""The deploy lock: one holder, named; a child of the holder shares it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apps.ops import lock
from schemas.errors import Refused

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, pathlib
from apps.ops import lock
lock.hold(pathlib.Path(sys.argv[1]), 'other deploy')
print('held', flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def let_go(tmp_path):
    """At the end, of what this process holds: it lives on."""
    yield
    if held := lock._held.pop(tmp_path / "deploy.lock", None):
        held.close()


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_deploy_says_who_holds_the_lock(tmp_path, other):
    """Pid, since when, which command."""
    with pytest.raises(Refused) as refused:
        lock.hold(tmp_path, "mine")

    assert f"held by pid {other.pid} since 20" in refused.value.message
    assert "(other deploy)" in refused.value.message


def test_a_killed_holder_leaves_no_lock(tmp_path, other):
    """The kernel takes it back."""
    other.send_signal(signal.SIGKILL)
    other.wait()

    lock.hold(tmp_path, "mine")
    assert f"pid {os.getpid()} since" in (tmp_path / "deploy.lock").read_text()


def test_holding_twice_is_holding_once(tmp_path):
    """Within one process."""
    assert lock.hold(tmp_path, "mine") == lock.hold(tmp_path, "mine again")


def child(tmp_path, **env):
    """A child's attempt to hold the lock."""
    return subprocess.run(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_child_of_the_holder_shares_the_lock(tmp_path):
    """As pyinfra does under abode deploy."""
    lock.hold(tmp_path, "abode deploy")

    assert child(tmp_path).returncode == 1
    assert child(tmp_path, ABODE_DEPLOY_LOCK=str(os.getpid())).stdout == "held\n"


def test_a_stale_inheritance_opens_nothing(tmp_path, other):
    """The variable must name the one who really holds it."""
    assert child(tmp_path, ABODE_DEPLOY_LOCK=str(os.getpid())).returncode == 1
