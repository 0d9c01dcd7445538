"""What governance is told by its environment. Unknown names of ours are refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from apps.governance.sessions import RedisSettings
from apps.postgres import PostgresSettings
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
Told = TypeVar("Told", bound=Closed)

OURS = ("GOVERNANCE_", "DB_", "REDIS_", "AGENT_")
NAMES: Mapping[str, tuple[str, ...]] = {
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
    return _read(Settings, environment, OURS)


def data_settings(environment: Mapping[str, str]) -> DataSettings:
    """Those of the data API; what only the process needs may be absent."""
    return _read(DataSettings, environment, ("DB_",))


def _read(model: type[Told], environment: Mapping[str, str], ours: tuple[str, ...]) -> Told:
    told: dict[str, Any] = {"redis": {"socket": ports.REDIS_SOCKET}}
    unknown = sorted(n for n in environment if n.startswith(ours) and n not in NAMES)
    if unknown:
        raise Refused(f"{unknown[0]}: unknown setting", f"settings are {', '.join(NAMES)}")
    for name, (first, *rest) in NAMES.items():
        if name in environment and first in model.model_fields:
            group = told.setdefault(first, {}) if rest else told
            group[rest[0] if rest else first] = environment[name]
    if "DB_POSTGRES_URL" not in environment:
        raise Refused(
            "DB_POSTGRES_URL: is not set",
            "PostgreSQL is the only store: postgresql://governance@/governance?host=<socket dir>",
        )
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first_error = error.errors(include_input=False, include_url=False)[0]
        path = tuple(str(part) for part in first_error["loc"])
        name = next((name for name, place in NAMES.items() if place == path), "settings")
        said = "is not set" if first_error["type"] == "missing" else first_error["msg"]
        raise Refused(f"{name}: {said.removeprefix('Value error, ')}") from None
