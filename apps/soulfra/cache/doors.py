"""What is read over HTTP through the cache, with headers that say where it came from."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qs

from apps.bridge.refusals import NotFound
from apps.bridge.web import Answer, Request
from apps.soulfra.cache.cache import Cache, Found, How
from apps.soulfra.cache.follower import Follower
from apps.soulfra.cache.kinds import KINDS, Kind
from apps.soulfra.cache.rating import RATED, Rate, rating
from apps.soulfra.cache.recent import Recent
from apps.soulfra.cache.value import now
from apps.soulfra.decisions.decision import Missing
from schemas.soulfra.words import Entity

STATUS: Final = {
    How.HIT: "soulfra; hit",
    How.MISS: "soulfra; fwd=uri-miss",
    How.STALE: "soulfra; fwd=stale",
    How.COLD: "soulfra; fwd=uri-miss; detail=cold",
    How.BYPASS: "soulfra; fwd=bypass",
    How.FRESH: "soulfra; fwd=request",
}
"""``Cache-Status`` as RFC 9211 has it."""
Ask = Callable[..., Awaitable[Found]]


class Reads:
    """What the cache answers, by entity and by what is asked of it."""

    def __init__(self, cache: Cache, follower: Follower, rate: Rate | None = None) -> None:
        self._cache = cache
        self._follower = follower
        recent = Recent(cache)
        self._asks: dict[tuple[Entity, str], Ask] = {
            (kind.entity, "" if kind.name == "state" else kind.name): self._of(kind)
            for kind in KINDS
        }
        self._asks[Entity.LOOP, "events"] = recent.events
        self._asks[Entity.AGENT, "whispers"] = recent.whispers
        if rate is not None:
            rated = rating(rate)
            self._asks |= {(each, "rating"): self._of(rated, f"{each}:") for each in RATED}

    async def answer(self, entity: Entity, name: str, part: str, asked: Request) -> Answer | None:
        """One read; None where no key is kept of it."""
        ask = self._asks.get((entity, part))
        if ask is None:
            if not part:
                return None
            known = ", ".join(part for of, part in self._asks if of is entity and part)
            raise NotFound(
                f"{entity} {name!r:.80}: has no {part!r:.40}", f"it has {known or 'none'}"
            )
        found = await ask(name, fresh=_is_fresh(asked))
        if found.value.text is None:
            raise Missing(f"{entity} {name!r:.80}: is not there")
        headers = {"cache-status": STATUS[found.how]}
        if found.how is How.HIT:
            headers["age"] = str(max(now() - found.value.made_at, 0) // 1000)
        return Answer(found.value.text.encode(), headers=headers)

    def health(self) -> dict[str, Any]:
        """How Redis is, and what became of reads."""
        redis, counts = self._cache.redis, self._cache.counts
        said = "away" if redis.is_open else "believed" if redis.is_believed else "catching up"
        rate = counts.hit_rate
        cache = {
            "hit_rate": None if rate is None else round(rate, 4),
            **counts.said(),
            "follower_troubles": self._follower.troubles,
        }
        return {"redis": said, "cache": cache}

    def metrics(self) -> str:
        """What is counted, as Prometheus reads it."""
        return self._cache.counts.exposed()

    def _of(self, kind: Kind, before: str = "") -> Ask:
        async def ask(name: str, *, fresh: bool) -> Found:
            return await self._cache.get(kind, f"{before}{name}", fresh=fresh)

        return ask


def _is_fresh(asked: Request) -> bool:
    """Whether what Redis has is not wanted: ``?fresh=1``, or ``Cache-Control: no-cache``."""
    if "no-cache" in (asked.header(b"cache-control") or ""):
        return True
    return parse_qs(asked.query.decode("latin-1")).get("fresh") == ["1"]
