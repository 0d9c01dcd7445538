"""``make bench-soulfra``: events a second against pgbench's single-row commits on one socket.

Appended is what each of 32 writers gave and waited for; a command is decided, appended, answered
and followed by the tables, too.

Each row is the median of alternating slices in one run. ABODE_SLICE is the seconds of a slice (5),
ABODE_RUNS how many there are (3), ABODE_AGENTS the numbers of agents that are there (10,000,
100,000 and 1,000,000): the same at each of them is what is wanted.
"""

import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context
from typing import Any, Final
from uuid import uuid4

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from apps.postgres import Connection, Pool, PostgresSettings, pool
from apps.redis_line import Line
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.follower import Follower
from apps.soulfra.changes import POLL_SECONDS
from apps.soulfra.ending import ended
from apps.soulfra.group_commit import GroupCommit
from apps.soulfra.kept import Task, kept
from apps.soulfra.lags import FOLLOWERS, Lag, lags
from apps.soulfra.log import SQL as LOG
from apps.soulfra.message import commit
from apps.soulfra.privacy.keys import House
from apps.soulfra.rebuild import rebuild
from apps.soulfra.relay import FOLLOWER as STREAMS
from apps.soulfra.relay import Relay
from apps.soulfra.upkeep import DRIFT_SECONDS, change, count_drift
from apps.soulfra.writer import Told, Writer
from schemas.server import SOULFRA
from schemas.soulfra.commands import ShiftAgentTone
from tests.stand import Stand, stand

SLICE: Final = float(os.environ.get("ABODE_SLICE") or 5)
RUNS: Final = int(os.environ.get("ABODE_RUNS") or 3)
AGENTS: Final = tuple(
    int(n) for n in (os.environ.get("ABODE_AGENTS") or "10000 100000 1000000").split()
)
WRITERS: Final = 32
PLAIN: Final = """
CREATE TABLE log.plain (
    LIKE log.events INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES)
"""
"""As the log, but for its triggers and checks."""
INSERT: Final = """
INSERT INTO log.plain (stream, version, type, schema_version, data, metadata, sha256)
VALUES ('agent:' || gen_random_uuid(), 1, 'tone_shifted', 1, '{"before": "joy", "after": "calm"}',
        '{"by": "", "command_id": "00000000-0000-0000-0000-000000000000"}',
        decode(repeat('00', 32), 'hex'));
"""
USER: Final = """
SELECT log.append(jsonb_build_array(jsonb_build_object(
    'stream', 'user:00000000-0000-0000-0000-000000000001', 'version', 1, 'type', 'user_registered',
    'schema_version', 1, 'data', '{"username": "ada", "email": "ada@x.org", "tier": "free"}'::jsonb,
    'metadata', '{}'::jsonb)))
"""
AHEAD: Final = """
INSERT INTO log.followers (follower, transaction_id, position, taken)
SELECT f, e.transaction_id, e.position, 0
  FROM unnest(%(followers)s::text[]) AS f,
       (SELECT v.transaction_id, v.position FROM log.events AS v
         ORDER BY v.transaction_id DESC, v.position DESC LIMIT 1) AS e
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position
"""
"""What was there before is not waited for."""
LOOK_SECONDS: Final = 0.1
FILL: Final = """
SELECT log.append(jsonb_agg(jsonb_build_object(
           'stream', 'agent:bench-' || n, 'version', 1, 'type', 'agent_registered',
           'schema_version', 1, 'metadata', '{}'::jsonb, 'data', jsonb_build_object(
               'owner_id', '00000000-0000-0000-0000-000000000001', 'archetype', 'x',
               'tone', 'joy', 'slot', n %% 4096))))
  FROM generate_series(%(low)s::integer, %(high)s::integer) AS n
"""


def main() -> int:
    """Measure and print; the exit code says only whether everything did its work."""
    console = Console()
    table = Table("what", "agents", "ours", "beside it", "ratio", "target", "met")
    with stand(tenant=SOULFRA) as at:
        with psycopg.connect(at.admin, autocommit=True) as conn:
            conn.execute(PLAIN)
        with psycopg.connect(at.owner, autocommit=True) as conn:
            conn.execute(USER)
        there, lives = 0, Counter[int]()
        for agents in AGENTS:
            console.print(f"[dim]{agents:,} agents[/]")
            with psycopg.connect(at.owner, autocommit=True) as conn:
                for low in range(there, agents, 50_000):
                    conn.execute(FILL, {"low": low, "high": min(low + 50_000, agents) - 1})
                there = agents
                rebuild(conn, mend=True)
                conn.execute("ANALYZE")
                for row in (*_written_at(at, agents, lives), _replayed(conn)):
                    table.add_row(row[0], f"{agents:,}", *row[1:])
    console.print(table)
    return 0


def _replayed(conn: psycopg.Connection) -> tuple[str, ...]:
    began = time.monotonic()
    done = rebuild(conn)
    rate = done.events / (time.monotonic() - began)
    met = "yes" if rate >= 50_000 else "NO"
    return f"replay, {done.events:,} events", f"{rate:,.0f}/s", "", "", ">= 50,000/s", met


def _written_at(at: Stand, agents: int, lives: Counter[int]) -> Iterator[tuple[str, ...]]:
    plain, appended, commands = [], [], []
    for _ in range(RUNS):
        plain.append(at.pgbench(WRITERS, SLICE, INSERT))
        appended.append(uvloop.run(_appended(at, agents, lives)))
        commands.append(uvloop.run(_commanded(at, agents)))
    beside = statistics.median(plain)
    for what, runs, target in (("events appended", appended, 0.7), ("commands", commands, 0.0)):
        rate, p95 = (statistics.median(column) for column in zip(*runs, strict=True))
        yield (
            f"{what}, {WRITERS} writers", f"{rate:,.0f}/s", f"pgbench {beside:,.0f}/s",
            f"{rate / beside:.2f}", *_met(target, rate >= target * beside),
        )  # fmt: skip
        yield f"{what}, p95", f"{p95 * 1000:.1f} ms", "", "", "", ""
    for apart in (False, True):
        where = "in another process" if apart else "in the same process"
        rate, worst = _followed(at, agents, apart=apart)
        yield f"commands, followed {where}", f"{rate:,.0f}/s", "", "", "", ""
        for name, lag in worst.items():
            met = "yes" if lag.seconds < 1 else "NO"
            yield (
                f"  lag of {name}",
                f"{lag.seconds:.2f} s",
                f"{lag.events:,} events",
                "",
                "< 1 s",
                met,
            )


def _met(target: float, met: bool) -> tuple[str, str]:
    return (f">= {target}x", "yes" if met else "NO") if target else ("", "")


def _followed(at: Stand, agents: int, *, apart: bool) -> tuple[float, dict[str, Lag]]:
    """Commands a second, and the worst lag of each follower that a process has, beside them.

    ``apart``: the commands come from another process, as if they were another's.
    """
    if not apart:
        return uvloop.run(_following(at, lambda told: _commanded(at, agents, told)))
    with ProcessPoolExecutor(1, get_context("spawn")) as others:

        async def given(_: Told) -> tuple[float, float]:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(others, _given, at, agents)

        others.submit(_given, at, 0).result()
        return uvloop.run(_following(at, given))


def _given(at: Stand, agents: int) -> tuple[float, float]:
    return uvloop.run(_commanded(at, agents)) if agents else (0.0, 0.0)


async def _following(
    at: Stand, commanded: Callable[[Told], Awaitable[tuple[float, float]]]
) -> tuple[float, dict[str, Lag]]:
    settings = PostgresSettings(url=at.app, min_conn=4, max_conn=10)
    async with pool(settings, "soulfra") as there:
        cache = Cache(there, Line(at.folder / "redis/redis.sock"))
        relay = Relay(there, Line(at.folder / "redis/redis.sock"))
        async with there.connection() as conn:
            await conn.execute(
                AHEAD, {"followers": [each for each in FOLLOWERS if each != STREAMS]}
            )
        follower = Follower(cache)
        while await relay.step() or await follower.step():
            pass
        running = [asyncio.create_task(work) for work in (follower.run(), relay.run())]
        try:
            async with kept(_tasks(there)):
                ending = asyncio.Event()
                looking = asyncio.create_task(_worst(there, ending))
                rate, _ = await commanded(cache.changed)
                ending.set()
                worst = await looking
        finally:
            for each in running:
                await ended(each)
            await cache.close()
    return rate, worst


def _tasks(there: Pool) -> list[Task]:
    """As the process has them."""

    def of(take: Callable[[Connection], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
        async def do() -> bool:
            async with there.connection() as conn:
                return await take(conn)

        return do

    return [
        Task("transformations", of(change), POLL_SECONDS),
        Task("drift", of(count_drift), DRIFT_SECONDS),
    ]


async def _worst(there: Pool, ending: asyncio.Event) -> dict[str, Lag]:
    """Of each follower the longest, of all looks."""
    worst = {name: Lag(0, 0.0) for name in FOLLOWERS}
    while not ending.is_set():
        for name, lag in (await lags(there)).items():
            worst[name] = max(worst[name], lag, key=lambda each: each.seconds)
        await asyncio.sleep(LOOK_SECONDS)
    return worst


async def _appended(at: Stand, agents: int, lives: Counter[int]) -> tuple[float, float]:
    """Events a second, and the 95th percentile: each writer waits until its own is durable.

    Agents with odd numbers: commands go to the others.
    """
    took: list[float] = []
    async with await psycopg.AsyncConnection.connect(at.app, autocommit=True) as conn:

        async def written(events: Sequence[Mapping[str, Any]]) -> list[None]:
            await commit(conn, [(LOG["append"], (events, {}))])
            return [None] * len(events)

        group = GroupCommit(written)
        until = time.monotonic() + SLICE

        async def write(n: int) -> None:
            tones, before = cycle(("grief", "hope", "calm")), "joy"
            mine = cycle(range(2 * n + 1, agents, 2 * WRITERS))
            while (began := time.monotonic()) < until:
                number, after = next(mine), next(tones)
                lives[number] += 1
                await group.put(
                    {"stream": f"agent:bench-{number}", "version": lives[number] + 1,
                     "type": "tone_shifted",
                     "schema_version": 1, "data": {"before": before, "after": after},
                     "metadata": {"by": "", "command_id": str(uuid4())}}
                )  # fmt: skip
                before = after
                took.append(time.monotonic() - began)

        await asyncio.gather(*map(write, range(WRITERS)))
        await group.close()
    return len(took) / SLICE, statistics.quantiles(took, n=20)[-1]


async def _commanded(at: Stand, agents: int, told: Told | None = None) -> tuple[float, float]:
    """Events a second, and the 95th percentile of a command's seconds."""
    took: list[float] = []
    settings = PostgresSettings(url=at.app, min_conn=2, max_conn=4)
    async with pool(settings, "soulfra") as there:
        writer = Writer(there, House(bytes(32)), told)
        until = time.monotonic() + SLICE

        async def write(n: int) -> None:
            tones = cycle(("grief", "hope", "calm"))
            number = n
            while time.monotonic() < until:
                began = time.monotonic()
                agent = f"bench-{2 * number % agents}"
                try:
                    await writer.give(ShiftAgentTone(agent_id=agent, tone=next(tones)))
                except Exception:  # noqa: BLE001  it feels so already
                    next(tones)
                else:
                    took.append(time.monotonic() - began)
                number += 7919

        await asyncio.gather(*map(write, range(WRITERS)))
        await writer.close()
    return len(took) / SLICE, statistics.quantiles(took, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
