"""A house for benches and bad days: Postgres and Redis made as the lab's own, and governance."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import psycopg

from apps import hosts as in_force
from apps.migrate import runner
from apps.migrate.lines import line
from schemas.hosts import Hosts
from schemas.postgres import Tenant
from schemas.server import GOVERNANCE, LOGINS
from services.house import render
from services.postgres import MAX_CONNECTIONS, memory, statement
from services.roles import Role, role_sql
from tests.database.conftest import answering, database_made

ROOT = Path(__file__).resolve().parents[1]


class Stand(NamedTuple):
    """Where everything is."""

    folder: Path
    admin: str
    """The superuser, over the socket."""
    app: str
    """The app's role, over the socket."""
    postgres: str
    """Its container."""
    redis: str
    """Its container."""
    governance: str
    """The image of the lab's."""
    database: str
    owner: str
    """Whose the database is, over the socket."""

    def pgbench(self, clients: int, seconds: float, script: str) -> float:
        """Transactions a second of single-row commits, from beside the server."""
        (self.folder / "script.sql").write_text(script)
        subprocess.run(
            ["docker", "cp", "-q", str(self.folder / "script.sql"), f"{self.postgres}:/tmp/"],
            check=True,
        )
        done = subprocess.run(
            [
                "docker", "exec", self.postgres, "pgbench", "-n", "-M", "prepared",
                "-h", "/sock", "-U", "postgres", "-c", str(clients), "-j", "1",
                "-T", f"{seconds:.0f}", "-f", "/tmp/script.sql", self.database,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"pgbench: {done.stderr[-500:]}")
        said = next(row for row in done.stdout.splitlines() if row.startswith("tps = "))
        return float(said.split()[2])


@contextmanager
def stand(hosts: Hosts | None = None, tenant: Tenant = GOVERNANCE) -> Iterator[Stand]:
    """From the lab's images, Postgres with the lab's configuration: fsync is on, Docker's disk."""
    hosts = hosts or in_force.in_force(ROOT)[0]
    sizes = memory(hosts.mac.memory_mb)
    conf = render(
        "postgres/postgresql.conf.j2", **sizes, max_connections=MAX_CONNECTIONS, port=5432,
        socket_dir="/sock", files_dir="/conf", database="postgres",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folder = Path(directory)
        folder.chmod(0o755)
        for each in ("conf", "sock", "redis"):
            (folder / each).mkdir()
            (folder / each).chmod(0o777)
        # No certificate: everybody comes through the socket.
        (folder / "conf/postgresql.conf").write_text(f"{conf}\nssl = off\n")
        (folder / "conf/pg_hba.conf").write_text("local all all trust\n")
        names = {each: f"abode-stand-{os.getpid()}-{each}" for each in ("postgres", "redis")}
        for each, name in names.items():
            lived = in_force.container(hosts, {"postgres": "postgres-age"}.get(each, each))
            image = _docker("inspect", "-f", "{{.Config.Image}}", lived)
            stack.callback(_docker, "rm", "-fv", name)
            _docker("run", "-d", "--name", name, *_run(folder, each, image))
        lived = in_force.container(hosts, "governance")
        names["governance"] = _docker("inspect", "-f", "{{.Config.Image}}", lived)
        admin = f"postgresql://postgres@/postgres?host={folder}/sock"
        answering(admin)
        with psycopg.connect(admin, autocommit=True) as conn:
            roles = conn.execute(statement("postgres/state.sql")).fetchone()[0]["roles"] or {}
            for login in LOGINS:
                for _, sql in role_sql(Role(login, login.role), roles.get(login.role)):
                    conn.execute(sql)
        database = f"{tenant.line}_bench_test"
        with database_made(admin, database, tenant=tenant) as made:
            runner.apply(line(tenant.line), made.owner)
            owner, app, *_ = (f"postgresql://{each.role}@" for each in tenant.logins)
            at = f"/{database}?host={folder}/sock"
            yield Stand(
                folder,
                f"postgresql://postgres@{at}",
                app + at,
                **names,
                database=database,
                owner=owner + at,
            )


def _run(folder: Path, what: str, image: str) -> list[str]:
    """How a container of the stand runs; started again after a kill it finds what it had."""
    if what == "redis":
        return [
            "-v", f"{folder}/redis:/redis", "--entrypoint", "redis-server", image, "--port", "0",
            "--unixsocket", "/redis/redis.sock", "--unixsocketperm", "777",
            "--save", "", "--appendonly", "no", "--dir", "/tmp",
        ]  # fmt: skip
    start = (
        "[ -f /tmp/data/PG_VERSION ] || "
        "initdb -D /tmp/data -U postgres --data-checksums --auth=trust >/dev/null; "
        "rm -f /sock/.s*; exec postgres -D /tmp/data -c config_file=/conf/postgresql.conf"
    )
    return [
        "--user", "postgres", "--shm-size", "1g", "-v", f"{folder}/sock:/sock",
        "-v", f"{folder}/conf:/conf:ro", "-e", "PGDATA=/tmp/data", image, "sh", "-c", start,
    ]  # fmt: skip


class Server:
    """A process that answers on the loopback; with ``again`` it is started whenever it ends."""

    def __init__(
        self,
        command: list[str],
        port: int,
        environment: dict[str, str],
        log: Path,
        *,
        again: bool,
        container: str | None = None,
    ) -> None:
        self.port = port
        self._container = container
        self._log = log
        self._command = command
        self._environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **environment}
        self._over = threading.Event()
        self.process = self._begin()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        if again:
            self._keeper.start()

    def _begin(self) -> subprocess.Popen[str]:
        with self._log.open("a") as said:
            return subprocess.Popen(
                self._command, cwd=ROOT, stdout=said, stderr=said, text=True,
                env=self._environment,
            )  # fmt: skip

    def _keep(self) -> None:
        while not self._over.is_set():
            self.process.wait()
            if not self._over.wait(0.2):
                self.process = self._begin()

    def ready(self, seconds: float = 30) -> "Server":
        """Wait until it answers."""
        until = time.monotonic() + seconds
        while not _answers(self.port):
            if time.monotonic() > until:
                raise RuntimeError(self._log.read_text()[-2000:])
            time.sleep(0.1)
        return self

    def healthy(self, seconds: float) -> bool:
        """Whether it says that it is, within so long."""
        until = time.monotonic() + seconds
        while not (good := _health(self.port) in {"ok", "healthy"}) and time.monotonic() < until:
            time.sleep(0.3)
        return good

    def kill(self) -> None:
        """Without a warning."""
        self.process.kill()

    def end(self) -> None:
        """Ask it to stop, and wait."""
        self._over.set()
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @property
    def pid(self) -> int:
        """The process that answers, as this machine counts it."""
        if self._container is None:
            return self.process.pid
        return int(_docker("inspect", "-f", "{{.State.Pid}}", self._container))

    def rss_mb(self) -> float:
        """What it holds of memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = next(row for row in status.splitlines() if row.startswith("VmRSS"))
        return int(found.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """What it has used of the processor."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def governance(at: Stand, *, again: bool = False, **environment: str) -> Iterator[Server]:
    """The process of this checkout, on the stand."""
    lan = free_port()
    local = free_port(besides=lan)
    told = {**_told(at, lan, local), **environment}
    command = [sys.executable, "-m", "apps.governance"]
    with _standing(Server(command, local, told, at.folder / "governance.log", again=again)) as made:
        yield made


@contextmanager
def deployed(at: Stand) -> Iterator[Server]:
    """The code of this checkout with the Python and the libraries that the lab's container has."""
    lan = free_port()
    local = free_port(besides=lan)
    told = _told(at, lan, local)
    for path in at.folder.iterdir():
        path.chmod(0o777 if path.is_dir() else 0o666)
    name = f"abode-stand-{os.getpid()}-governance"
    words = [f"--env={key}={value}" for key, value in {**told, "PYTHONPATH": str(ROOT)}.items()]
    command = [
        "docker", "run", "--rm", "--name", name, "--user", "root", "--network", "host", *words,
        "-v", f"{at.folder}:{at.folder}", "-v", f"{ROOT}:{ROOT}:ro", "-w", str(ROOT),
        at.governance, "python", "-m", "apps.governance",
    ]  # fmt: skip
    log = at.folder / "governance.log"
    with _standing(Server(command, local, {}, log, again=False, container=name)) as made:
        yield made


@contextmanager
def beside(at: Stand, what: str) -> Iterator[Server]:
    """A server of tests/bench/bridge that does the same write: ``sdk`` or ``floor``."""
    port = free_port()
    command = [sys.executable, str(ROOT / f"tests/bench/bridge/{what}.py"), str(port), at.app]
    with _standing(Server(command, port, {}, at.folder / f"{what}.log", again=False)) as made:
        yield made


def _told(at: Stand, lan: int, local: int) -> dict[str, str]:
    """What the process is told: where everything is, and that its local door is open."""
    tokens = at.folder / "tokens.json"
    tokens.write_text(json.dumps({"lumen": sha256(b"token").hexdigest()}))
    return {
        "DB_POSTGRES_URL": at.app,
        "AGENT_TOKENS_FILE": str(tokens),
        "GOVERNANCE_AUDIT_LOG": str(at.folder / "audit_log.jsonl"),
        "GOVERNANCE_HOST": "127.0.0.1",
        "GOVERNANCE_PORT": str(lan),
        "GOVERNANCE_LOCAL_PORT": str(local),
        "GOVERNANCE_LOCAL_OPEN": "true",
        "REDIS_SOCKET": str(at.folder / "redis/redis.sock"),
    }


@contextmanager
def _standing(server: Server) -> Iterator[Server]:
    try:
        yield server.ready()
    finally:
        server.end()


def _health(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return str(json.load(answer)["status"])
    except (OSError, ValueError):
        return "away"


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def free_port(besides: int | None = None) -> int:
    """A port nobody has now, and not the one that is about to be taken."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = int(door.getsockname()[1])
        return port if port != besides else free_port(besides)


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()
