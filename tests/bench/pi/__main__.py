"""``make bench-pi``: what the creature costs a 512 MB board, beside what else would be put there.

All of it runs in one container of the lab's Pi image, held to 512 MB: the code of this checkout,
with the Python and the packages of the lab's Pi. A day is simulated by turning the four paces that
can be set ABODE_SPEED times as fast; what depends on real time (processor at rest, bytes for the
card, the start) is measured at the real pace. Beside it, in the same run: collectd, which reads the
same board every two seconds and writes it to CSV, and plain sqlite3, which does nothing but store a
row every two seconds.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from apps import hosts as in_force
from apps.anima.settings import Settings
from schemas import ports
from services.cargo import PI_CODE

ROOT: Final = Path(__file__).resolve().parents[3]
HERE: Final = Path(__file__).parent
SPEED: Final = float(os.environ.get("ABODE_SPEED", "120"))
"""How much faster than the sun the simulated day goes by."""
HOURS: Final = float(os.environ.get("ABODE_HOURS", "24"))
REAL_SECONDS: Final = float(os.environ.get("ABODE_SECONDS", "300"))
"""How long each is watched at its real pace."""
STARTS: Final = 5
RSS_MB, CPU_PERCENT, START_SECONDS = 30.0, 2.0, 3.0
BUDGET_MB: Final = Settings.model_fields["write_budget_bytes"].default / 1e6
CODE: Final = f"{ports.ANIMA_CODE_DIR}/current"
COLLECTD: Final = "/usr/sbin/collectd -f -C /bench/collectd.conf"
PLAIN: Final = "python3 /bench/plain.py"


class Cost(NamedTuple):
    """What a process took while it was watched."""

    rss_mb: float
    cpu_percent: float
    bytes_a_day: float


class Board:
    """A container of our own with the release in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def sh(self, script: str, **more: object) -> str:
        """What a script says in there."""
        command = ["docker", "exec", self.name, "sh", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
        if done.returncode:
            raise RuntimeError(f"{script[:80]}: {done.stderr[-800:]}")
        return done.stdout

    def start(self, command: str, log: str, **environment: str) -> int:
        """A process in there, and its pid there."""
        told = " ".join(f"{name}='{value}'" for name, value in environment.items())
        return int(self.sh(f"cd {CODE}/code; {told} {command} >/bench/{log}.log 2>&1 & echo $!"))

    def stop(self, pid: int) -> None:
        """As systemd would."""
        self.sh(f"kill {pid}; for i in $(seq 100); do kill -0 {pid} 2>/dev/null || exit 0; "
                "sleep 0.1; done; exit 1")  # fmt: skip

    def rss_mb(self, pid: int) -> float:
        """Resident memory now."""
        return int(self.sh(f"awk '/^VmRSS/{{print $2}}' /proc/{pid}/status")) / 1000

    def spent(self, pid: int) -> tuple[float, int]:
        """Processor seconds and bytes for the disk so far."""
        said = self.sh(f"cut -d' ' -f14,15 /proc/{pid}/stat; grep ^write_bytes /proc/{pid}/io")
        user, system, wrote = map(int, re.findall(r"\d+", said))
        return (user + system) / os.sysconf("SC_CLK_TCK"), wrote

    def watch(self, pid: int, what: str) -> Cost:
        """At its real pace, for REAL_SECONDS."""
        cpu, wrote = self.spent(pid)
        began = time.monotonic()
        for _ in track(range(int(REAL_SECONDS)), f"{what} at its real pace"):
            time.sleep(1)
        took = time.monotonic() - began
        cpu_now, wrote_now = self.spent(pid)
        return Cost(
            self.rss_mb(pid), 100 * (cpu_now - cpu) / took, (wrote_now - wrote) * 86_400 / took
        )


@contextmanager
def board() -> Iterator[Board]:
    """Made from the lab's Pi and removed again."""
    hosts = in_force.in_force(ROOT)[0]
    lived = in_force.container(hosts, "pi")
    image = _docker("inspect", "-f", "{{.Config.Image}}", lived)
    name = f"abode-bench-{os.getpid()}-pi"
    _docker("run", "-d", "--init", "--name", name, "--memory", "512m", "--entrypoint", "sleep",
            image, "infinity")  # fmt: skip
    try:
        made = Board(name)
        made.sh(f"mkdir -p {ports.ANIMA_CODE_DIR} /bench /bench/home")
        _docker_copy(f"docker exec {lived} tar c -C {ports.ANIMA_CODE_DIR} .",
                     f"docker exec -i {name} tar x -C {ports.ANIMA_CODE_DIR}")  # fmt: skip
        _docker_copy(f"tar c -C {HERE} .", f"docker exec -i {name} tar x -C /bench")
        code = " ".join(PI_CODE)
        _docker_copy(
            f"tar c -C {ROOT} --exclude __pycache__ {code}",
            f"docker exec -i {name} tar x -C {CODE}/code",
        )
        made.sh("apt-get update -qq; apt-get install -qq -y --no-install-recommends collectd-core")
        yield made
    finally:
        _docker("rm", "-fv", name)


def _docker(*words: str) -> str:
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def _docker_copy(source: str, sink: str) -> None:
    subprocess.run(["bash", "-c", f"set -o pipefail; {source} | {sink}"], check=True)


PYTHON: Final = f"{CODE}/venv/bin/python"


def furnish(made: Board, home: str) -> None:
    """An empty database, as the deploy makes it."""
    made.sh(f"mkdir -p {home}; echo token > /bench/token; cd {CODE}/code; "
            f"{PYTHON} -m apps.migrate anima apply --no-backup --file {home}/anima.db")  # fmt: skip


def anima(made: Board, home: str, log: str, speed: float = 1.0) -> int:
    """The creature in a home of its own, its chores so much faster."""
    paces = {"DRAW": 1, "SENSE": 2, "CHECK_IN": 60, "STATE": 60}
    return made.start(
        f"exec {PYTHON} -m apps.anima", log,
        ANIMA_HOME=home, ANIMA_AGENT="lumen", GOVERNANCE_URL="http://127.0.0.1:8767",
        GOVERNANCE_TOKEN_FILE="/bench/token", MALLOC_ARENA_MAX="1", PYTHONUNBUFFERED="1",
        **{f"ANIMA_{name}_EVERY_SECONDS": str(pace / speed) for name, pace in paces.items()},
    )  # fmt: skip


def first_check_in(made: Board) -> float:
    """Seconds from a start to the first check-in that the Mac has."""
    count = "grep -c POST /bench/mac.log || true"
    before = int(made.sh(count))
    began = time.monotonic()
    pid = anima(made, "/bench/home", "starts")
    while int(made.sh(count)) == before:
        if time.monotonic() - began > 60:
            raise RuntimeError(made.sh("cat /bench/starts.log"))
        time.sleep(0.05)
    took = time.monotonic() - began
    made.stop(pid)
    return took


def main() -> int:
    """Measure and print; the exit code says whether the targets were met."""
    with board() as made:
        for home in ("/bench/home", "/bench/day"):
            furnish(made, home)
        mac = made.start("python3 /bench/mac.py", "mac")
        time.sleep(1)
        starts = [first_check_in(made) for _ in range(STARTS)]
        costs = {}
        for name, command in (("collectd", COLLECTD), ("plain sqlite3", PLAIN)):
            pid = made.start(f"exec {command}", name.split()[0])
            time.sleep(5)
            costs[name] = made.watch(pid, name)
            made.stop(pid)
        pid = anima(made, "/bench/home", "real")
        time.sleep(10)
        costs["anima"] = made.watch(pid, "anima")
        made.stop(pid)
        pid = anima(made, "/bench/day", "day", SPEED)
        rss = []
        for _ in track(range(int(HOURS)), f"{HOURS:g} simulated hours, {SPEED:g} times as fast"):
            time.sleep(3600 / SPEED)
            rss.append(made.rss_mb(pid))
        rows = made.sh("sqlite3 /bench/day/anima.db 'SELECT (SELECT count(id) FROM drawing_history)"
                       ", (SELECT count(id) FROM state_history)'").strip()  # fmt: skip
        made.stop(pid)
        made.stop(mac)
    return _print(starts, costs, rss, rows)


def _print(starts: list[float], costs: dict[str, Cost], rss: list[float], rows: str) -> int:
    ours = costs["anima"]
    kept = [
        ("RSS after the day, MB", rss[-1], RSS_MB),
        ("RSS, most of the day, MB", max(rss), RSS_MB),
        ("processor at rest, % of a core", ours.cpu_percent, CPU_PERCENT),
        ("start to first check-in, s (worst)", max(starts), START_SECONDS),
        ("MB a day to the card", ours.bytes_a_day / 1e6, BUDGET_MB),
    ]
    table = Table("anima", "measured", "target", "met")
    for what, value, limit in kept:
        table.add_row(what, f"{value:.2f}", f"<= {limit:.4g}", "yes" if value <= limit else "NO")
    table.add_row("RSS after each hour, MB", " ".join(f"{each:.1f}" for each in rss[::4]), "", "")
    table.add_row("rows of the day: drawing|state", rows, "", "")
    table.add_row("start, s (median)", f"{statistics.median(starts):.2f}", "", "")
    beside = Table("beside it, same board", "RSS MB", "processor %", "MB a day to the card")
    for name, cost in costs.items():
        beside.add_row(name, f"{cost.rss_mb:.1f}", f"{cost.cpu_percent:.2f}",
                       f"{cost.bytes_a_day / 1e6:.1f}")  # fmt: skip
    for name in ("collectd", "plain sqlite3"):
        other = costs[name]
        beside.add_row(f"ratio to {name}", f"{ours.rss_mb / other.rss_mb:.2f}",
                       f"{ours.cpu_percent / max(other.cpu_percent, 0.01):.2f}",
                       f"{ours.bytes_a_day / max(other.bytes_a_day, 1):.2f}")  # fmt: skip
    console = Console()
    console.print(table)
    console.print(beside)
    return 0 if all(value <= limit for _, value, limit in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
