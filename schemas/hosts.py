"""What a machine must be told. ``hosts.toml`` is one ``Hosts``; so is what a lab writes."""

from ipaddress import IPv4Address
from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from schemas import ports
from schemas.bridge import AgentName
from schemas.quantity import Closed, Quantity
from schemas.soulfra.clients import OPERATOR, ClientName, Granted
from schemas.soulfra.shards import HOME, ShardName

HostName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Megabytes = Annotated[int, Quantity("MiBy", "memory of the machine", low=256, high=1_048_576)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s@]+$")]


MEMORY_MAX_MB = 96
"""What systemd lets anima have: MemoryMax."""
RESERVE_MB = 256
"""What a Pi's own system keeps: kernel, journald, sshd, page cache for the card."""


class Ssh(Closed):
    """How to reach a host that is not this one. Keys only; no password is ever asked for."""

    hostname: str
    user: UserName
    port: Port = ports.SSH
    key: str | None = None
    known_hosts: str | None = None


class MacHost(Closed):
    """The machine that runs Postgres, Redis, governance and soulfra in containers."""

    name: HostName = "mac"
    ssh: Ssh | None = None
    """Absent: this very machine."""
    path: str | None = None
    """PATH for commands over ssh; a Mac's non-login shell knows only /usr/bin and /bin."""
    docker_host: str | None = None
    memory_mb: Megabytes = 16_384
    postgres_port: Port = ports.POSTGRES
    governance_port: Port = ports.GOVERNANCE
    soulfra_port: Port = ports.SOULFRA
    """On the loopback only."""
    soulfra_shards: dict[ShardName, Port] = Field(default_factory=dict)
    """More Postgres servers for soulfra's agents, by name, each with its port on the loopback."""
    soulfra_clients: dict[ClientName, Granted] = Field(default_factory=dict)
    """Who else than the operator may ask soulfra; each has a token, kept beside the passwords."""
    governance_bind: tuple[IPv4Address, ...] = ()
    """Addresses beyond loopback where Pis may knock: LAN or tailnet, token required."""


CreatureName = Annotated[str, StringConstraints(pattern=r"^\w([\w .-]{0,62}\w)?$")]
"""One line that systemd reads as it stands."""


class PiHost(Closed):
    """A board that runs the anima service under systemd."""

    name: HostName = "pi"
    agent: AgentName = "lumen"
    creature: CreatureName | None = None
    """What the creature is called; without it, as before. Who it is, ``agent`` says."""
    ssh: Ssh
    user: UserName = "anima"
    """The service's own user: owns ~/.anima and may log in to read it, never to become root."""
    operator_keys: tuple[str, ...] = ()
    governance_url: Url
    memory_mb: Megabytes = 512
    """Never less than our units may take together with what the system keeps."""
    draw_every_seconds: Annotated[
        float, Quantity("s", "pause between drawing ticks", low=0.001, high=60)
    ] = 1.0
    i2c: bool = False
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """What else its process is told; names and ranges are ``apps.anima.settings.Settings``'."""

    @property
    def home(self) -> str:
        """Where the service's user lives."""
        return f"/home/{self.user}"

    @property
    def database(self) -> str:
        """Where anima.db is."""
        return f"{self.home}/{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"

    @model_validator(mode="after")
    def _fits_and_is_apart(self) -> Self:
        if self.memory_mb < MEMORY_MAX_MB + RESERVE_MB:
            needed = f"{MEMORY_MAX_MB} MB for anima and {RESERVE_MB} MB for its system"
            raise ValueError(f"memory_mb {self.memory_mb} holds less than {needed}")
        if self.user == self.ssh.user:
            raise ValueError(f"the service's user {self.user!r} is the administrator's: two users")
        return self


class Lab(Closed):
    """Says that these hosts are stand-ins, and whose."""

    name: HostName
    home: str
    """The checkout that made them."""


class Hosts(Closed):
    """Every machine of the house."""

    lab: Lab | None = None
    mac: MacHost = Field(default_factory=MacHost)
    pi: tuple[PiHost, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [self.mac.name, *(pi.name for pi in self.pi)]
        if len(set(names)) < len(names):
            raise ValueError(f"two hosts share a name: {', '.join(sorted(names))}")
        if HOME in self.mac.soulfra_shards:
            raise ValueError(f"soulfra_shards: {HOME!r} is the first server's name")
        for name, client in self.mac.soulfra_clients.items():
            if name == OPERATOR:
                raise ValueError(f"soulfra_clients: {name!r} is the house's own client")
            if client.contradicts_itself:
                raise ValueError(f"soulfra_clients: {name!r} is one person's and may detokenise")
        agents = [pi.agent for pi in self.pi]
        if len(set(agents)) < len(agents):
            raise ValueError(f"two Pis are the same agent: {', '.join(sorted(agents))}")
        return self
