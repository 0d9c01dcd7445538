"""A container as it is declared, and what differs when it is not so. Pure: no I/O."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import ndiff
from typing import Any

from schemas import ports

SPEC = "abode.spec"
LAB = "abode.lab"
HOME = "abode.home"


@dataclass(frozen=True, slots=True, repr=False)
class File:
    """A file that the container finds in its private configuration directory."""

    text: str
    secret: bool = False

    def __repr__(self) -> str:
        """pyinfra prints the arguments of its operations; a secret must not be among them."""
        return f"File({self.shown()!r})"

    def shown(self) -> str:
        """The text, or for a secret only enough to see that it changed."""
        if not self.secret:
            return self.text
        return "secret " + hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Container:
    """Everything that decides whether a running container is the declared one."""

    container: str
    image: str
    uid: int
    labels: Mapping[str, str]
    memory_mb: int
    networks: tuple[str, ...]
    volumes: Mapping[str, str] = field(default_factory=dict)
    publish: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    shm_mb: int = 64
    stop_seconds: int = 30

    def spec(self) -> dict[str, Any]:
        """The declaration as plain data; secrets only as digests."""
        return {
            "image": self.image,
            "memory_mb": self.memory_mb,
            "shm_mb": self.shm_mb,
            "stop_seconds": self.stop_seconds,
            "networks": list(self.networks),
            "volumes": dict(self.volumes),
            "publish": list(self.publish),
            "env": dict(self.env),
            "files": {name: file.shown() for name, file in self.files.items()},
            "labels": dict(self.labels),
        }

    def create(self) -> list[str]:
        """Arguments of ``docker create``: unprivileged, read-only, bounded."""
        spec = json.dumps(self.spec(), sort_keys=True)
        labels = {**self.labels, SPEC: spec}
        return [
            "--name", self.container,
            "--hostname", self.container,
            "--restart", "unless-stopped",
            "--stop-timeout", str(self.stop_seconds),
            "--user", f"{self.uid}:{self.uid}",
            "--read-only",
            "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges",
            "--pids-limit", "512",
            "--memory", f"{self.memory_mb}m",
            "--memory-swap", f"{self.memory_mb}m",
            "--shm-size", f"{self.shm_mb}m",
            "--log-opt", "max-size=10m",
            "--log-opt", "max-file=3",
            "--tmpfs", "/tmp:mode=1777,size=64m",
            "--network", self.networks[0],
            # Anonymous on purpose: it goes with the container, and with it every secret.
            "--volume", ports.CONTAINER_FILES_DIR,
            *(part for k, v in sorted(labels.items()) for part in ("--label", f"{k}={v}")),
            *(part for k, v in self.volumes.items() for part in ("--volume", f"{k}:{v}")),
            *(part for p in self.publish for part in ("--publish", p)),
            *(part for k, v in self.env.items() for part in ("--env", f"{k}={v}")),
            self.image,
        ]  # fmt: skip

    def archive(self) -> str:
        """The files as a base64 tar for ``docker cp``: readable by the container's user only."""
        return archive(self.files, self.uid)


def archive(files: Mapping[str, File], uid: int) -> str:
    """A base64 tar of ``files``, each owned by ``uid`` with mode 0400."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, file in sorted(files.items()):
            content = file.text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(content), 0o400, uid, uid
            tar.addfile(info, io.BytesIO(content))
    return base64.b64encode(buffer.getvalue()).decode()


def difference(running: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Each field that differs, as ``path: old -> new``; long texts line by line.

    >>> list(difference({"memory_mb": 1}, {"memory_mb": 2}))
    ['memory_mb: 1 -> 2']
    """
    if isinstance(running, dict) and isinstance(wanted, dict):
        for key in sorted(running.keys() | wanted.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from difference(running.get(key), wanted.get(key), below)
    elif running == wanted:
        return
    elif isinstance(running, str) and isinstance(wanted, str) and "\n" in running + wanted:
        lines = ndiff(running.splitlines(), wanted.splitlines())
        yield from (f"{path}: {line}" for line in lines if line[0] in "+-")
    else:
        yield f"{path}: {_brief(running)} -> {_brief(wanted)}"


def _brief(value: Any) -> str:
    if value is None:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value)
