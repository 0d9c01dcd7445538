"""What the docker engine of a Mac holds, asked once at the beginning of a deploy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, QuoteString, StringCommand

from schemas.errors import Refused, Unreachable
from services.container import HOME, LAB

MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
"""Docker's words for a machine, and those that wheels are named by."""


@dataclass(frozen=True)
class Engine:
    """A snapshot: machine, image tags, and our containers, networks and volumes by name.

    Nothing else changes them meanwhile: deploys hold a lock, and each operation changes only
    the one object that it is about.
    """

    machine: str
    tags: frozenset[str]
    containers: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """pyinfra prints the arguments of its operations."""
        return f"Engine({self.machine})"


class Snapshot(FactBase[Engine | None]):
    """The engine's answer in one round trip; None when no engine answers.

    No ``requires_command``: with it a missing client would look like missing containers.
    """

    def command(self, names: list[str]) -> StringCommand:
        return StringCommand(
            "docker version --format '{{.Server.Version}} {{.Server.Arch}}' 2>/dev/null",
            "&& docker images --format '{{.Repository}}:{{.Tag}}' 'abode/*'",
            "&& echo --",
            "&& docker inspect", *map(QuoteString, names), "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> Engine | None:
        if not output or "--" not in output:
            return None
        end = output.index("--")
        _, _, arch = output[0].partition(" ")
        found = json.loads("".join(output[end + 1 :]) or "[]")
        return Engine(
            machine=MACHINES.get(arch.strip(), arch.strip()),
            tags=frozenset(output[1:end]),
            containers={o["Name"].removeprefix("/"): o for o in found if "State" in o},
            others={o["Name"]: o for o in found if "State" not in o and "Name" in o},
        )

    @staticmethod
    def default() -> None:
        return None


def engine(containers: list[str], others: list[str], labels: Mapping[str, str]) -> Engine:
    """The engine, or why a deploy must not begin: it is silent, or a name is somebody else's."""
    seen = host.get_fact(Snapshot, names=[*containers, *others])
    if seen is None:
        raise Unreachable(
            f"{host.name}: no docker engine answers",
            "start Docker (macOS: Docker Desktop, or colima start; Debian: apt-get install "
            "docker.io) until `docker version` shows a server",
        )
    wearing = {f"container {n!r}": o["Config"].get("Labels") for n, o in seen.containers.items()}
    wearing |= {f"volume or network {n!r}": o.get("Labels") for n, o in seen.others.items()}
    for what, worn in wearing.items():
        owner = [(worn or {}).get(key) for key in (LAB, HOME)]
        if owner != [labels[LAB], labels[HOME]]:
            whose = " ".join(word for word in owner if word)
            raise Refused(
                f"{what}: belongs to {whose or 'something that is not abode'}",
                "LAB=name make up gives this lab its own names",
            )
    return seen
