"""A Redis of a bench's own, from the lab's image, with the ACL of a deploy."""

import base64
import csv
import io
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from services.container import archive
from services.redis import GOVERNANCE, UID

PASSWORD: Final = "password-of-the-bench"
REQUESTS: Final = {1: 3_000, 32: 5_000}


@dataclass(frozen=True, slots=True)
class Server:
    """Its container, and its socket on this side."""

    name: str
    socket: Path

    tool: tuple[str, ...]
    """redis-benchmark, as it is started here."""

    def benchmark(self, clients: int) -> float:
        """GETs a second of redis-benchmark.

        It is taken out of the image with its loader and libraries, and runs beside us: a container
        would have a share of the CPU of its own.
        """
        said = _run(
            *self.tool, "-s", str(self.socket), "--csv", "--user", "governance", "-a", PASSWORD,
            "-c", str(clients), "-n", str(REQUESTS[clients]), "GET", "session:bench",
        )  # fmt: skip
        last = list(csv.reader(io.StringIO(said)))[-1]
        return float(last[1])


@contextmanager
def server() -> Iterator[Server]:
    """Up for as long as the bench runs."""
    name = f"bench-redis-{uuid4().hex[:8]}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o777)
    files = GOVERNANCE.files("nobody", PASSWORD, maxmemory_mb=64)
    _docker("create", "--name", name, "-v", "/run/abode", "-v", f"{folder}:/run/redis", _image())
    try:
        tar = base64.b64decode(archive(files, owner=UID, group=UID, mode=0o400))
        subprocess.run(["docker", "cp", "-", f"{name}:/run/abode"], input=tar, check=True)
        _docker("start", name)
        until = time.monotonic() + 20
        while not (folder / "redis.sock").exists():
            if time.monotonic() > until:
                raise TimeoutError(_docker("logs", name))
            time.sleep(0.1)
        yield Server(name, folder / "redis.sock", _tool(name, folder / "tool"))
    finally:
        _docker("rm", "-fv", name)
        shutil.rmtree(folder, ignore_errors=True)


def _image() -> str:
    """The newest of the lab's."""
    found = _docker("images", "--format", "{{.Repository}}:{{.Tag}}", "abode/redis").split()
    if not found:
        raise SystemExit("no image abode/redis: run  make up")
    return found[0]


def _tool(name: str, folder: Path) -> tuple[str, ...]:
    folder.mkdir()
    listed = _docker("exec", name, "ldd", "/usr/bin/redis-benchmark")
    libraries = {word for word in listed.split() if word.startswith("/")}
    for file in ("/usr/bin/redis-benchmark", *libraries):
        _docker("cp", "-L", f"{name}:{file}", str(folder))
    (loader,) = folder.glob("ld-linux*")
    return str(loader), "--library-path", str(folder), str(folder / "redis-benchmark")


def _docker(*words: str) -> str:
    return _run("docker", *words)


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    return done.stdout.strip()
