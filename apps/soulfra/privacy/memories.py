"""Memories of agents: their keys follow from their owner's, and they go when that one goes."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from apps.postgres import PostgresSettings, alone
from apps.soulfra.decisions.decision import Conflict, Missing
from apps.soulfra.memory.handles import Handles
from apps.soulfra.privacy.forgetting import Entities, Touched
from apps.soulfra.privacy.keys import House
from apps.soulfra.privacy.seals import SQL
from apps.sqlite import sync_directory

AGENTS: Final = "agents"
"""Below the data directory: a folder for each."""
STATEMENT_MS: Final = 5_000


class Keys:
    """What ``Handles`` asks for the key of an agent's owner; none is kept."""

    def __init__(self, settings: PostgresSettings, house: House) -> None:
        self._settings, self._house = settings, house

    def __call__(self, agent_id: str) -> bytes:
        """The key; refused if its owner is forgotten, or nobody's."""
        with alone(self._settings, STATEMENT_MS) as conn:
            row = conn.execute(SQL["whose_agent"], {"id": agent_id}).fetchone()
        if row is None:
            raise Missing(f"agent {agent_id!r}: is not there")
        if row[1] is None:
            raise Conflict(f"agent {agent_id!r}: its owner is forgotten")
        return self._house.subject(row[0], row[1]).memory


class Memories:
    """Removes the folders of somebody's agents: file, copies after reflections, archive."""

    def __init__(self, agents: Path, handles: Handles | None = None) -> None:
        self._agents, self._handles = agents, handles

    async def __call__(self, of: Entities) -> Sequence[Touched]:
        """Each file that was there."""
        return await asyncio.to_thread(self._remove, of.agents)

    def _remove(self, agents: Sequence[str]) -> list[Touched]:
        done: list[Touched] = []
        for agent_id in agents:
            if self._handles is not None:
                self._handles.forget(agent_id)
            folder = self._agents / agent_id
            if not folder.is_dir():
                continue
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            shutil.rmtree(folder)
            sync_directory(self._agents)
            done += [
                Touched(f"{AGENTS}/{file.relative_to(self._agents)}", 1, "removed")
                for file in files
            ]
        return done
