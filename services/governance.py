"""The governance server: one container between the databases and the Pis."""

import hashlib
import json

from apps.ops.ways import ways
from schemas import ports
from schemas.governance.server import APP, GOVERNANCE
from services import docker
from services.cargo import MAC_CODE, files
from services.container import Container, File
from services.engine import Engine
from services.house import House
from services.images import built

UID = 972
MEMORY_MB = 512
POOL = (2, 10)


def image(engine: Engine) -> str:
    """The image that serves and, with another command, migrates; gives its tag."""
    return built(engine, "governance", "governance", files(MAC_CODE), "mac")


def database_url(role: str, database: str) -> str:
    """Where a container with the socket finds a database; the password is in a file."""
    return f"postgresql://{role}@/{database}?host={ports.POSTGRES_SOCKET_DIR}"


def governance(house: House, engine: Engine, tag: str) -> None:
    """The container ``governance``: two doors; in a lab the loopback's needs no token."""
    mac = house.hosts.mac
    called, data = house.called("governance"), house.networks[0]
    tokens = {
        pi.agent: hashlib.sha256(house.vault.get(f"agent_{pi.agent}").encode()).hexdigest()
        for pi in house.hosts.pi
    }
    docker.container(
        engine=engine,
        name=f"Run {called}",
        spec=Container(
            container=called,
            image=tag,
            uid=UID,
            labels=house.labels,
            memory_mb=MEMORY_MB,
            networks=tuple(house.networks),
            publish=(
                f"127.0.0.1:{mac.governance_port}:{ports.GOVERNANCE_LOCAL}",
                *(f"{a}:{mac.governance_port}:{ports.GOVERNANCE}" for a in mac.governance_bind),
            ),
            volumes={
                f"{called}-data": ports.GOVERNANCE_DATA_DIR,
                f"{house.called('postgres-age')}-socket": ports.POSTGRES_SOCKET_DIR,
                f"{house.called('redis')}-socket": ports.REDIS_SOCKET_DIR,
            },
            env={
                "DB_POSTGRES_URL": database_url(APP, GOVERNANCE.database),
                "DB_POSTGRES_PASSWORD_FILE": f"{ports.CONTAINER_FILES_DIR}/postgres_password",
                "DB_POSTGRES_MIN_CONN": str(POOL[0]),
                "DB_POSTGRES_MAX_CONN": str(POOL[1]),
                "REDIS_SOCKET": ports.REDIS_SOCKET,
                "REDIS_USER": "governance",
                "REDIS_PASSWORD_FILE": f"{ports.CONTAINER_FILES_DIR}/redis_password",
                "GOVERNANCE_REACH_FILE": f"{ports.CONTAINER_FILES_DIR}/reach.json",
                "AGENT_TOKENS_FILE": f"{ports.CONTAINER_FILES_DIR}/agent_tokens.json",
                # The local door listens where only the loopback's port mapping leads.
                "GOVERNANCE_LOCAL_HOST": f"{called}.{data}",
                "GOVERNANCE_LOCAL_OPEN": "true" if house.hosts.lab else "false",
            },
            files={
                "postgres_password": File(
                    house.vault.get("postgres_governance") + "\n", secret=True
                ),
                "redis_password": File(house.vault.get("redis_governance") + "\n", secret=True),
                "reach.json": File(ways(house.hosts).model_dump_json()),
                "agent_tokens.json": File(json.dumps(tokens, sort_keys=True), secret=True),
            },
        ),
    )
