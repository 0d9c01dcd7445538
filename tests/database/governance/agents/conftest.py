"""A real Redis with the ACL of a deploy, its socket in a folder of the test's own."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from apps.governance.audit import AuditLog
from apps.governance.continuity import Continuity
from apps.governance.descriptions import Descriptions
from apps.governance.desk import Desk
from apps.governance.identities import Identities
from apps.governance.keyring import Keyring
from apps.governance.lives import Lives
from apps.governance.registry import Registry
from apps.governance.roster import Roster
from apps.governance.sessions import Sessions
from apps.lab.process import started
from apps.postgres import PostgresSettings, pool
from apps.redis_line import Line
from services.container import archive
from services.redis import GOVERNANCE, UID

PASSWORD = "password-of-governance"
OPERATOR = "password-of-operator"


def docker(*words: str, given: bytes | None = None, check: bool = True) -> str:
    """What docker says."""
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=check)
    return done.stdout.decode().strip()


@dataclass
class RedisServer:
    """One server, and the ways to ask and to hurt it."""

    name: str
    socket: Path
    password: str = PASSWORD

    def line(self) -> Line:
        """A client as governance is one."""
        return Line(self.socket, "governance", PASSWORD)

    def cli(self, *words: str) -> str:
        """What its operator is told."""
        return docker("exec", self.name, "redis-cli", *words)

    def as_governance(self, *words: str) -> str:
        """What the role itself is told."""
        return docker(
            "exec", "--env", f"REDISCLI_AUTH={PASSWORD}", self.name, "/usr/bin/redis-cli",
            "-s", "/run/redis/redis.sock", "--user", "governance", "--no-auth-warning", *words,
            check=False,
        )  # fmt: skip

    def stop(self) -> None:
        """Kill it, as a power cut does."""
        docker("kill", self.name)

    def begin(self) -> None:
        """Start it and wait until it answers."""
        docker("start", self.name)
        until = time.monotonic() + 20
        while not self._is_ready():
            assert time.monotonic() < until, docker("logs", self.name)
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        asked = subprocess.run(
            ["docker", "exec", self.name, "ready.sh"], capture_output=True, check=False
        )
        return asked.returncode == 0


@pytest.fixture(scope="session")
def redis_server(standing) -> Iterator[RedisServer]:
    """Of this run of the tests, from the image and the files of a deploy."""
    lived = json.loads(docker("inspect", standing.called("redis")))[0]
    worn = json.loads(docker("inspect", standing.called("pi")))[0]["Config"]["Labels"]
    marks = {
        "home": worn["abode.home"],
        "owner": f"{os.getpid()}:{started(os.getpid())}",
        "lab": f"{worn['abode.lab']}-scratch-{os.getpid()}",
    }
    name = f"{standing.called('scratch')}-redis-{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="abode-redis-"))
    folder.chmod(0o777)
    docker(
        "create", "--name", name, "-v", "/run/abode", "-v", f"{folder}:/run/redis",
        *[f"--label=abode.{key}={value}" for key, value in marks.items()],
        lived["Config"]["Image"],
    )  # fmt: skip
    files = GOVERNANCE.files(OPERATOR, PASSWORD, maxmemory_mb=64)
    tar = base64.b64decode(archive(files, owner=UID, group=UID, mode=0o400))
    docker("cp", "-", f"{name}:/run/abode", given=tar)
    made = RedisServer(name, folder / "redis.sock")
    try:
        made.begin()
        yield made
    finally:
        docker("rm", "-fv", name)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(redis_server) -> RedisServer:
    """Empty, and up."""
    if not redis_server._is_ready():
        redis_server.begin()
    redis_server.cli("FLUSHALL")
    redis_server.cli("SCRIPT", "FLUSH")
    redis_server.cli("ACL", "LOG", "RESET")
    return redis_server


@dataclass
class Room:
    """Everyone that has to do with agents, at one database and one Redis."""

    desk: Desk
    audit: AuditLog
    line: Line
    sessions: Sessions
    keyring: Keyring
    descriptions: Descriptions
    identities: Identities
    continuity: Continuity
    registry: Registry
    roster: Roster


@asynccontextmanager
async def _room(database, folder: Path, line: Line, connections: int = 4):
    told = PostgresSettings(url=database.app, min_conn=2, max_conn=connections)
    async with pool(told) as store:
        desk, audit = Desk(store), AuditLog(folder / f"audit-{uuid4().hex[:4]}.jsonl")
        sessions, keyring = Sessions(desk, line), Keyring(desk)
        descriptions, lives = Descriptions(desk, line), Lives(desk)
        identities = Identities(desk, audit, descriptions)
        running = [asyncio.create_task(work.run()) for work in (sessions, audit)]
        try:
            yield Room(
                desk, audit, line, sessions, keyring, descriptions, identities,
                Continuity(desk, audit, identities, keyring, sessions),
                Registry(desk, audit, keyring, sessions, lives),
                Roster(desk, descriptions),
            )  # fmt: skip
        finally:
            audit.close()
            await running[1]
            running[0].cancel()
            await sessions.close()


@pytest.fixture
def room(governance_database, redis, tmp_path):
    """A room, opened in the test's own loop."""

    def make(line: Line | None = None, connections: int = 4):
        return _room(governance_database, tmp_path, line or redis.line(), connections)

    return make
