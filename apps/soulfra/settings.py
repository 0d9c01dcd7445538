"""What the process soulfra is told by its environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from apps.postgres import PostgresSettings
from apps.settings import Names, read
from schemas import ports
from schemas.quantity import Closed

OURS: Final = ("SOULFRA_", "DB_")
NAMES: Final[Names] = {
    "SOULFRA_HOST": ("host",),
    "SOULFRA_PORT": ("port",),
    "SOULFRA_TOKENS_FILE": ("tokens_file",),
    "SOULFRA_DATA_DIR": ("data_dir",),
    "DB_POSTGRES_URL": ("postgres", "url"),
    "DB_POSTGRES_PASSWORD_FILE": ("postgres", "password_file"),
    "DB_POSTGRES_MIN_CONN": ("postgres", "min_conn"),
    "DB_POSTGRES_MAX_CONN": ("postgres", "max_conn"),
}


class Settings(Closed):
    """The door, its tokens and the store of one process."""

    host: str = "0.0.0.0"  # noqa: S104 - this door asks for a token
    port: Annotated[int, Field(ge=1, le=65535)] = ports.SOULFRA
    tokens_file: Path
    """JSON: the name of each client, and the SHA-256 of its token in hex."""
    data_dir: Path | None = None
    """Where documents and the archive are kept; None: nowhere."""
    postgres: PostgresSettings


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings, or Refused with the name of what is wrong. No value is ever shown."""
    return read(Settings, environment, NAMES, OURS)
