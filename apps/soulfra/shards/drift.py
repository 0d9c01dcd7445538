"""How fast all drift, wherever they live: home's count, but agents as their own shards count them.

Home's log has what an agent did before it went; its shard's log has its whole life. So what home
counted of those that are away is taken off, and what their shards count of them is added.
"""

from datetime import UTC, datetime

from apps.postgres import Connection
from apps.soulfra import drift
from apps.soulfra.shards.router import Router
from schemas.quantity import Instant
from schemas.soulfra.drift import MOST_CRITICAL, Drifting, Rated, Told
from schemas.soulfra.shards import HOME
from schemas.soulfra.words import SLOTS


async def told(router: Router, at: Instant | None = None) -> Told:
    """How fast all drift; each slot is asked of one shard, its own."""
    at = at or datetime.now(UTC)
    owned = {name: slots for name, slots in (await router.owned()).items() if name != HOME}
    away = [slot for slots in owned.values() for slot in slots]
    async with router.home.pool.connection() as conn:
        whole = await drift.told(conn, at, away)
    index, critical = whole.index, list(whole.critical)
    for name, slots in owned.items():
        others = set(range(SLOTS)).difference(slots)
        async with router.shard(name).pool.connection() as conn:
            index += await drift.of_slots(conn, at, slots) / max(whole.agents + whole.loops, 1)
            critical += await drift.critical(conn, at, others)
    critical.sort(key=lambda each: (-each.rating, each.entity, each.id))
    told = {"index": index, "critical": tuple(critical[:MOST_CRITICAL])}
    return whole.model_copy(update={**told, "more": whole.more or len(critical) > MOST_CRITICAL})


async def told_of(
    router: Router, entity: Drifting, name: str, at: Instant | None = None
) -> Rated | None:
    """How fast one drifts, as it is counted where it lives; None where there is no such one."""

    async def ask(conn: Connection) -> Rated | None:
        return await drift.told_of(conn, entity, name, at)

    if entity == "agent":
        return await router.read(name, ask)
    async with router.home.pool.connection() as conn:
        return await ask(conn)
