"""A Redis of soulfra's own, from the image and the files of a deploy, and the ways to hurt it."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.redis_line import Line
from services.container import archive
from services.redis import SOULFRA, UID

PASSWORD = "password-of-soulfra"


def docker(*words, given=None):
    """What docker says."""
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


@dataclass
class Streams:
    """A Redis of this run, and the ways to ask and to hurt it."""

    name: str
    folder: Path

    @property
    def socket(self):
        """On this side."""
        return self.folder / "redis.sock"

    def line(self):
        """A client as the process has one."""
        return Line(self.socket, "soulfra", PASSWORD)

    def cli(self, *words):
        """What its operator is told."""
        return docker("exec", self.name, "redis-cli", *words)

    def ids(self, stream="loop:created"):
        """All of a stream, in its order."""
        said = self.cli("--json", "XRANGE", f"events:{stream}", "-", "+")
        return [name for name, _ in json.loads(said)]

    def kill(self):
        """As a power cut does it."""
        docker("kill", self.name)

    def begin(self):
        """Start it and wait until it answers."""
        docker("start", self.name)
        until = time.monotonic() + 20
        while not self.is_ready():
            assert time.monotonic() < until, docker("logs", self.name)
            time.sleep(0.05)

    def is_ready(self):
        """Whether it answers."""
        asked = ["docker", "exec", self.name, "ready.sh"]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    def environment(self, folder):
        """For a process of its own."""
        (folder / "redis_password").write_text(PASSWORD)
        return {
            "REDIS_SOCKET": str(self.socket),
            "REDIS_USER": "soulfra",
            "REDIS_PASSWORD_FILE": str(folder / "redis_password"),
        }


@contextmanager
def made(name, image, marks):
    """One of an image, with labels."""
    folder = Path(tempfile.mkdtemp(prefix="abode-streams-"))
    folder.chmod(0o777)
    labels = [f"--label=abode.{key}={value}" for key, value in marks.items()]
    volumes = ("-v", "/run/abode", "-v", f"{folder}:/run/redis")
    docker("create", "--name", name, *volumes, *labels, image)
    tar = archive(SOULFRA.files("of-operator", PASSWORD), owner=UID, group=UID, mode=0o400)
    docker("cp", "-", f"{name}:/run/abode", given=base64.b64decode(tar))
    server = Streams(name, folder)
    try:
        server.begin()
        yield server
    finally:
        docker("rm", "-fv", name)
        shutil.rmtree(folder, ignore_errors=True)
