"""The table of the third seed: how long one caller waits, at the 95th of a hundred."""

import asyncio
import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from apps.governance.sessions import Sessions
from apps.redis_line import Line
from schemas.governance import keys

TRIES: Final = 300
AGENT: Final = "bench-seeds"
SESSION: Final = "bench-seeds-session"
Row = tuple[str, str, str, str, str, str]


def seed_table(port: int, redis: Path) -> Iterator[Row]:
    """One caller after the other over one connection, as an agent does it.

    A session is looked up as the server does it, in Redis; what an agent waits for a tool that
    begins with it has no target of its own.
    """
    yield _row("session look-up in Redis", asyncio.run(_looked_up(redis)), 1)
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(path: str, said: Any, **headers: str) -> Any:
        told = {"Content-Type": "application/json", **headers}
        conn.request("POST", path, json.dumps(said), told)
        answer = conn.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body}")
        return body

    def check_in(seq: int) -> None:
        anima = dict.fromkeys(("warmth", "clarity", "stability", "presence"), 0.8)
        said: dict[str, Any] = {
            "agent": AGENT,
            "boot_id": "bench-seeds",
            "seq": seq,
            "anima": anima,
        }
        # A backlog: what is live may come once a second only.
        said["recorded_at"] = "2026-02-20T12:00:00Z"
        ask("/v1/checkins", said, **{"X-Session-ID": SESSION})

    def tool(name: str, **arguments: Any) -> Any:
        return ask(f"/v1/tools/{name}", arguments, **{"X-Agent-Id": AGENT})

    check_in(0)
    told = [tool("store_discovery", type="note", summary=f"n {n}", tags=["seed"]) for n in range(9)]
    found = told[0]["discovery"]["discovery_id"]
    whole: dict[str, tuple[float | None, Callable[[int], Any]]] = {
        "identity by session": (
            None,
            lambda _: ask("/v1/tools/identity", {}, **{"X-Session-ID": SESSION}),
        ),
        "agent read": (10, lambda _: tool("get_agent", agent=AGENT)),
        "state write": (20, lambda n: check_in(n + 1)),
        "graph query": (200, lambda _: tool("neighbourhood", around={"key": found})),
        "audit query": (30, lambda _: tool("query_audit_events", limit=20)),
    }
    for what, (limit, do) in whole.items():
        times = []
        for n in range(TRIES):
            begun = time.perf_counter()
            do(n)
            times.append(1000 * (time.perf_counter() - begun))
        yield _row(what, times, limit)


async def _looked_up(redis: Path) -> list[float]:
    """Milliseconds of each look-up."""
    sessions = Sessions(None, Line(redis))  # type: ignore[arg-type]  every look-up is a hit
    times = []
    try:
        await sessions._line.ask("SET", keys.session(SESSION), AGENT, "EX", 60)
        for _ in range(TRIES):
            begun = time.perf_counter()
            await sessions.agent(SESSION)
            times.append(1000 * (time.perf_counter() - begun))
    finally:
        await sessions.close()
    return times


def _row(what: str, times: list[float], limit: float | None) -> Row:
    p95 = statistics.quantiles(times, n=20)[-1]
    met = "" if limit is None else "yes" if p95 <= limit else "NO"
    wanted = "" if limit is None else f"<= {limit:g} ms"
    return f"seed: {what}, p95", f"{p95:.2f} ms", "", "", wanted, met
