"""A real Redis with the ACL of a deploy, its socket in a folder of the test's own."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from apps.lab.process import started
from apps.redis_line import Line
from services.container import archive
from services.redis import GOVERNANCE, UID, Kept

PASSWORD = "password-of-the-tenant"
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
    kept: Kept = GOVERNANCE
    password: str = PASSWORD

    def line(self) -> Line:
        """A client as the tenant's process is one."""
        return Line(self.socket, self.kept.user, PASSWORD)

    def cli(self, *words: str) -> str:
        """What its operator is told."""
        return docker("exec", self.name, "redis-cli", *words)

    def as_tenant(self, *words: str) -> str:
        """What the role itself is told."""
        return docker(
            "exec", "--env", f"REDISCLI_AUTH={PASSWORD}", self.name, "/usr/bin/redis-cli",
            "-s", "/run/redis/redis.sock", "--user", self.kept.user, "--no-auth-warning", *words,
            check=False,
        )  # fmt: skip

    def stop(self) -> None:
        """Kill it, as a power cut does."""
        docker("kill", self.name)

    def begin(self) -> None:
        """Start it and wait until it answers."""
        docker("start", self.name)
        until = time.monotonic() + 20
        while not self.is_ready():
            assert time.monotonic() < until, docker("logs", self.name)
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether it answers."""
        asked = subprocess.run(
            ["docker", "exec", self.name, "ready.sh"], capture_output=True, check=False
        )
        return asked.returncode == 0


NUMBERS = count()
Server = TypeVar("Server", bound=RedisServer)


@contextmanager
def made(
    name: str, image: str, marks: dict[str, str], kept: Kept, of: type[Server] = RedisServer
) -> Iterator[Server]:
    """One of an image, with labels, and with the files of a deploy."""
    folder = Path(tempfile.mkdtemp(prefix="abode-redis-"))
    folder.chmod(0o777)
    docker(
        "create", "--name", name, "-v", "/run/abode", "-v", f"{folder}:/run/redis",
        *[f"--label=abode.{key}={value}" for key, value in marks.items()],
        image,
    )  # fmt: skip
    files = kept.files(OPERATOR, PASSWORD, maxmemory_mb=64)
    tar = base64.b64decode(archive(files, owner=UID, group=UID, mode=0o400))
    docker("cp", "-", f"{name}:/run/abode", given=tar)
    server = of(name, folder / "redis.sock", kept)
    try:
        server.begin()
        yield server
    finally:
        docker("rm", "-fv", name)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server(standing, kept: Kept, of: type[Server] = RedisServer) -> Iterator[Server]:
    """Of this run of the tests, from the image of a deploy."""
    lived = json.loads(docker("inspect", standing.called("redis")))[0]
    worn = json.loads(docker("inspect", standing.called("pi")))[0]["Config"]["Labels"]
    marks = {
        "home": worn["abode.home"],
        "owner": f"{os.getpid()}:{started(os.getpid())}",
        "lab": f"{worn['abode.lab']}-scratch-{os.getpid()}",
    }
    # More than one of a run may stand at once.
    name = f"{standing.called('scratch')}-{kept.container}-{os.getpid()}-{next(NUMBERS)}"
    with made(name, lived["Config"]["Image"], marks, kept, of) as server:
        yield server


def emptied(server: RedisServer) -> RedisServer:
    """Empty, and up."""
    if not server.is_ready():
        server.begin()
    server.cli("FLUSHALL")
    server.cli("SCRIPT", "FLUSH")
    server.cli("ACL", "LOG", "RESET")
    return server
