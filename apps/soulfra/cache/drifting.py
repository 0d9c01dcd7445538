"""How all drift, as Redis holds it: told again and again, so that nobody has to ask Postgres."""

from pathlib import Path
from typing import Final

from apps.postgres import Pool
from apps.redis_line import Script, Word
from apps.soulfra import drift
from apps.soulfra.cache.breaker import LONG_SECONDS
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.rating import Rate
from schemas.soulfra import keys
from schemas.soulfra.drift import Rated

TELL: Final = Script.load(Path(__file__).with_suffix(".lua"))
TELL_SECONDS: Final = keys.RATING_SECONDS / 6
"""Before what was told last is over."""


async def tell(pool: Pool, cache: Cache) -> int:
    """Say the index, the critical set and the ratings of its members; gives how many are critical.

    All in one step: nobody sees a set of one moment and an index of another.
    """
    async with pool.connection() as conn:
        whole, ratings = await drift.hot(conn)
    said = [(stream, each.rating) for stream, each in ratings.items() if each.critical]
    index = whole.model_dump_json(exclude={"critical"})
    told = [keys.DRIFT_RATING.of(id=stream) for stream, _ in said]
    names = [keys.DRIFT_INDEX.pattern, keys.DRIFT_CRITICAL.pattern, *told]
    words: list[Word] = [
        keys.RATING_SECONDS,
        index,
        *(word for stream, rating in said for word in (stream, str(rating))),
    ]
    await cache.redis.run(TELL, names, words, LONG_SECONDS)
    return len(said)


def rate_of(pool: Pool) -> Rate:
    """What the cache asks of an agent or a loop."""

    async def rate(stream: str) -> Rated | None:
        async with pool.connection() as conn:
            return await drift.told_of(conn, *drift.named(stream))

    return rate
