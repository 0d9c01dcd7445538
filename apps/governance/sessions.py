"""X-Session-ID -> agent. Postgres holds the truth; Redis answers first when it is there."""

import asyncio
import logging
from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from apps.governance.desk import Desk
from apps.queries import load
from schemas.governance import keys
from schemas.quantity import Closed

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
PENDING_LIMIT = 10_000
REDIS_SECONDS = 1.0

Binding = tuple[str, int]
"""The agent of a session, and for how many seconds more it is so."""


class RedisSettings(Closed):
    """The socket of Redis and who we are there."""

    socket: Path
    user: str | None = None
    password_file: Path | None = None


def connect(settings: RedisSettings) -> Redis:
    """A client that gives up after a second: nothing waits for a cache."""
    password = settings.password_file.read_text().strip() if settings.password_file else None
    return Redis(
        unix_socket_path=str(settings.socket),
        username=settings.user,
        password=password,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


class Sessions:
    """Bindings of sessions to agents; the cache is best effort and counts what it loses."""

    def __init__(self, desk: Desk, redis: Redis) -> None:
        self._desk = desk
        self._redis = redis
        self._pending: dict[str, Binding] = {}
        self._wake = asyncio.Event()
        self._probe = uuid4().hex[:8]
        self.dropped = 0
        """Bindings that Redis did not take; core.sessions has them."""

    def remember(self, bindings: dict[str, Binding]) -> None:
        """Cache soon what Postgres confirmed. Never waits, never fails."""
        if not bindings:
            return
        if len(self._pending) + len(bindings) > PENDING_LIMIT:
            self.dropped += len(bindings)
            return
        self._pending.update(bindings)
        self._wake.set()

    async def run(self) -> None:
        """Write what is to be cached until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            bindings, self._pending = self._pending, {}
            try:
                async with self._redis.pipeline(transaction=False) as pipe:
                    for session_id, (agent, seconds) in bindings.items():
                        pipe.set(keys.session(session_id), agent, ex=seconds)
                    await pipe.execute()
            except (RedisError, OSError, TimeoutError) as error:
                self._lose(len(bindings), error)

    async def agent(self, session_id: str) -> str | None:
        """Who a session belongs to, or None if no living session has this id."""
        try:
            cached = await self._redis.get(keys.session(session_id))
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(1, error)
            cached = None
        if cached:
            return str(cached)
        async with self._desk.connection() as conn:
            found = await conn.execute(SQL["session_agent"], {"session_id": session_id})
            row = await found.fetchone()
        if row is None:
            return None
        agent, seconds = str(row[0]), int(row[1])
        if seconds:
            self.remember({session_id: (agent, seconds)})
        return agent

    async def check(self) -> str | None:
        """What is wrong with the cache, or None: a key is written and read back."""
        key, said = keys.probe(self._probe), uuid4().hex
        try:
            await self._redis.set(key, said, ex=keys.PROBE.lifetime_seconds)
            read = await self._redis.get(key)
        except (RedisError, OSError, TimeoutError) as error:
            return f"redis: {type(error).__name__}"
        return None if read == said else "redis: what was written cannot be read"

    async def close(self) -> None:
        """Let go of Redis."""
        await self._redis.aclose()

    def _lose(self, count: int, error: Exception) -> None:
        if not self.dropped:
            log.warning("redis: %s; sessions go on from postgres", type(error).__name__)
        self.dropped += count
