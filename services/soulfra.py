"""The second tenant: its database on the same server, made by its own line, and its process."""

import hashlib
import json
from typing import Any, Final

from schemas import ports
from schemas.soulfra.clients import OPERATOR, Granted, May
from schemas.soulfra.server import APP, MASTER_KEY, PERSON, SOULFRA
from services import docker
from services.container import Container, File
from services.engine import Engine
from services.governance import database_url
from services.house import CLIENT, House
from services.migrations import postgres_line
from services.proof import postgres_proof
from services.shards import retire, shards, sockets

UID: Final = 973
MEMORY_MB: Final = 256
POOL: Final = (2, 8)
LINE: Final = "soulfra"


def soulfra(house: House, engine: Engine, tag: str) -> None:
    """Its database migrated, its process running, both proven; ``tag`` is the image with both."""
    postgres_line(house, tag, LINE)
    gone = shards(house, engine, tag)
    _process(house, engine, tag)
    retire(house, tag, gone)
    postgres_proof(house, tag, LINE)


def tokens(house: House) -> str:
    """Who may ask, and what: names, hashes of their tokens, and no token."""
    clients = {OPERATOR: Granted(may=frozenset(May)), **house.hosts.mac.soulfra_clients}
    said: dict[str, dict[str, Any]] = {}
    for name, client in clients.items():
        token = house.vault.get("soulfra_operator" if name == OPERATOR else f"{CLIENT}{name}")
        said[name] = {"sha256": hashlib.sha256(token.encode()).hexdigest()}
        if client.user is not None:
            said[name] |= {"user": str(client.user)}
        if client.may:
            said[name] |= {"may": sorted(client.may)}
    return json.dumps(said, sort_keys=True)


def _process(house: House, engine: Engine, tag: str) -> None:
    """The container ``soulfra``: one door on the loopback, whose clients prove a token."""
    called = house.called("soulfra")
    docker.container(
        engine=engine,
        name=f"Run {called}",
        spec=Container(
            container=called,
            image=tag,
            uid=UID,
            labels=house.labels,
            memory_mb=MEMORY_MB,
            networks=(house.called("abode-data"),),
            publish=(f"127.0.0.1:{house.hosts.mac.soulfra_port}:{ports.SOULFRA}",),
            volumes={
                f"{called}-data": ports.SOULFRA_DATA_DIR,
                f"{house.called('postgres-age')}-socket": ports.POSTGRES_SOCKET_DIR,
                f"{house.called('redis-soulfra')}-socket": ports.REDIS_SOCKET_DIR,
                **sockets(house),
            },
            env={
                "DB_POSTGRES_URL": database_url(APP, SOULFRA.database),
                "DB_POSTGRES_PASSWORD_FILE": f"{ports.CONTAINER_FILES_DIR}/postgres_password",
                "DB_POSTGRES_MIN_CONN": str(POOL[0]),
                "DB_POSTGRES_MAX_CONN": str(POOL[1]),
                "REDIS_SOCKET": ports.REDIS_SOCKET,
                "REDIS_USER": "soulfra",
                "REDIS_PASSWORD_FILE": f"{ports.CONTAINER_FILES_DIR}/redis_password",
                "SOULFRA_DATA_DIR": ports.SOULFRA_DATA_DIR,
                "SOULFRA_TOKENS_FILE": f"{ports.CONTAINER_FILES_DIR}/tokens.json",
                "SOULFRA_MASTER_KEY_FILE": f"{ports.CONTAINER_FILES_DIR}/master_key",
                "SOULFRA_PERSON_POSTGRES_URL": database_url(PERSON, SOULFRA.database),
                "SOULFRA_PERSON_POSTGRES_PASSWORD_FILE": (
                    f"{ports.CONTAINER_FILES_DIR}/person_password"
                ),
                "HEALTH_PORT": str(ports.SOULFRA),
            },
            files={
                "postgres_password": File(house.vault.get("postgres_soulfra") + "\n", secret=True),
                "redis_password": File(house.vault.get("redis_soulfra") + "\n", secret=True),
                "person_password": File(house.vault.get("postgres_person") + "\n", secret=True),
                # Made once. Who loses it loses what every person said.
                "master_key": File(house.vault.get(MASTER_KEY) + "\n", secret=True),
                "tokens.json": File(tokens(house), secret=True),
            },
            command=("python", "-m", "apps.soulfra"),
        ),
    )
