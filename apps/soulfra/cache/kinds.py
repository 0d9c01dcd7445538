"""What is kept for whom: which key, made of which read of Postgres, changed by which stream."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.postgres import Pool
from apps.queries import load
from apps.soulfra.cache.forecast import forecast
from apps.soulfra.cache.value import Value, now
from apps.soulfra.upcast import recorded
from schemas.key import Key
from schemas.soulfra import keys
from schemas.soulfra.words import Entity

SQL: Final = load(Path(__file__).with_name("cache.sql"))
READS: Final = load(Path(__file__).parents[1] / "reads.sql")
Read = Callable[[Pool, str], Awaitable[Value]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One family of keys; ``part`` is what its pattern calls the id."""

    name: str
    entity: Entity
    key: Key
    part: str
    read: Read
    floor: Key

    def of(self, name: str) -> str:
        """The key of one thing."""
        return self.key.of(**{self.part: name})

    def floor_of(self, name: str) -> str:
        """The key whose version it may not be older than."""
        return self.floor.of(**{self.part: name})

    def kept_seconds(self, value: Value) -> int:
        """How long it is kept: the key's lifetime, and not beyond the day that makes it cold."""
        if value.text is None:
            return keys.ABSENT_SECONDS
        cold = value.changed_at // 1000 + keys.WARM_SECONDS - value.made_at // 1000
        return min(self.key.lifetime_seconds, cold)


def _headed(entity: Entity, query: str) -> Read:
    """A read of one JSON value, with the version of its stream in the same snapshot."""
    sql = SQL["headed"].replace("(NULL)", f"({query.rstrip(';')})")

    async def read(pool: Pool, name: str) -> Value:
        async with pool.connection() as conn:
            began = now()
            cursor = await conn.execute(sql, {"stream": f"{entity}:{name}", "id": name})
            row = await cursor.fetchone() or (0, 0, None)
        # What is not there has no version, even where its life has begun to be told.
        return Value(row[0], began, row[1], row[2]) if row[2] is not None else Value(0, began)

    return read


async def _forecast(pool: Pool, name: str) -> Value:
    """From the newest of its life."""
    asked: dict[str, Any] = {"stream": f"loop:{name}", "limit": keys.RECENT}
    async with pool.connection() as conn:
        began = now()
        rows = await (await conn.execute(SQL["recent_events"], asked)).fetchall()
    lived = [recorded(row) for row in reversed(rows)]
    if not lived:
        return Value(0, began)
    changed_at = int(lived[-1].recorded_at.timestamp() * 1000)
    made = forecast(name, lived, began / 1000).model_dump_json()
    return Value(lived[-1].version, began, changed_at, made)


LOOP: Final = Kind(
    "state", Entity.LOOP, keys.LOOP_STATE, "loop_id",
    _headed(Entity.LOOP, READS["loop"]), keys.LOOP_STATE,
)  # fmt: skip
CONSCIOUSNESS: Final = Kind(
    "consciousness", Entity.LOOP, keys.LOOP_CONSCIOUSNESS, "loop_id",
    _headed(Entity.LOOP, SQL["consciousness"]), keys.LOOP_STATE,
)  # fmt: skip
FORECAST: Final = Kind(
    "forecast", Entity.LOOP, keys.FORECAST, "loop_id", _forecast, keys.LOOP_STATE,
)  # fmt: skip
AGENT: Final = Kind(
    "state", Entity.AGENT, keys.AGENT_STATE, "agent_id",
    _headed(Entity.AGENT, READS["agent"]), keys.AGENT_STATE,
)  # fmt: skip
GUILD: Final = Kind(
    "state", Entity.GUILD, keys.GUILD, "guild_id",
    _headed(Entity.GUILD, READS["guild"]), keys.GUILD,
)  # fmt: skip

KINDS: Final = (LOOP, CONSCIOUSNESS, FORECAST, AGENT, GUILD)
STATES: Final = {kind.entity: kind for kind in KINDS if kind.key == kind.floor}
"""What is marked when a stream of the entity goes on."""
FOLLOWS: Final = {
    entity: tuple(each for each in KINDS if each.entity == entity and each.key != each.floor)
    for entity in STATES
}
"""What is dropped with it."""
