"""A power cut at any moment of a recorded run: what may be on the disk then.

Model: what was synced is there. Of later writes any may be, whole, torn at a sector or not at
all, in any order. Changes of names are kept in order up to some point; syncing a file keeps all
names before it, as ext4 does, unless ``strict``: then only syncing its directory does.
"""

import struct
import subprocess
from pathlib import Path
from random import Random
from typing import NamedTuple

SECTOR = 512
HEAD = struct.Struct("<cIIQI")


class Change(NamedTuple):
    """One line of the recording."""

    what: str
    name: str
    other: str
    at: int
    data: bytes


def built(folder: Path) -> Path:
    """The library that records, compiled."""
    made = folder / "disk.so"
    source = Path(__file__).with_name("disk.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return made


def recorded(log: Path) -> list[Change]:
    """The changes of a run, in order."""
    content, at, changes = log.read_bytes(), 0, []
    while at < len(content):
        what, first, second, offset, size = HEAD.unpack_from(content, at)
        at += HEAD.size
        name = content[at : at + first].decode()
        other = content[at + first : at + first + second].decode()
        at += first + second
        changes.append(Change(what.decode(), name, other, offset, content[at : at + size]))
        at += size
    return changes


class Disk:
    """What is durable, and what is on its way."""

    def __init__(self, before: Path, *, strict: bool) -> None:
        self._strict = strict
        self._files = {
            str(path.relative_to(before)): [bytearray(path.read_bytes()), []]
            for path in before.rglob("*")
            if path.is_file() and not path.name.endswith("-shm")
        }
        self._durable = dict(self._files)
        self._names: list[tuple] = []

    def take(self, change: Change) -> None:
        """One change more before the cut."""
        what, name, other, at, data = change
        if what == "w" and name in self._files:
            self._files[name][1].append((at, data))
        elif what == "t" and name in self._files:
            self._files[name][1].append((at, None))
        elif what == "s":
            self._sync(name)
        elif what == "c":
            self._files[name] = [bytearray(), []]
            self._names.append(("set", name, self._files[name]))
        elif what == "u":
            self._files.pop(name, None)
            self._names.append(("drop", name))
        elif what in "rl" and name in self._files:
            self._files[other] = self._files[name]
            self._names.append(("set", other, self._files[name]))
            if what == "r":
                del self._files[name]
                self._names.append(("drop", name))

    def _sync(self, name: str) -> None:
        is_file = name in self._files
        if is_file:
            content, pending = self._files[name]
            for at, data in pending:
                _put(content, at, data)
            pending.clear()
        if not is_file or not self._strict:
            self._keep(self._durable, self._names)
            self._names.clear()

    @staticmethod
    def _keep(names: dict, changes: list[tuple]) -> None:
        for change in changes:
            if change[0] == "set":
                names[change[1]] = change[2]
            else:
                names.pop(change[1], None)

    def cut(self, rng: Random, into: Path) -> None:
        """The power is gone: write what survived."""
        names, last = dict(self._durable), rng.randint(0, len(self._names))
        # A rename is one change: it is kept whole or not at all.
        while (
            last < len(self._names)
            and self._names[last][0] == "drop"
            and last
            and (self._names[last - 1][0] == "set")
        ):
            last += 1
        self._keep(names, self._names[:last])
        for name, (content, pending) in names.items():
            left = bytearray(content)
            for at, data in pending:
                _maybe(rng, left, at, data)
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(left)


def _put(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data


def _maybe(rng: Random, content: bytearray, at: int, data: bytes | None) -> None:
    luck = rng.random()
    if luck < 0.4:
        _put(content, at, data)
    elif luck < 0.7 and data is not None:
        for sector in range(0, len(data), SECTOR):
            if rng.random() < 0.5:
                _put(content, at + sector, data[sector : sector + SECTOR])
