"""Soulfra's drift and its documents from the operator's machine."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.ops.soulfra import answering
from apps.soulfra import drift
from schemas.errors import Refused
from schemas.soulfra.drift import Rated, Told
from schemas.soulfra.server import READER


def drifting(root: Path) -> Told:
    """How fast all drift."""

    async def run(url: str) -> Told:
        async with await _connected(url) as conn:
            return await drift.told(conn)

    with reached(*in_force(root), "soulfra", READER) as url, answering():
        return asyncio.run(run(url))


def drifting_of(root: Path, stream: str) -> Rated:
    """How fast one drifts."""
    entity, name = drift.named(stream)

    async def run(url: str) -> Rated | None:
        async with await _connected(url) as conn:
            return await drift.told_of(conn, entity, name)

    with reached(*in_force(root), "soulfra", READER) as url, answering():
        found = asyncio.run(run(url))
    if found is None:
        raise Refused(f"{stream!r}: is not there", f"abode soulfra life {stream}")
    return found


async def _connected(url: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC")
