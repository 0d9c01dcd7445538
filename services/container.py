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
PIDS = 512
RESTART = "unless-stopped"


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
    command: tuple[str, ...] = ()
    """Instead of the image's own."""

    def spec(self) -> dict[str, Any]:
        """The declaration as plain data; secrets only as digests."""
        return {
            **self.running(),
            # A line each, so that a difference shows the one that differs.
            "arguments": " ".join(self._always()).replace(" --", "\n--"),
            "env": dict(self.env),
            "files": {name: file.shown() for name, file in self.files.items()},
            "labels": dict(self.labels),
            **({"command": list(self.command)} if self.command else {}),
        }

    def running(self) -> dict[str, Any]:
        """That part of the declaration which docker itself shows of a container."""
        return {
            "image": self.image,
            "memory_mb": self.memory_mb,
            "pids": PIDS,
            "restart": RESTART,
            "read_only": True,
            "networks": sorted(self.networks),
            "volumes": dict(sorted(self.volumes.items())),
            "publish": sorted(self.publish),
        }

    def create(self) -> list[str]:
        """Arguments of ``docker create``: unprivileged, read-only, bounded."""
        spec = json.dumps(self.spec(), sort_keys=True)
        labels = {**self.labels, SPEC: spec}
        return [
            "--name", self.container,
            *self._always(),
            "--memory", f"{self.memory_mb}m",
            "--memory-swap", f"{self.memory_mb}m",
            "--network", self.networks[0],
            *(part for k, v in sorted(labels.items()) for part in ("--label", f"{k}={v}")),
            *(part for k, v in self.volumes.items() for part in ("--volume", f"{k}:{v}")),
            *(part for p in self.publish for part in ("--publish", p)),
            *(part for k, v in self.env.items() for part in ("--env", f"{k}={v}")),
            self.image,
            *self.command,
        ]  # fmt: skip

    def _always(self) -> list[str]:
        return [
            "--hostname", self.container,
            "--restart", RESTART,
            "--stop-timeout", str(self.stop_seconds),
            "--pids-limit", str(PIDS),
            "--shm-size", f"{self.shm_mb}m",
            "--log-opt", "max-size=10m",
            "--log-opt", "max-file=3",
            "--tmpfs", "/tmp:mode=1777,size=64m",
            *unprivileged(self.uid),
        ]  # fmt: skip

    def archive(self) -> str:
        """The files as a base64 tar for ``docker cp``.

        They are root's and the container's user may read them: what runs there cannot change
        what it was told.
        """
        return archive(self.files, owner=0, group=self.uid, mode=0o440)


def unprivileged(uid: int) -> list[str]:
    """Arguments that take every privilege away."""
    return [
        "--user", f"{uid}:{uid}",
        "--read-only",
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        # Anonymous on purpose: it goes with the container, and with it every secret.
        "--volume", ports.CONTAINER_FILES_DIR,
    ]  # fmt: skip


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """What ``docker inspect`` says of a container, in the words of ``Container.running``."""
    limits, bindings = found["HostConfig"], found["HostConfig"].get("PortBindings") or {}
    return {
        "image": found["Config"]["Image"],
        "memory_mb": limits["Memory"] // 2**20,
        "pids": limits["PidsLimit"],
        "restart": limits["RestartPolicy"]["Name"],
        "read_only": limits["ReadonlyRootfs"],
        "networks": sorted(found["NetworkSettings"]["Networks"]),
        "volumes": dict(sorted(bind.split(":")[:2] for bind in limits["Binds"] or ())),
        "publish": sorted(
            f"{to['HostIp']}:{to['HostPort']}:{port.removesuffix('/tcp')}"
            for port, where in bindings.items()
            for to in where or ()
        ),
    }


def archive(files: Mapping[str, File], owner: int, group: int, mode: int) -> str:
    """A base64 tar of files, all with the same owner, group and mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, file in sorted(files.items()):
            content = file.text.encode()
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(content), mode, owner, group
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
