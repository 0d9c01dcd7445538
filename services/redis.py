"""Redis 8, reached through its socket only: a container for each tenant.

A session that is lost is a person sent away; what soulfra keeps is made from its log again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas import ports
from schemas.governance import keys as governance_keys
from schemas.key import Key
from schemas.soulfra import keys as soulfra_keys
from services import docker
from services.container import Container, File
from services.engine import Engine
from services.house import House, render
from services.images import built

UID = 971
MEMORY_MB = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """What one tenant keeps in Redis, and what its process may do there."""

    container: str
    user: str
    keys: tuple[Key, ...]
    commands: tuple[str, ...]
    policy: str
    """What goes when memory is full, as Redis calls it."""
    says: str
    """For who reads the configuration."""

    @property
    def operator(self) -> str:
        """The secret of the operator."""
        return f"{self.container.replace('-', '_')}_operator"

    @property
    def secret(self) -> str:
        """The secret of the tenant's user."""
        return f"redis_{self.user}"

    def files(
        self, operator: str, password: str, maxmemory_mb: int = MEMORY_MB // 2
    ) -> Mapping[str, File]:
        """Its configuration and its users; an AOF rewrite forks, half of the memory is for that."""
        return {
            "redis.conf": File(
                render(
                    "redis/redis.conf.j2",
                    socket=ports.REDIS_SOCKET,
                    files_dir=ports.CONTAINER_FILES_DIR,
                    maxmemory_mb=maxmemory_mb,
                    policy=self.policy,
                    says=self.says,
                )
            ),
            "users.acl": File(
                render(
                    "redis/users.acl.j2",
                    operator_sha256=_sha256(operator),
                    user=self.user,
                    user_sha256=_sha256(password),
                    patterns=[key.glob for key in self.keys],
                    commands=self.commands,
                ),
                secret=True,
            ),
            "operator_password": File(operator + "\n", secret=True),
        }


GOVERNANCE: Final = Kept(
    container="redis",
    user="governance",
    keys=governance_keys.KEYS,
    commands=(
        "ping", "hello", "client|setinfo", "client|setname", "get", "set", "setex", "getex", "del",
        "exists", "expire", "ttl", "lindex", "rpush", "ltrim", "time", "evalsha", "script|load",
    ),
    policy="noeviction",
    says="A session is never thrown out to make room for another; a full Redis says so instead.",
)  # fmt: skip
SOULFRA: Final = Kept(
    container="redis-soulfra",
    user="soulfra",
    keys=soulfra_keys.KEYS,
    commands=(
        "ping", "hello", "client|setinfo", "client|setname", "time", "evalsha", "script|load",
        "get", "set", "unlink", "expire", "lindex", "llen", "lrange", "ltrim", "rpush", "sadd",
        "srem",
        # The streams, and how far they are filled.
        "hset", "hmget", "xadd", "xrange", "xinfo|stream", "xinfo|groups", "xgroup|create",
        "xgroup|setid", "xreadgroup", "xack", "xpending", "xautoclaim",
    ),
    policy="volatile-lfu",
    says="All of it is made from the log, and can be again: what is asked for least goes first.",
)  # fmt: skip


def redis(house: House, engine: Engine, kept: Kept) -> None:
    """The container of a tenant: default user off, each user with what it needs."""
    called = house.called(kept.container)
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
            files=dict(kept.files(house.vault.get(kept.operator), house.vault.get(kept.secret))),
        ),
    )


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
