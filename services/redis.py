"""Redis 8 for sessions: one container, reached through its socket only."""

import hashlib

from schemas import ports
from schemas.governance import keys
from services import docker
from services.container import Container, File
from services.engine import Engine
from services.house import House, render
from services.images import built

UID = 971
MEMORY_MB = 256


def redis(house: House, engine: Engine) -> None:
    """The container ``redis``: default user off, each user with what it needs."""
    called = house.called("redis")
    operator = house.vault.get("redis_operator")
    governance = house.vault.get("redis_governance")
    tag = built(engine, "redis", "redis", {})
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
            volumes={
                f"{called}-data": "/var/lib/redis",
                f"{called}-socket": ports.REDIS_SOCKET_DIR,
            },
            files={
                "redis.conf": File(
                    render(
                        "redis/redis.conf.j2",
                        socket=ports.REDIS_SOCKET,
                        files_dir=ports.CONTAINER_FILES_DIR,
                        # An AOF rewrite forks: half stays free for the pages it touches.
                        maxmemory_mb=MEMORY_MB // 2,
                    )
                ),
                "users.acl": File(
                    render(
                        "redis/users.acl.j2",
                        operator_sha256=_sha256(operator),
                        governance_sha256=_sha256(governance),
                        patterns=[key.glob for key in keys.KEYS],
                    ),
                    secret=True,
                ),
                "operator_password": File(operator + "\n", secret=True),
            },
        ),
    )


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
