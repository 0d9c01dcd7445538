"""``make bench-sessions``: whose is a session, against redis-benchmark and redis-py, in one run.

Everyone asks the same Redis, one of its own from the lab's image, over the same unix socket and
with the same ACL. Many short rounds of as many look-ups are taken in turn and the best of each is
compared, as timeit does it: what else the machine does makes all slower, and not by the same.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from apps.governance.sessions import Sessions
from apps.redis_line import Line
from tests.bench.redis_server import PASSWORD, REQUESTS, Server, server

ROUNDS: Final = 25
KEY: Final = "session:bench"
TARGETS: Final[tuple[tuple[int, str, float | None], ...]] = (
    (1, "redis-benchmark", 0.7),
    (1, "redis-py", None),
    (32, "redis-py", 3.0),
    (32, "redis-benchmark", None),
)
Ask = Callable[[], Awaitable[object]]


def main() -> int:
    """Measure and print; the exit code says whether the targets were met."""
    with server() as standing:
        rates, latencies = uvloop.run(_measured(standing))
    table = Table("look-ups of a session", "a second", "beside it", "ratio", "target", "met")
    met = True
    for clients, beside, least in TARGETS:
        ours, theirs = rates["ours", clients], rates[beside, clients]
        good = least is None or ours / theirs >= least
        met = met and good
        table.add_row(
            f"{clients} at once", f"{ours:,.0f}", f"{beside} {theirs:,.0f}", f"{ours / theirs:.2f}",
            "" if least is None else f">= {least:g}x", "" if least is None else _word(good),
        )  # fmt: skip
    for clients, seconds in latencies.items():
        met = met and seconds < 1e-3
        table.add_row(
            f"{clients} at once, p95", f"{seconds * 1e3:.3f} ms", "", "", "< 1 ms",
            _word(seconds < 1e-3),
        )  # fmt: skip
    Console().print(table)
    return 0 if met else 1


def _word(good: bool) -> str:
    return "yes" if good else "NO"


async def _measured(standing: Server) -> tuple[dict[tuple[str, int], float], dict[int, float]]:
    line = Line(standing.socket, "governance", PASSWORD)
    sessions = Sessions(None, line)  # type: ignore[arg-type]  every look-up is a hit
    plain = Redis(
        unix_socket_path=str(standing.socket), username="governance", password=PASSWORD,
        decode_responses=True, max_connections=64,
    )  # fmt: skip
    await line.ask("SET", KEY, "lumen", "EX", 600)
    runs: dict[tuple[str, int], list[float]] = {}
    tails: dict[int, list[float]] = {}
    for _ in range(ROUNDS):
        for clients in (1, 32):
            known = await asyncio.to_thread(standing.benchmark, clients)
            runs.setdefault(("redis-benchmark", clients), []).append(known)
            rate, _ = await _rate(lambda: plain.get(KEY), clients)
            runs.setdefault(("redis-py", clients), []).append(rate)
            rate, tail = await _rate(lambda: sessions.agent("bench"), clients)
            runs.setdefault(("ours", clients), []).append(rate)
            tails.setdefault(clients, []).append(tail)
    await plain.aclose()
    await sessions.close()
    return (
        {name: max(rates) for name, rates in runs.items()},
        {clients: min(seconds) for clients, seconds in tails.items()},
    )


async def _rate(ask: Ask, clients: int) -> tuple[float, float]:
    """Answers a second, and the time that 95 of 100 take at most."""
    took: list[float] = []

    async def client() -> None:
        began = time.perf_counter()
        for _ in range(REQUESTS[clients] // clients):
            assert await ask() == "lumen"
            ended = time.perf_counter()
            took.append(ended - began)
            began = ended

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return len(took) / (time.perf_counter() - began), statistics.quantiles(took, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
