"""Whether an agent has ended: whatever token it brings, it may do nothing then but check in."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from apps.governance.believed import Believed
from apps.governance.desk import Desk
from apps.queries import load
from schemas.governance.tables import Status

SQL = load(Path(__file__).with_name("agents.sql"))
ENDED: Final = frozenset({Status.ARCHIVED, Status.DISABLED, Status.DELETED})


class Lives:
    """core.identities, as far as a door has to know."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._believed = Believed(self._load)

    async def ended(self, agent: str) -> Status | None:
        """What it came to; None while it lives, or was never heard."""
        return await self._believed.get(agent)

    def forget(self, agents: Iterable[str]) -> None:
        """They were changed: ask again before they do anything."""
        self._believed.forget(agents)

    async def _load(self, agents: list[str]) -> dict[str, Status]:
        asked = {"agents": agents, "ended": sorted(ENDED)}
        async with self._desk.look_up() as conn:
            rows = await conn.execute(SQL["ended"], asked)
            return {agent: Status(status) for agent, status in await rows.fetchall()}
