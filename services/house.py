"""What every service of one deploy shares: the hosts, their names, the vault."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from apps import hosts as in_force
from apps.ops.ask import CONTAINERS
from schemas.hosts import Hosts
from schemas.server import LOGINS
from schemas.soulfra.shards import server
from services import tls
from services.cargo import ROOT
from services.container import HOME, LAB
from services.secrets import Vault

WITH_SOCKET: Final = ("postgres-age", "redis", "redis-soulfra")
"""Those that others reach through a socket."""
SECRETS: Final = (
    "redis_operator", "redis_governance", "redis_soulfra_operator", "redis_soulfra",
    "soulfra_operator",
)  # fmt: skip
CLIENT: Final = "soulfra_client_"
"""What the token of a client that hosts.toml declares is called, before the client's name."""


@dataclass(frozen=True)
class House:
    """The declared hosts and where this deploying machine keeps their secrets."""

    hosts: Hosts
    state: Path

    @cached_property
    def vault(self) -> Vault:
        """The secrets of these hosts."""
        return Vault(self.state / "secrets")

    @property
    def containers(self) -> list[str]:
        """The containers of the Mac, by their names on this engine; the last one comes and goes."""
        names = (*CONTAINERS, *self.shards.values(), "governance-migrate")
        return [self.called(name) for name in names]

    @property
    def shards(self) -> dict[str, str]:
        """The servers that have agents of soulfra's beside home, by the name of the shard."""
        return {name: server(name) for name in self.hosts.mac.soulfra_shards}

    @property
    def networks(self) -> list[str]:
        """One with the databases; in a lab another with the Pis, who see only governance."""
        names = ("abode-data", "abode-lan") if self.hosts.lab else ("abode-data",)
        return [self.called(name) for name in names]

    @property
    def volumes(self) -> list[str]:
        """What outlives the containers."""
        kept = [self.called(f"{name}-data") for name in (*CONTAINERS, *self.shards.values())]
        sockets = (*WITH_SOCKET, *self.shards.values())
        return [*kept, *(self.called(f"{name}-socket") for name in sockets)]

    def certificate(self, server: str = "postgres-age") -> tuple[str, str]:
        """A Postgres server's certificate and key in PEM, for the names it has on the Mac."""
        names = ("localhost", "127.0.0.1", self.called(server))
        return tls.server(self.vault, server.removesuffix("-age"), names)

    def make_secrets(self) -> Vault:
        """Every secret of the house, made in memory if it does not exist yet."""
        for login in LOGINS:
            self.vault.get(login.secret)
        for what in SECRETS:
            self.vault.get(what)
        clients = self.hosts.mac.soulfra_clients
        for name in clients:
            self.vault.get(f"{CLIENT}{name}")
        self.vault.keep_only(CLIENT, clients)
        for pi in self.hosts.pi:
            self.vault.get(f"agent_{pi.agent}")
        for called in ("postgres-age", *self.shards.values()):
            self.certificate(called)
        return self.vault

    @property
    def labels(self) -> Mapping[str, str]:
        """Say whose a container, a volume or a network is."""
        lab = self.hosts.lab
        return {LAB: lab.name if lab else "", HOME: lab.home if lab else ""}

    def called(self, what: str) -> str:
        """The name of a container, volume or network of ours on this engine."""
        return in_force.container(self.hosts, what)


@cache
def house() -> House:
    """The house of this process: one vault for all its hosts."""
    return House(*in_force.in_force(ROOT))


_templates = Environment(
    loader=FileSystemLoader(ROOT / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701  # configuration files, not HTML
)


def render(template: str, **values: object) -> str:
    """A file of templates/ with its values; a missing one is an error."""
    return _templates.get_template(template).render(**values)
