"""``make bench-bridge``: durable check-ins a second against pgbench on the same socket.

Each row is the median of alternating slices in one run. ABODE_SLICE is the seconds of a slice
(5), ABODE_RUNS how many there are (3), ABODE_LONG the seconds of the long run at 32 clients (30),
ABODE_ROWS how many rows the table has for the last comparison (1,000,000).
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
from rich.console import Console
from rich.table import Table

from tests.bench.bridge.load import Load, wrk
from tests.bench.bridge.seeds import seed_table
from tests.stand import Server, Stand, beside, deployed, stand

SLICE: Final = float(os.environ.get("ABODE_SLICE") or 5)
RUNS: Final = int(os.environ.get("ABODE_RUNS") or 3)
LONG: Final = float(os.environ.get("ABODE_LONG") or 30)
ROWS: Final = int(os.environ.get("ABODE_ROWS") or 1_000_000)
AGENTS: Final = 20_000
"""As many as it takes to stay below 60 calls a minute each."""
REPORTING: Final = 1_000
"""Agents that report over REST: known after the first moments of a slice, as they are for days."""
POOL: Final = 32
"""More connections than these the server does not have to spare."""
SPEAKERS: Final = {"rest": REPORTING, "mcp": AGENTS}
INSERT: Final = Path(__file__).with_name("insert.sql").read_text()
FILL: Final = """
INSERT INTO core.agent_state (
    identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
    entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
    warmth, clarity, stability, presence, state_json)
SELECT 1 + n %% %(agents)s, 'filled', n, decode(repeat('00', 32), 'hex'), now(), now(), false,
       0.7, 0.8, 0.2, 0, 0.5, 'DIVERGENCE', 'healthy', 0.3, 'proceed', 'tight', 'coherence', '',
       0.4, 0.8, 0.9, 0.9, '{}'
  FROM generate_series(%(low)s, %(high)s) AS n
"""
Row = tuple[str, str, str, str, str, str]


def main() -> int:
    """Measure and print; the exit code says only whether everything did its work."""
    console = Console()
    table = Table("what", "ours", "beside it", "ratio", "target", "met")
    with stand() as at:
        with psycopg.connect(at.admin, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO core.identities (agent_id)"
                " SELECT 'bench-' || i FROM generate_series(0, %s) AS i",
                [AGENTS - 1],
            )
            conn.execute("CREATE SEQUENCE core.sdk_seq; GRANT USAGE ON core.sdk_seq TO governance")
        with deployed(at) as server:
            for row in [*_clients(at, server), *_long(server), *_peer(at, server)]:
                table.add_row(*row)
            for row in [
                *seed_table(server.port, at.folder / "redis/redis.sock"),
                *_full(at, server),
            ]:
                table.add_row(*row)
    console.print(table)
    return 0


def _clients(at: Stand, server: Server) -> Iterator[Row]:
    wrk(server.port, "rest", 32, SLICE, REPORTING)
    for clients in (1, 8, 32, 128):
        plain: list[float] = []
        loads: dict[str, list[Load]] = {"rest": [], "mcp": []}
        for _ in range(RUNS):
            plain.append(at.pgbench(min(clients, POOL), SLICE, INSERT))
            for shape, found in loads.items():
                found.append(wrk(server.port, shape, clients, SLICE, SPEAKERS[shape]))
        beside = statistics.median(plain)
        for shape, found in loads.items():
            ours = statistics.median(load.per_second for load in found)
            p99 = statistics.median(load.p99_ms for load in found)
            target = {"rest": 1.0, "mcp": 0.8}[shape] if clients == 32 else 0.0
            yield _row(
                f"{shape}, {clients} clients, p99 {p99:.1f} ms", ours, "pgbench", beside, target,
                good=p99 < 25 or not target,
            )  # fmt: skip


def _long(server: Server) -> Iterator[Row]:
    """Memory does not grow."""
    before = server.rss_mb()
    load = wrk(server.port, "rest", 32, LONG, REPORTING)
    after = server.rss_mb()
    met = "yes" if after <= before * 1.1 else "NO"
    what = f"memory, {LONG:.0f} s, {load.done:,} check-ins"
    yield (
        what,
        f"{after:.0f} MB",
        f"before {before:.0f} MB",
        f"{after / before:.2f}",
        "<= 1.1x",
        met,
    )


def _peer(at: Stand, server: Server) -> Iterator[Row]:
    with beside(at, "sdk") as other:
        ours = wrk(server.port, "mcp", 32, SLICE, AGENTS).per_second
        theirs = wrk(other.port, "peer", 32, SLICE, AGENTS).per_second
    yield _row("mcp, 32 clients", ours, "official SDK", theirs, 20.0)
    with beside(at, "floor") as other:
        plain = at.pgbench(32, SLICE, INSERT)
        least = wrk(other.port, "rest", 32, SLICE, REPORTING).per_second
        ours = wrk(server.port, "rest", 32, SLICE, REPORTING).per_second
    yield _row("rest, 32 clients", ours, "nothing but the write", least, 0)
    yield _row("nothing but the write", least, "pgbench", plain, 0)
    yield _row("20 times the official SDK", 20 * theirs, "nothing but the write", least, 0)


def _full(at: Stand, server: Server) -> Iterator[Row]:
    """The same with a table that is long: what a check-in costs must not grow."""
    before = _cost(server)
    begun = time.monotonic()
    with psycopg.connect(at.admin, autocommit=True) as conn:
        conn.execute("SET synchronous_commit TO off")
        for low in range(0, ROWS, 500_000):
            high = min(low + 500_000, ROWS) - 1
            conn.execute(FILL, {"agents": AGENTS, "low": low, "high": high})
            sys.stderr.write(f"{high + 1:,} rows, {time.monotonic() - begun:.0f} s\n")
        conn.execute("ANALYZE core.agent_state")
        conn.execute("CHECKPOINT")
    wrk(server.port, "rest", 32, SLICE, REPORTING)
    after = _cost(server)
    met = "yes" if after <= before * 1.2 else "NO"
    what = f"processor, {ROWS:,} rows more"
    yield what, f"{after:.0f} us", f"before {before:.0f} us", f"{after / before:.2f}", "flat", met


def _cost(server: Server) -> float:
    """Microseconds of the processor that governance takes for one check-in."""
    begun = server.cpu_seconds()
    load = wrk(server.port, "rest", 32, SLICE, REPORTING)
    return 1e6 * (server.cpu_seconds() - begun) / load.done


def _row(
    what: str, ours: float, name: str, theirs: float, target: float, *, good: bool = True
) -> Row:
    ratio = ours / theirs
    met = "" if not target else "yes" if ratio >= target and good else "NO"
    wanted = f">= {target:g}x" if target else ""
    return what, f"{ours:,.0f}/s", f"{name} {theirs:,.0f}/s", f"{ratio:.2f}", wanted, met


if __name__ == "__main__":
    sys.exit(main())
