"""Writers of a bench that last: pgbench beside the server, each transaction with its time."""

import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg

from tests.stand import Stand

LONGEST: Final = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - l.waitstart)), 0)::float8
  FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE NOT l.granted AND a.application_name = 'pgbench'
"""
LOOK_SECONDS: Final = 0.005


class Felt(NamedTuple):
    """What writers felt of a step."""

    rate: float
    """Transactions a second."""
    p95: float
    """Seconds."""
    wait: float
    """The longest for a lock."""


@dataclass
class Writers:
    """They write until they are ended; a step is from one ``step()`` to the next."""

    at: Stand
    begun: list[tuple[str, float]] = field(default_factory=list)
    waited: dict[str, float] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def step(self, name: str) -> None:
        """From here on."""
        self.begun.append((name, time.time()))

    def felt(self) -> dict[str, Felt]:
        """Of each step, once all is over."""
        took: dict[str, list[float]] = {}
        said = self._in("cat /tmp/writers.*")
        ends = [*(at for _, at in self.begun[1:]), self.begun[-1][1]]
        for line in said.splitlines():
            words = line.split()
            if len(words) < 6 or not words[5].isdigit():
                continue
            at = int(words[4]) + int(words[5]) / 1e6
            for (name, low), high in zip(self.begun, ends, strict=True):
                if low <= at < high:
                    took.setdefault(name, []).append(int(words[2]) / 1e6)
        seconds = {name: high - low for (name, low), high in zip(self.begun, ends, strict=True)}
        return {
            name: Felt(
                len(each) / seconds[name], statistics.quantiles(each, n=20)[-1],
                self.waited.get(name, 0.0),
            )
            for name, each in took.items() if len(each) > 1
        }  # fmt: skip

    def watch(self) -> None:
        """Who waits for a lock, and since when: the server says."""
        with psycopg.connect(self.at.admin, autocommit=True) as conn:
            while not self.over.wait(LOOK_SECONDS):
                step = self.begun[-1][0] if self.begun else ""
                (seconds,) = conn.execute(LONGEST).fetchone() or (0.0,)
                self.waited[step] = max(seconds, self.waited.get(step, 0.0))

    def _in(self, shell: str) -> str:
        done = subprocess.run(
            ["docker", "exec", self.at.postgres, "sh", "-c", shell],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


@contextmanager
def writing(at: Stand, clients: int, script: str) -> Iterator[Writers]:
    """So many writers while something else goes on."""
    (at.folder / "writers.sql").write_text(script)
    subprocess.run(
        ["docker", "cp", "-q", str(at.folder / "writers.sql"), f"{at.postgres}:/tmp/"], check=True
    )
    writers = Writers(at)
    writers._in("rm -f /tmp/writers.*[0-9]")
    shell = (
        "echo $$ > /tmp/pgbench.pid; exec pgbench -n -M prepared -h /sock -U postgres"
        f" -c {clients} -j 1 -T 36000 -l --log-prefix=/tmp/writers -f /tmp/writers.sql"
        f" {at.database}"
    )
    command = ["docker", "exec", at.postgres, "sh", "-c", shell]
    with (at.folder / "writers.log").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    watcher = threading.Thread(target=writers.watch)
    watcher.start()
    try:
        yield writers
        if process.poll() is not None:
            raise RuntimeError((at.folder / "writers.log").read_text()[-500:])
    finally:
        writers.over.set()
        watcher.join()
        if process.poll() is None:
            # What is in its buffers is lost: a few of the last.
            writers._in("kill -INT $(cat /tmp/pgbench.pid)")
        process.wait()
