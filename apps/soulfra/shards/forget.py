"""Forgetting, as far as shards say anything: archetypes are sealed, and home destroys their key."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import psycopg

from apps.queries import load
from apps.soulfra.privacy.forgetting import Entities, Touched
from apps.soulfra.shards.router import Router, Shard
from schemas.errors import Diverged, Unreachable

SQL: Final = load(Path(__file__).with_suffix(".sql"))


class Forget:
    """What forgetting asks of every shard beside home; one that is away is asked again later."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, of: Entities) -> Sequence[Touched]:
        """What lies there and can be read no more; Diverged if there is what never is there."""
        await self._router.learn()
        found: list[Touched] = []
        for shard in self._router.others:
            try:
                found += await self._at(shard, of)
            except psycopg.Error as error:
                raise Unreachable(f"shard {shard.name}: {type(error).__name__}") from None
        return found

    async def _at(self, shard: Shard, of: Entities) -> Collection[Touched]:
        asked = {"user_id": of.user_id, "agents": list(of.agents)}
        async with shard.pool.connection() as conn:
            cursor = await conn.execute(SQL["said_of"], asked)
            rows = await cursor.fetchall()
        if strays := [place for place, how, count in rows if how == "stray" and count]:
            raise Diverged(
                f"user {of.user_id}: shard {shard.name}: {', '.join(strays)}: is home's alone"
            )
        return [Touched(f"{shard.name}/{place}", count, how) for place, how, count in rows if count]
