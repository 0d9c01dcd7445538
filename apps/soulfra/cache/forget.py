"""The right to be forgotten, as far as Redis remembers: every key of somebody goes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from apps.redis_line import Script
from apps.soulfra.cache.breaker import LONG_SECONDS
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.rating import RATED
from apps.soulfra.cache.value import now
from apps.soulfra.privacy.forgetting import Entities, Touched
from schemas.key import Key
from schemas.soulfra import keys
from schemas.soulfra.words import Entity

FORGET: Final = Script.load(Path(__file__).with_suffix(".lua"))
VALUES: Final[Mapping[Entity, tuple[Key, ...]]] = {
    Entity.LOOP: (keys.LOOP_STATE, keys.LOOP_CONSCIOUSNESS, keys.FORECAST),
    Entity.AGENT: (keys.AGENT_STATE,),
    Entity.GUILD: (keys.GUILD,),
}
QUEUES: Final[Mapping[Entity, tuple[Key, ...]]] = {
    Entity.LOOP: (keys.LOOP_EVENTS,),
    Entity.AGENT: (keys.AGENT_WHISPERS,),
}
OTHERS: Final[Mapping[Entity, tuple[Key, ...]]] = {Entity.AGENT: (keys.AGENT_ACTIVE,)}
RATINGS: Final = (keys.RATING, keys.DRIFT_RATING)
"""By stream, as ``agent:ID``."""
AT_ONCE: Final = 200


class Forget:
    """What forgetting asks of Redis; without Redis it is asked again later."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def __call__(self, of: Entities) -> Sequence[Touched]:
        """Every key of a person, their agents and loops."""
        ids = [
            (Entity.USER, str(of.user_id)),
            *((Entity.AGENT, each) for each in of.agents),
            *((Entity.LOOP, each) for each in of.loops),
        ]
        return [Touched("redis", await forget(self._cache, ids), "removed")]


async def forget(cache: Cache, ids: Iterable[tuple[Entity, str]]) -> int:
    """How many keys and members went, of users, agents, loops and guilds.

    Call it when Postgres already says what is to be said from now on; Unreachable without Redis.
    """
    ids, gone = tuple(ids), 0
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        values, queues, others = (_of(some, each) for each in (VALUES, QUEUES, OTHERS))
        streams = [f"{entity}:{name}" for entity, name in some if entity in RATED]
        others += [_key(each, stream) for stream in streams for each in RATINGS]
        for key in (*values, *queues):
            cache.flights.leave(key)
        words = [len(values), len(queues), keys.MARK_SECONDS, now()]
        gone += int(await cache.redis.run(FORGET, [*values, *queues, *others], words, LONG_SECONDS))
        if streams:
            gone += int(await cache.redis.ask("SREM", keys.DRIFT_CRITICAL.pattern, *streams))
    return gone


def _of(ids: Iterable[tuple[Entity, str]], of: Mapping[Entity, tuple[Key, ...]]) -> list[str]:
    """The keys of things."""
    return [_key(key, name) for entity, name in ids for key in of.get(entity, ())]


def _key(key: Key, name: str) -> str:
    """The key of one, whatever its pattern calls the id."""
    part = key.pattern.partition("{")[2].partition("}")[0]
    return key.of(**{part: name})
