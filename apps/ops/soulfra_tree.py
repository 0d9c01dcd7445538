"""Soulfra's drift and its documents from the operator's machine."""

import asyncio
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any, Literal

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.ops.soulfra import answering, routed
from apps.ops.ways import ways
from apps.soulfra import drift
from apps.soulfra.recount import anew
from apps.soulfra.shards import drift as everywhere
from apps.soulfra.shards.router import Router
from schemas.errors import Diverged, Refused, Unreachable
from schemas.soulfra.drift import Rated, Told
from schemas.soulfra.server import READER

Do = Literal["snapshot", "check", "archive", "verify"]


def drifting(root: Path) -> Told:
    """How fast all drift."""
    return asyncio.run(routed(root, READER, everywhere.told))


def drifting_of(root: Path, stream: str) -> Rated:
    """How fast one drifts."""
    entity, name = drift.named(stream)

    async def run(router: Router) -> Rated | None:
        return await everywhere.told_of(router, entity, name)

    found = asyncio.run(routed(root, READER, run))
    if found is None:
        raise Refused(f"{stream!r}: is not there", f"abode soulfra life {stream}")
    return found


def counted_anew(root: Path) -> int:
    """Count from nothing how all drift, on each shard; gives how many events."""

    async def run(url: str) -> int:
        async with await _connected(url) as conn:
            return await anew(conn)

    hosts, state = in_force(root)
    events = 0
    for port in (None, *hosts.mac.soulfra_shards.values()):
        with reached(hosts, state, "soulfra", None, port) as url, answering():
            events += asyncio.run(run(url))
    return events


async def _connected(url: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC")


def documents(root: Path, what: Do) -> dict[str, Any]:
    """Have the documents or the archive made, or proven, where they lie: in the container."""
    reach = ways(in_force(root)[0])
    words = (*reach.soulfra, "python", "-m", "apps.soulfra.tree", what)
    command = [*reach.over, shlex.join(words)] if reach.over else list(words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said, _, hint = done.stderr.strip().partition("\n  hint: ")
        kinds = {kind.exit_code: kind for kind in (Refused, Diverged)}
        raise kinds.get(done.returncode, Unreachable)(
            f"soulfra's documents: {said or f'exit {done.returncode}'}", hint or "abode status"
        ) from None
    return found
