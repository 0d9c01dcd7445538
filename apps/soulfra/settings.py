"""What the process soulfra is told by its environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from apps.postgres import PostgresSettings
from apps.redis_line import RedisSettings
from apps.settings import Names, read
from schemas import ports
from schemas.quantity import Closed

OURS: Final = ("SOULFRA_", "DB_", "REDIS_")
TOLD: Final = {"redis": {"socket": ports.REDIS_SOCKET}}
NAMES: Final[Names] = {
    "SOULFRA_HOST": ("host",),
    "SOULFRA_PORT": ("port",),
    "SOULFRA_TOKENS_FILE": ("tokens_file",),
    "SOULFRA_DATA_DIR": ("data_dir",),
    "DB_POSTGRES_URL": ("postgres", "url"),
    "DB_POSTGRES_PASSWORD_FILE": ("postgres", "password_file"),
    "DB_POSTGRES_MIN_CONN": ("postgres", "min_conn"),
    "DB_POSTGRES_MAX_CONN": ("postgres", "max_conn"),
    "REDIS_SOCKET": ("redis", "socket"),
    "REDIS_USER": ("redis", "user"),
    "REDIS_PASSWORD_FILE": ("redis", "password_file"),
    "SOULFRA_MASTER_KEY_FILE": ("master_key_file",),
    "SOULFRA_PERSON_POSTGRES_URL": ("persons", "url"),
    "SOULFRA_PERSON_POSTGRES_PASSWORD_FILE": ("persons", "password_file"),
}


class Settings(Closed):
    """The door, its tokens and the stores of one process."""

    host: str = "0.0.0.0"  # noqa: S104 - this door asks for a token
    port: Annotated[int, Field(ge=1, le=65535)] = ports.SOULFRA
    tokens_file: Path
    """JSON: the name of each client, and the SHA-256 of its token in hex."""
    master_key_file: Path
    """32 bytes in URL-safe base64: whoever has them and the database reads everything."""
    data_dir: Path = Path(ports.SOULFRA_DATA_DIR)
    postgres: PostgresSettings
    redis: RedisSettings
    persons: PostgresSettings | None = None
    """Of the role that reads in a person's name; needed when a client is one's."""


def settings(environment: Mapping[str, str]) -> Settings:
    """The settings, or Refused with the name of what is wrong. No value is ever shown."""
    return read(Settings, environment, NAMES, OURS, TOLD)
