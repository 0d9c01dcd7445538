"""Reads that Redis answers while it can: cache-aside, one read for all, never older than was told.

What this process commits is marked before its commands are answered, what others commit by the
follower; so a value is older than Postgres by no more than the follower's lag. After any trouble
Redis is not believed until the follower has told it all that it may have missed.
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from apps.postgres import Pool
from apps.redis_line import Line, Script, Word
from apps.soulfra.cache.breaker import PATIENCE_SECONDS, Redis
from apps.soulfra.cache.counts import Counts
from apps.soulfra.cache.flights import Flights, claimed
from apps.soulfra.cache.kinds import FOLLOWS, STATES, Kind
from apps.soulfra.cache.value import Value, is_mark, now, unpacked
from schemas.errors import HouseError
from schemas.soulfra.keys import MARK_SECONDS, READING
from schemas.soulfra.words import Entity

log = logging.getLogger("soulfra")
HERE: Final = Path(__file__).parent
PUT: Final = Script.load(HERE / "put.lua")
CHANGED: Final = Script.load(HERE / "changed.lua")
AT_ONCE: Final = 500
"""Keys of one script: Redis does nothing else meanwhile."""
AT_ODDS_MS: Final = 1_000
"""The clocks of Postgres and of this process are apart by no more."""
READ_MS: Final = 10_000
"""Who has read for so long may be older than a mark that is gone: it is not put."""


class How(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"
    """It was known to be old, so that Postgres was asked."""
    COLD = "cold"
    BYPASS = "bypass"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and where it came from."""

    value: Value
    how: How


class Cache:
    """One of a process."""

    def __init__(self, pool: Pool, line: Line) -> None:
        self.pool = pool
        self.counts = Counts()
        self.redis = Redis(line, self.counts)
        self.flights: Flights[Found] = Flights()
        self.wrong_until = 0
        """Tables were put right then (ms): what was made before is not believed."""

    async def get(self, kind: Kind, name: str, *, fresh: bool = False) -> Found:
        """How it stands; its text is None if it is not there."""
        key = kind.of(name)
        if fresh:
            found, is_joined = await self._read(kind, name, How.FRESH), False
        else:
            found, is_joined = await self._kept(kind, name, key)
        self.count(found, is_joined=is_joined)
        return found

    async def changed(self, events: Iterable[Mapping[str, Any]]) -> None:
        """What a commit of this process changed. It never fails: the follower tells it again."""
        versions: dict[str, int] = {}
        for each in events:
            versions[each["stream"]] = max(each["version"], versions.get(each["stream"], 0))
        try:
            await self.mark(versions)
        except HouseError as error:
            if not self.counts.untold:
                log.warning("%s; soulfra's follower tells it later", error.message)
            self.counts.untold += len(versions)
            self.redis.doubt()

    async def mark(self, versions: Mapping[str, int], seconds: float = PATIENCE_SECONDS) -> None:
        """Let nobody find what is older than these versions of streams."""
        marked: list[tuple[str, int, list[str]]] = []
        for stream, version in versions.items():
            entity, _, name = stream.partition(":")
            kind = STATES.get(Entity(entity))
            if kind is not None:
                follows = [each.of(name) for each in FOLLOWS[kind.entity]]
                marked.append((kind.of(name), version, follows))
        for start in range(0, len(marked), AT_ONCE):
            some = marked[start : start + AT_ONCE]
            dropped = [key for _, _, follows in some for key in follows]
            for key in (*(key for key, _, _ in some), *dropped):
                self.flights.leave(key)
            words = [len(some), MARK_SECONDS, now(), *(version for _, version, _ in some)]
            keys = [*(key for key, _, _ in some), *dropped]
            await self.redis.run(CHANGED, keys, words, seconds)

    def mended(self, at: int) -> bool:
        """Tables were put right at an instant (ms); whether that is news."""
        if self.wrong_until >= at + AT_ODDS_MS:
            return False
        self.wrong_until = at + AT_ODDS_MS
        self.flights.leave_all()
        return True

    async def close(self) -> None:
        """Let go of Redis."""
        await self.flights.close()
        await self.redis.close()

    async def _kept(self, kind: Kind, name: str, key: str) -> tuple[Found, bool]:
        """Of Redis; else of Postgres for all who wait, and whether somebody waited already."""
        said = None
        if self.redis.is_believed:
            with suppress(HouseError):
                said = await self.redis.ask("GET", key)
        if not self.redis.is_believed:
            return await self.flights.join(key, lambda: self._read(kind, name, How.BYPASS))
        value = unpacked(said)
        if value is not None and value.made_at > self.wrong_until:
            return Found(value, How.HIT), False
        how = How.STALE if value is not None or is_mark(said) else How.MISS
        return await self.flights.join(key, lambda: self._missed(kind, name, key, how))

    async def _missed(self, kind: Kind, name: str, key: str, how: How) -> Found:
        try:
            token, value = await claimed(self.redis, key, self.wrong_until)
        except HouseError:
            return await self._read(kind, name, How.BYPASS)
        if value is not None and self.redis.is_believed:
            return Found(value, How.HIT)
        return await self._read(kind, name, how, token)

    async def _read(self, kind: Kind, name: str, how: How, token: str = "") -> Found:
        """Of Postgres, and put where the next one finds it."""
        self.counts.read += 1
        try:
            value = await kind.read(self.pool, name)
        except BaseException:
            await self._put(kind, name, Value(0, now()), 0, token)
            raise
        seconds = kind.kept_seconds(value)
        if value.text is not None and seconds <= 0:
            how = How.COLD if how is not How.FRESH else how
        await self._put(kind, name, value, seconds, token)
        return Found(value, how)

    async def _put(self, kind: Kind, name: str, value: Value, seconds: int, token: str) -> None:
        """Best effort: what is not put is read again."""
        is_kept = seconds > 0 and now() - value.made_at < READ_MS
        if self.redis.is_open or not (is_kept or token):
            return
        key = kind.of(name)
        keys = [key, kind.floor_of(name), READING.of(key=key)]
        text = value.packed() if is_kept else ""
        words: list[Word] = [value.version, value.made_at, text, max(seconds, 1), token]
        try:
            put = await self.redis.run(PUT, keys, words)
        except HouseError:
            self.counts.unput += 1
        else:
            self.counts.lost += put == 0 and is_kept

    def count(self, found: Found, *, is_joined: bool) -> None:
        """What became of one read."""
        counts, how = self.counts, found.how
        if how is How.HIT:
            counts.absent += found.value.text is None
            counts.hits += found.value.text is not None
        elif how is How.FRESH:
            counts.fresh += 1
        elif is_joined:
            counts.joined += 1
        elif how is How.BYPASS:
            counts.bypassed += 1
        elif how is How.COLD:
            counts.cold += 1
        else:
            counts.misses += 1
