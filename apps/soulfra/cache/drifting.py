"""How all drift, as Redis holds it: told again and again, so that nobody has to ask Postgres."""

from pathlib import Path
from typing import Final

from apps.redis_line import Script, Word
from apps.soulfra import drift
from apps.soulfra.cache.breaker import LONG_SECONDS
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.rating import Rate
from apps.soulfra.shards import drift as everywhere
from apps.soulfra.shards.router import Router
from schemas.soulfra import keys
from schemas.soulfra.drift import Rated

TELL: Final = Script.load(Path(__file__).with_suffix(".lua"))
TELL_SECONDS: Final = keys.RATING_SECONDS / 6
"""Before what was told last is over."""


async def tell(router: Router, cache: Cache) -> int:
    """Say the index, the critical set and the ratings of its members; gives how many are critical.

    All in one step: nobody sees a set of one moment and an index of another.
    """
    whole = await everywhere.told(router)
    said = [(f"{each.entity}:{each.id}", each.rating) for each in whole.critical]
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


def rate_of(router: Router) -> Rate:
    """What the cache asks of an agent or a loop, wherever it lives."""

    async def rate(stream: str) -> Rated | None:
        return await everywhere.told_of(router, *drift.named(stream))

    return rate
