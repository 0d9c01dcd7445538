"""``make bench-soulfra``: reads through the cache on a Zipf load, and past it.

Some readers draw agents and loops by a seeded Zipf law, a writer changes some of them meanwhile.
What is read is kept for an hour: ABODE_WARM reads (500,000, some minutes' worth) come before, and
are not counted. ABODE_SLICE is the seconds of a run (5), ABODE_RUNS how many there are (3),
ABODE_AGENTS the numbers of agents, each with a loop (10,000, 100,000 and 1,000,000).
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from apps.postgres import PostgresSettings, pool
from apps.redis_line import Line
from apps.soulfra.cache.cache import Cache, How
from apps.soulfra.cache.counts import Counts
from apps.soulfra.cache.follower import NAME, Follower
from apps.soulfra.cache.kinds import AGENT, LOOP, Kind
from apps.soulfra.privacy.keys import House
from apps.soulfra.rebuild import rebuild
from apps.soulfra.writer import Writer
from schemas.errors import HouseError
from schemas.server import SOULFRA
from schemas.soulfra.commands import ShiftAgentTone
from tests.bench.soulfra import FILL, USER
from tests.stand import Stand, stand

SLICE: Final = float(os.environ.get("ABODE_SLICE") or 5)
RUNS: Final = int(os.environ.get("ABODE_RUNS") or 3)
AGENTS: Final = tuple(
    int(n) for n in (os.environ.get("ABODE_AGENTS") or "10000 100000 1000000").split()
)
WARM: Final = int(os.environ.get("ABODE_WARM") or 500_000)
READERS: Final = 4
SKEW: Final = 1.1
"""The exponent of the law: how much more often the first is asked for than the second."""
WRITES: Final = 50
"""Changes a second: some of what was read is old."""
SEED: Final = 7
LOOPS: Final = """
SELECT log.append(jsonb_agg(jsonb_build_object(
           'stream', 'loop:bench-' || n, 'version', 1, 'type', 'loop_created',
           'schema_version', 1, 'metadata', '{}'::jsonb, 'data', jsonb_build_object(
               'creator_id', '00000000-0000-0000-0000-000000000001', 'agent_id', 'bench-' || n,
               'whisper', 's1.' || repeat('x', 40), 'tone', 'joy', 'created_at', now()))))
  FROM generate_series(%(low)s::integer, %(high)s::integer) AS n
"""
AHEAD: Final = """
INSERT INTO log.followers (follower, transaction_id, position, taken)
SELECT %(follower)s, e.transaction_id, e.position, 0
  FROM log.events AS e ORDER BY e.transaction_id DESC, e.position DESC LIMIT 1
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position
"""
"""What was filled before is no change that Redis could have missed."""


def main() -> int:
    """Measure and print; the exit code says only whether everything did its work."""
    console = Console()
    table = Table("what", "agents", "ours", "beside it", "target", "met")
    with stand(tenant=SOULFRA) as at:
        with psycopg.connect(at.owner, autocommit=True) as conn:
            conn.execute(USER)
        there = 0
        for agents in AGENTS:
            console.print(f"[dim]{agents:,} agents, as many loops[/]")
            with psycopg.connect(at.owner, autocommit=True) as conn:
                for low in range(there, agents, 50_000):
                    span = {"low": low, "high": min(low + 50_000, agents) - 1}
                    conn.execute(FILL, span)
                    conn.execute(LOOPS, span)
                there = agents
                rebuild(conn, mend=True)
                conn.execute("ANALYZE")
                conn.execute(AHEAD, {"follower": NAME})
            for row in _rows(at, agents):
                table.add_row(row[0], f"{agents:,}", *row[1:])
    console.print(table)
    return 0


def _rows(at: Stand, agents: int) -> Iterator[tuple[str, ...]]:
    runs = uvloop.run(_measured(at, agents))
    rate, cached, bare, missed, uncached, hits = (
        statistics.median(column) for column in zip(*runs, strict=True)
    )
    yield f"reads, {READERS} readers", f"{rate:,.0f}/s", "", "", ""
    yield "hit rate", f"{hits:.1%}", "", ">= 80 %", "yes" if hits >= 0.8 else "NO"
    yield (
        "cached, p95", _ms(cached), f"bare GET {_ms(bare)}", "< 1 ms",
        "yes" if cached < 0.001 else "NO",
    )  # fmt: skip
    yield "missed and put, p95", _ms(missed), "", "", ""
    yield "uncached, p95", _ms(uncached), "", "< 10 ms", "yes" if uncached < 0.01 else "NO"


async def _measured(at: Stand, agents: int) -> list[tuple[float, ...]]:
    """Each run's reads a second; p95 of hits, a bare GET, misses, and past Redis; the hit rate."""
    weights = list(accumulate(1 / rank**SKEW for rank in range(1, agents + 1)))
    settings = PostgresSettings(url=at.app, min_conn=READERS, max_conn=READERS + 4)
    async with pool(settings, "soulfra") as there:
        cache = Cache(there, Line(at.folder / "redis/redis.sock"))
        follower, writer = Follower(cache), Writer(there, House(bytes(32)), cache.changed)
        await cache.redis.ask("FLUSHALL")
        await follower.step()
        tasks = [asyncio.create_task(follower.run())]
        tasks.append(asyncio.create_task(_write(writer, Random(SEED), weights)))
        load = Load(cache, weights, agents)
        await load.warm(WARM)
        runs = [await _run(load, SEED + n) for n in range(RUNS)]
        for task in tasks:
            task.cancel()
        await writer.close()
        await cache.close()
    return runs


async def _run(load: "Load", seed: int) -> tuple[float, ...]:
    load.cache.counts = load.cache.redis.counts = Counts()
    took = await load.read(seed, SLICE)
    hits = load.cache.counts.hit_rate or 0
    past = await load.read(seed, SLICE / 2, fresh=True)
    bare = await asyncio.gather(*(_bare(load.cache, SLICE / 4) for _ in range(READERS)))
    missed = _p95([each for how, each in took if how in {How.MISS, How.STALE}])
    plain = _p95([each for some in bare for each in some])
    return (
        len(took) / SLICE,
        _p95(_of(took, How.HIT)),
        plain,
        missed,
        _p95(_of(past, How.FRESH)),
        hits,
    )


@dataclass
class Load:
    """Readers of one cache."""

    cache: Cache
    weights: list[float]
    agents: int

    async def warm(self, reads: int) -> None:
        """So many reads; none is counted. What was read is kept for an hour."""
        chance = Random(SEED)
        waiting = iter(range(reads // 500))

        async def read() -> None:
            for _ in waiting:
                for kind, number in _drawn(chance, self.weights, self.agents):
                    await self.cache.get(kind, f"bench-{number}")

        await asyncio.gather(*(read() for _ in range(READERS)))

    async def read(
        self, seed: int, seconds: float, *, fresh: bool = False
    ) -> list[tuple[How, float]]:
        """How each was answered, and the seconds it took."""
        took: list[tuple[How, float]] = []
        weights = None if fresh else self.weights

        async def read(n: int) -> None:
            chance, until = Random(seed * 100 + n), time.monotonic() + seconds
            while True:
                for kind, number in _drawn(chance, weights, self.agents):
                    if time.monotonic() >= until:
                        return
                    began = time.perf_counter()
                    found = await self.cache.get(kind, f"bench-{number}", fresh=fresh)
                    took.append((found.how, time.perf_counter() - began))

        await asyncio.gather(*map(read, range(READERS)))
        return took


async def _bare(cache: Cache, seconds: float) -> list[float]:
    """What Redis and the line alone take, with the same writer beside them."""
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        await cache.redis.ask("GET", AGENT.of("bench-0"))
        took.append(time.perf_counter() - began)
    return took


def _drawn(chance: Random, weights: list[float] | None, agents: int) -> list[tuple[Kind, int]]:
    numbers = chance.choices(range(agents), cum_weights=weights, k=500)
    return [(chance.choice((AGENT, LOOP)), number) for number in numbers]


async def _write(writer: Writer, chance: Random, weights: list[float]) -> None:
    """Change what is often read."""
    tones = ("grief", "hope", "calm", "joy")
    while True:
        [number] = chance.choices(range(len(weights)), cum_weights=weights)
        with suppress(HouseError):  # it feels so already
            agent = f"bench-{number}"
            await writer.give(ShiftAgentTone(agent_id=agent, tone=chance.choice(tones)))
        await asyncio.sleep(1 / WRITES)


def _of(took: list[tuple[How, float]], how: How) -> list[float]:
    return [each for found, each in took if found is how]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1] if len(took) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
