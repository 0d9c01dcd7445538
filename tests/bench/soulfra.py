"""``make bench-soulfra``: events a second against pgbench's single-row commits on one socket.

Each row is the median of alternating slices in one run. ABODE_SLICE is the seconds of a slice (5),
ABODE_RUNS how many there are (3), ABODE_AGENTS the numbers of agents that are there (10,000,
100,000 and 1,000,000): the same at each of them is what is wanted.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Final
from uuid import UUID, uuid4

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from apps.postgres import PostgresSettings, pool
from apps.soulfra.log import SQL as LOG
from apps.soulfra.log import Place, settled
from apps.soulfra.message import commit
from apps.soulfra.privacy.keys import House
from apps.soulfra.rebuild import rebuild
from apps.soulfra.writer import Writer
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
NEWEST: Final = """
SELECT transaction_id, position FROM log.events ORDER BY transaction_id DESC, position DESC LIMIT 1
"""
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
        there = 0
        for agents in AGENTS:
            console.print(f"[dim]{agents:,} agents[/]")
            with psycopg.connect(at.owner, autocommit=True) as conn:
                for low in range(there, agents, 50_000):
                    conn.execute(FILL, {"low": low, "high": min(low + 50_000, agents) - 1})
                there = agents
                replayed = _replayed(conn)
                conn.execute("ANALYZE")
            for row in (replayed, *_appended(at, agents)):
                table.add_row(row[0], f"{agents:,}", *row[1:])
    console.print(table)
    return 0


def _replayed(conn: psycopg.Connection) -> tuple[str, ...]:
    began = time.monotonic()
    done = rebuild(conn)
    rate = done.events / (time.monotonic() - began)
    met = "yes" if rate >= 50_000 else "NO"
    return f"replay, {done.events:,} events", f"{rate:,.0f}/s", "", "", ">= 50,000/s", met


def _appended(at: Stand, agents: int) -> Iterator[tuple[str, ...]]:
    ours: list[tuple[float, float]] = []
    plain, alone = [], []
    for _ in range(RUNS):
        plain.append(at.pgbench(WRITERS, SLICE, INSERT))
        ours.append(uvloop.run(_written(at, agents)))
        alone.append(uvloop.run(_alone(at)))
    rate, p95 = (statistics.median(column) for column in zip(*ours, strict=True))
    beside, log = statistics.median(plain), statistics.median(alone)
    lag = uvloop.run(_followed(at, agents))
    yield (
        f"events, {WRITERS} writers", f"{rate:,.0f}/s", f"pgbench {beside:,.0f}/s",
        f"{rate / beside:.2f}", ">= 0.7x", "yes" if rate >= 0.7 * beside else "NO",
    )  # fmt: skip
    yield f"log alone, {WRITERS} at once", f"{log:,.0f}/s", "", f"{log / beside:.2f}", "", ""
    yield f"command, {WRITERS} writers, p95", f"{p95 * 1000:.1f} ms", "", "", "", ""
    yield "lag of a follower", f"{lag:.2f} s", "", "", "< 1 s", "yes" if lag < 1 else "NO"


async def _followed(at: Stand, agents: int) -> float:
    """The worst lag of a follower beside the same load."""
    until = time.monotonic() + SLICE
    lag, _ = await asyncio.gather(_lag(at, until), _written(at, agents))
    return lag


async def _alone(at: Stand) -> float:
    """Events a second without commands: as many in one statement as there are writers."""
    count = 0
    async with await psycopg.AsyncConnection.connect(at.app, autocommit=True) as conn:
        until = time.monotonic() + SLICE
        while time.monotonic() < until:
            events = [
                {"stream": f"agent:alone-{uuid4().hex}", "version": 1, "type": "tone_shifted",
                 "schema_version": 1, "data": {"before": "joy", "after": "calm"},
                 "metadata": {"by": "", "command_id": str(UUID(int=0))}}
                for _ in range(WRITERS)
            ]  # fmt: skip
            await commit(conn, [(LOG["append"], (events, {}))])
            count += WRITERS
    return count / SLICE


async def _written(at: Stand, agents: int) -> tuple[float, float]:
    """Events a second, and the 95th percentile of a command's seconds."""
    took: list[float] = []
    settings = PostgresSettings(url=at.app, min_conn=2, max_conn=4)
    async with pool(settings, "soulfra") as there:
        writer = Writer(there, House(bytes(32)))
        until = time.monotonic() + SLICE

        async def write(n: int) -> None:
            tones = cycle(("grief", "hope", "calm"))
            number = n
            while time.monotonic() < until:
                began = time.monotonic()
                agent = f"bench-{number % agents}"
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


async def _lag(at: Stand, until: float) -> float:
    """How old an event is at most when who follows the log has it."""
    worst = 0.0
    async with await psycopg.AsyncConnection.connect(at.app, autocommit=True) as conn:
        cursor = await conn.execute(NEWEST)
        place = Place(*(await cursor.fetchone() or (0, 0)))
        while time.monotonic() < until:
            found = await settled(conn, place)
            if found:
                place = Place(found[-1].transaction_id, found[-1].position)
                worst = max(worst, time.time() - found[0].recorded_at.timestamp())
            else:
                await asyncio.sleep(0.02)
    return worst


if __name__ == "__main__":
    sys.exit(main())
