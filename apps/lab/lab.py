"""One lab: its name, whose it is, and what it chose once and remembers."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apps import hosts as names
from apps.lab import ports as doors
from apps.lab import process
from schemas import hosts as schema
from schemas.errors import Refused

PORTS = range(20_000, 30_000)
"""Below the range that outgoing connections use, so that a chosen port stays free."""


@dataclass(frozen=True)
class Lab:
    """The stand-ins of one checkout under one name."""

    name: str
    home: Path

    @classmethod
    def here(cls, root: Path) -> "Lab":
        """The lab that LAB asks for, of the checkout at ``root``."""
        return cls(names.lab_name(), root.resolve())

    @property
    def said(self) -> schema.Lab:
        """As hosts.toml states it."""
        return schema.Lab(name=self.name, home=str(self.home))

    @cached_property
    def state(self) -> Path:
        """Its directory, made if need be."""
        return names.state_dir(self.home, self.name)

    def thing(self, name: str) -> str:
        """The name of one of its containers, volumes or networks."""
        return names.prefix(self.said) + name

    @property
    def is_default(self) -> bool:
        """Whether it bears the plain names and the standard ports."""
        return self.name == names.DEFAULT_LAB

    @property
    def labels(self) -> dict[str, str]:
        """What its containers, volumes and networks wear."""
        worn = {"abode.lab": self.name, "abode.home": str(self.home)}
        if owner := os.environ.get("ABODE_OWNER_PID"):
            worn["abode.owner"] = f"{owner}:{_started(owner)}"
        return worn

    @property
    def label_args(self) -> list[str]:
        """The same as docker takes them."""
        return [arg for key, value in self.labels.items() for arg in ("--label", f"{key}={value}")]

    @property
    def mine(self) -> list[str]:
        """Filters that match what belongs to this lab and nothing else."""
        return [
            "--filter",
            f"label=abode.lab={self.name}",
            "--filter",
            f"label=abode.home={self.home}",
        ]

    def port(self, purpose: str) -> int:
        """A loopback port, chosen at the first question."""
        chosen = doors.remembered(self.state)
        if purpose not in chosen:
            chosen[purpose] = self._standard(purpose) or self._free(purpose, set(chosen.values()))
            doors.remember(self.state, chosen)
        return chosen[purpose]

    def forget_port(self, purpose: str) -> None:
        """Choose again next time: somebody else took it."""
        chosen = doors.remembered(self.state)
        chosen.pop(purpose, None)
        doors.remember(self.state, chosen)

    def _standard(self, purpose: str) -> int | None:
        return doors.STANDARD.get(purpose) if self.is_default else None

    def _free(self, purpose: str, taken: set[int]) -> int:
        seed = hashlib.sha256(f"{self.home}:{self.name}:{purpose}".encode()).digest()
        first = int.from_bytes(seed[:4], "big") % len(PORTS)
        for step in range(len(PORTS)):
            port = PORTS[(first + step) % len(PORTS)]
            if port not in taken and doors.is_free(port):
                return port
        raise Refused(f"ports {PORTS.start}-{PORTS.stop - 1}: none is free on loopback")


def _started(owner: str) -> str:
    if not owner.isdecimal() or (started := process.started(int(owner))) is None:
        raise Refused(f"ABODE_OWNER_PID: {owner!r} is not a running process")
    return started
