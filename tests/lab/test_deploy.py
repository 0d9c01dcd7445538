"""Deploys that are cut short, or that meet: the house converges, and one at a time is at work."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from services.anima import UNIT

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261120
KILLS = int(os.environ.get("ABODE_KILLS", "3"))
"""`make soak` asks for more."""


AFTER = {"save": "appendfsync everysec", "RestartSec": "Restart=always"}
"""The line that each declared one follows."""


def _begin(standing, root):
    return subprocess.Popen(
        [str(standing.bin / "pyinfra"), "inventory.py", "deploy.py", "-y"],
        cwd=root,
        env={**standing.environment, "PYTHONPATH": str(root)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _declare(root, turn):
    """Something else on both hosts, so that every deploy has work to do."""
    for name, line in (
        ("templates/redis/redis.conf.j2", f"save {1000 + turn} 1"),
        ("templates/anima/anima.service.j2", f"RestartSec={3 + turn}"),
        ("apps/anima/__init__.py", f"TURN = {turn}"),
        ("apps/governance/identities.py", f"TURN = {turn}"),
    ):
        path, key = root / name, line.replace("=", " ").split()[0]
        lines = [old for old in path.read_text().splitlines() if not old.startswith(key)]
        at = len(lines) if name.startswith("apps") else lines.index(AFTER[key]) + 1
        path.write_text("\n".join([*lines[:at], line, *lines[at:]]) + "\n")


def test_a_deploy_killed_anywhere_is_finished_by_the_next(standing, copy):
    """SIGKILL after a while that the seed decides; one more deploy, and nothing is left to do."""
    chance = random.Random(SEED)
    for turn in range(KILLS):
        _declare(copy, turn)
        process = _begin(standing, copy)
        time.sleep(chance.uniform(0.5, 12.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    standing.deploy("-y", root=copy)
    said = json.loads(standing.deploy("-y", "--json", root=copy).stdout)

    assert said["results"]["totals"]["success"] == 0
    assert standing.ssh(f"systemctl is-active {UNIT}") == "active"
    assert f"save {1000 + KILLS - 1} 1" in standing.docker(
        "exec", standing.called("redis"), "sh", "-c", "cat $ABODE_FILES/redis.conf"
    )


def test_a_second_deploy_at_once_names_the_first(standing, hosts_toml):
    """The one that comes later is refused with the holder's pid; the first goes on undisturbed."""
    hosts_toml.write_text(hosts_toml.read_text().replace("memory_mb = 16384", "memory_mb = 12288"))
    first = _begin(standing, ROOT)
    time.sleep(1.5)
    second = standing.deploy("-y", check=False)
    said = second.stdout + second.stderr

    assert first.poll() is None, "the first deploy was over too soon to tell"
    assert second.returncode == 2
    assert f"pid {first.pid}" in said
    assert "Traceback" not in said
    assert first.wait() == 0
