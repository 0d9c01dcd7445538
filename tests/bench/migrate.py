"""``make bench-migrate``: the runner against psql, sqlite3 and plain yoyo, in the same run.

Fifty small migrations into an empty database, then nothing pending; the plan on the Pi. Postgres
is a server of its own from the lab's image, with fsync on. Medians of whole processes.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from apps import hosts as in_force
from apps.ops import reach
from schemas import ports

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RUNS: Final = int(os.environ.get("ABODE_RUNS") or 5)
MIGRATIONS: Final = 50
OURS = """
import runpy, sys
from pathlib import Path
from apps.migrate import lines
lines.MIGRATIONS = Path(sys.argv[1])
lines.ENGINES["bench"] = sys.argv[2]
del sys.argv[1:3]
runpy.run_module("apps.migrate", run_name="__main__", alter_sys=True)
"""
Seconds = float


def main() -> int:
    """Measure and print; the exit code says only whether everything did its work."""
    console = Console()
    table = Table("migrations", "ours", "beside it", "ratio", "target", "met")
    with tempfile.TemporaryDirectory() as directory, server() as dsn:
        folder = Path(directory)
        for what, ours, name, theirs, limit in [
            *_fifty(folder, dsn), *_nothing(folder, dsn), *_on_the_pi(),
        ]:  # fmt: skip
            good = not limit or ours <= limit * (theirs or 1)
            table.add_row(
                what, f"{ours:.3f} s", f"{name} {theirs:.3f} s" if theirs else "",
                f"{ours / theirs:.2f}" if theirs else "",
                "" if not limit else f"<= {limit:g}{'x' if theirs else ' s'}",
                "" if not limit else "yes" if good else "NO",
            )  # fmt: skip
    console.print(table)
    return 0


Row = tuple[str, Seconds, str, Seconds | None, float]


def _fifty(folder: Path, dsn: str) -> Iterator[Row]:
    """Fifty small migrations, each into a database that is new."""
    for engine in ("postgres", "sqlite"):
        line = _line(folder / engine, engine)
        name = "psql" if engine == "postgres" else "sqlite3"
        rivals = {name: _plain(line, engine), "yoyo": _yoyo(line, engine)}

        def made(engine: str = engine) -> str:
            return _database(dsn) if engine == "postgres" else str(folder / f"{uuid4().hex}.db")

        times: dict[str, list[Seconds]] = {name: [] for name in ("ours", *rivals)}
        for _ in range(RUNS):
            times["ours"].append(_timed(_ours(folder, engine, "apply", made())))
            for rival, command in rivals.items():
                times[rival].append(_timed(command(made())))
        median = {each: statistics.median(of) for each, of in times.items()}
        yield f"{MIGRATIONS} small, {engine}", median["ours"], name, median[name], 3.0
        yield f"{MIGRATIONS} small, {engine}", median["ours"], "yoyo", median["yoyo"], 0


def _nothing(folder: Path, dsn: str) -> Iterator[Row]:
    """An apply that finds nothing to do."""
    for engine in ("postgres", "sqlite"):
        to = _database(dsn) if engine == "postgres" else str(folder / "nothing.db")
        _timed(_ours(folder, engine, "apply", to))
        times = [_timed(_ours(folder, engine, "apply", to)) for _ in range(2 * RUNS)]
        yield f"nothing pending, {engine}", statistics.median(times), "", None, 0.3


def _on_the_pi() -> Iterator[Row]:
    """The plan, by the release on the Pi; as it is there, and with the way to it."""
    hosts, state = in_force.in_force(ROOT)
    pi = hosts.pi[0]
    to = pi.ssh.model_copy(update={"user": pi.user})
    script = f"cd {ports.ANIMA_CODE_DIR}/current/code && ../venv/bin/python -m apps.migrate"
    command = reach.ssh_command(to, f"{script} anima plan --database {pi.database}", state=state)
    if subprocess.run(command, capture_output=True, check=False).returncode:
        sys.stderr.write("the release on the Pi has no plan yet: abode deploy\n")
        return
    times = [_timed(command) for _ in range(RUNS)]
    yield "plan on the Pi, over ssh", statistics.median(times), "", None, 1.0


def _line(folder: Path, engine: str) -> Path:
    line = folder / "bench"
    line.mkdir(parents=True)
    schema = "public." if engine == "postgres" else ""
    true = "to_regclass('public.t{n}') IS NOT NULL" if engine == "postgres" else "1"
    for n in range(1, MIGRATIONS + 1):
        name = f"{n:04}.create-t{n}"
        (line / f"{name}.sql").write_text(
            f"-- ensure: SELECT {true.format(n=n)}\n"
            f"CREATE TABLE {schema}t{n} (id integer PRIMARY KEY, name text NOT NULL);\n"
        )
        (line / f"{name}.rollback.sql").write_text(f"DROP TABLE {schema}t{n};\n")
    return line


def _ours(folder: Path, engine: str, verb: str, to: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        OURS,
        str(folder / engine),
        engine,
        "bench",
        verb,
        "--database",
        to,
    ]


def _plain(line: Path, engine: str) -> Callable[[str], list[str]]:
    """The engine's own client, all files in one process."""
    files = sorted(file for file in line.glob("*.sql") if "rollback" not in file.name)

    def command(to: str) -> list[str]:
        if engine == "sqlite":
            return ["sqlite3", "-bail", to, *(f".read {file}" for file in files)]
        return ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", to, *(f"-f{file}" for file in files)]

    return command


def _yoyo(line: Path, engine: str) -> Callable[[str], list[str]]:
    def command(to: str) -> list[str]:
        url = to.replace("postgresql:", "postgresql+psycopg:")
        url = url if engine == "postgres" else f"sqlite:///{to}"
        return [str(BIN / "yoyo"), "apply", "-b", "--no-config-file", "-d", url, str(line)]

    return command


def _timed(command: list[str]) -> Seconds:
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    if done.returncode:
        raise RuntimeError(f"{command[:4]}: {done.stderr[-500:]}")
    return seconds


def _database(dsn: str) -> str:
    name = f"bench_{uuid4().hex[:8]}"
    subprocess.run(["psql", "-qXd", dsn, "-c", f"CREATE DATABASE {name}"], check=True)
    return dsn.rpartition("/")[0] + f"/{name}"


@contextmanager
def server() -> Iterator[str]:
    """A Postgres that nobody else uses, from the image of the lab's."""
    hosts, _ = in_force.in_force(ROOT)
    lived = in_force.container(hosts, "postgres-age")
    env = {**os.environ, **in_force.docker_environment(hosts.mac)}

    def docker(*words: str) -> str:
        done = subprocess.run(
            ["docker", *words], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = f"abode-bench-{os.getpid()}"
    docker(
        "run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:5432", "--user", "postgres",
        "-e", "PGDATA=/tmp/data", docker("inspect", "-f", "{{.Config.Image}}", lived), "sh", "-c",
        "initdb -U postgres --auth=trust >/dev/null && "
        "echo 'host all all all trust' >> /tmp/data/pg_hba.conf && "
        "exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp",
    )  # fmt: skip
    try:
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        until = time.monotonic() + 60
        while subprocess.run(
            ["psql", "-qXd", dsn, "-c", ""], capture_output=True, check=False
        ).returncode:
            if time.monotonic() > until:
                raise TimeoutError(docker("logs", name))
            time.sleep(0.2)
        yield dsn
    finally:
        docker("rm", "-fv", name)


if __name__ == "__main__":
    sys.exit(main())
