"""What governance is told by its environment. Unknown names of ours are refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from apps.postgres import PostgresSettings
from apps.redis_line import RedisSettings
from apps.settings import Names, read
from schemas import ports
from schemas.errors import Refused
from schemas.governance.graph import GRAPH
from schemas.quantity import Closed
from schemas.reach import Reach

Port = Annotated[int, Field(ge=1, le=65535)]


def _declared(graph: str) -> str:
    if graph != GRAPH:
        raise ValueError(f"no such graph is declared; it is {GRAPH}")
    return graph


Graph = Annotated[str, AfterValidator(_declared)]
OURS = ("GOVERNANCE_", "DB_", "REDIS_", "AGENT_")
TOLD = {"redis": {"socket": ports.REDIS_SOCKET}}
NAMES: Names = {
    "GOVERNANCE_HOST": ("host",),
    "GOVERNANCE_PORT": ("port",),
    "GOVERNANCE_LOCAL_HOST": ("local_host",),
    "GOVERNANCE_LOCAL_PORT": ("local_port",),
    "GOVERNANCE_LOCAL_OPEN": ("local_open",),
    "GOVERNANCE_AUDIT_LOG": ("audit_log",),
    "GOVERNANCE_REACH_FILE": ("reach_file",),
    "AGENT_TOKENS_FILE": ("tokens_file",),
    "DB_POSTGRES_URL": ("postgres", "url"),
    "DB_POSTGRES_PASSWORD_FILE": ("postgres", "password_file"),
    "DB_POSTGRES_MIN_CONN": ("postgres", "min_conn"),
    "DB_POSTGRES_MAX_CONN": ("postgres", "max_conn"),
    "DB_AGE_GRAPH": ("graph",),
    "REDIS_SOCKET": ("redis", "socket"),
    "REDIS_USER": ("redis", "user"),
    "REDIS_PASSWORD_FILE": ("redis", "password_file"),
}


class DataSettings(Closed):
    """What the data API needs of them: the stores, and where what it changes is told of."""

    audit_log: Path | None = None
    postgres: PostgresSettings
    graph: Graph = GRAPH
    redis: RedisSettings


class Settings(Closed):
    """Doors, stores and files of one governance process."""

    host: str = "0.0.0.0"  # noqa: S104 - this door asks for a token
    port: Port = ports.GOVERNANCE
    local_host: str = "127.0.0.1"
    local_port: Port = ports.GOVERNANCE_LOCAL
    local_open: bool = False
    """Whether the local door asks for no token: in a lab only."""
    audit_log: Path = Path(ports.AUDIT_LOG)
    reach_file: Path | None = None
    """How an operator reaches the stores; ``where`` writes its commands by it."""
    tokens_file: Path
    postgres: PostgresSettings
    graph: Graph = GRAPH
    redis: RedisSettings

    def reach(self) -> Reach:
        """The ways of this house, or plain names where none are told."""
        if self.reach_file is None:
            return Reach()
        try:
            return Reach.model_validate_json(self.reach_file.read_bytes())
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "is not as declared"
            raise Refused(f"GOVERNANCE_REACH_FILE: {self.reach_file}: {why}") from None

    @model_validator(mode="after")
    def _doors_differ(self) -> Self:
        if self.port == self.local_port:
            raise ValueError(f"both doors are on port {self.port}")
        return self


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings, or Refused with the name of what is wrong. No value is ever shown."""
    return read(Settings, environment, NAMES, OURS, TOLD)


def data_settings(environment: Mapping[str, str]) -> DataSettings:
    """Those of the data API; what only the process needs may be absent."""
    return read(DataSettings, environment, NAMES, ("DB_",), TOLD)
