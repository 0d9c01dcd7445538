"""``make bench-deploy``: the deploy that changes nothing, against ansible-core on the same hosts.

Alternating runs, best of each, and the ratio. It looks at the hosts in force and changes nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from apps import hosts as in_force
from apps.ops import reach
from schemas.hosts import Hosts
from services.anima import UNIT
from services.migrations import LEDGER
from services.postgres import statement

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RUNS = 5
TARGET = 8.0


def main() -> int:
    """Measure and print; the exit code says only whether both did their work."""
    hosts, state = in_force.in_force(ROOT)
    with tempfile.TemporaryDirectory() as directory:
        there = Path(directory)
        inventory = there / "inventory.json"
        inventory.write_text(json.dumps(_inventory(hosts, state)))
        ours = [str(BIN / "pyinfra"), "inventory.py", "deploy.py", "-y", "--json"]
        theirs = [str(BIN / "ansible-playbook"), "-i", str(inventory), "tests/bench/deploy.yml"]
        _timed(theirs, there)
        seconds = [(_timed(ours, there), _timed(theirs, there)) for _ in range(RUNS)]
    best = [min(each) for each in zip(*seconds, strict=True)]
    table = Table("no-change deploy", *(f"run {n + 1}" for n in range(RUNS)), "best")
    for name, times, least in zip(("abode", "ansible-core"), zip(*seconds, strict=True), best,
                                  strict=True):  # fmt: skip
        table.add_row(name, *(f"{t:.2f} s" for t in times), f"{least:.2f} s")
    console = Console()
    console.print(table)
    console.print(f"ratio {best[1] / best[0]:.1f}x (target {TARGET:g}x)")
    return 0


def _timed(command: list[str], home: Path) -> float:
    environment = {
        **os.environ,
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    spent = time.monotonic() - begun
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    if "pyinfra" in command[0] and json.loads(done.stdout)["results"]["totals"]["success"]:
        raise SystemExit("the deploy changed something: deploy first, then measure")
    return spent


def _inventory(hosts: Hosts, state: Path) -> dict[str, Any]:
    """The hosts in force, and what the playbook compares them with, as ansible reads them."""

    def called(what: str) -> str:
        return in_force.container(hosts, what)

    containers = [called(name) for name in ("postgres-age", "redis", "governance")]
    docker = ["docker", "inspect", "-f", "{{.Config.Image}}", *containers]
    images = subprocess.run(docker, capture_output=True, text=True, check=True).stdout.split()
    board = hosts.pi[0]
    files = [
        ("/etc/anima/anima.env", "644"),
        (f"/etc/systemd/system/{UNIT}", "644"),
        ("/etc/anima/governance_token", "600"),
    ]
    ssh = f"-o UserKnownHostsFile={board.ssh.known_hosts} -o StrictHostKeyChecking=yes"
    mac = {
        "ansible_python_interpreter": sys.executable,
        "secrets": str(state / "secrets"),
        "images": [in_force.BASE, *images],
        "networks": [called("abode-data"), called("abode-lan")],
        "volumes": [
            *(f"{name}-{kind}" for name in containers[:2] for kind in ("data", "socket")),
            f"{containers[2]}-data",
        ],
        "containers": containers,
        "queries": [
            {"database": "postgres", "query": statement("postgres/state.sql")},
            {"database": "governance", "query": statement("postgres/extensions.sql")},
            {"database": "governance", "query": LEDGER.format("ledger.")},
        ],
    }
    pi = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_host": board.ssh.hostname,
        "ansible_port": board.ssh.port,
        "ansible_user": board.ssh.user,
        "ansible_ssh_private_key_file": board.ssh.key,
        "ansible_ssh_common_args": ssh,
        "key": "\n".join(board.operator_keys),
        "pi_files": [
            {"dest": path, "content": _there(board, path), "mode": mode} for path, mode in files
        ],
    }
    return {"mac": {"hosts": {"localhost": mac}}, "pi": {"hosts": {"board": pi}}}


def _there(board: Any, path: str) -> str:
    command = reach.ssh_command(board.ssh, f"sudo cat {path}")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
