"""How agents stood when this process last wrote for them, so that Postgres is not asked again.

Whoever else writes for an agent meanwhile is noticed by ``append_states``, which then writes
nothing; the agent is forgotten and asked for. A key that may be stored is always asked for.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from apps.governance.report import Report
from schemas.eisv import Anima, GovernanceEisv

LIMIT: Final = 65_536
"""Agents, some 1 kB each."""


class Before(NamedTuple):
    """The state that a check-in steps from: the one that came last and was not late."""

    eisv: GovernanceEisv
    anima: Anima
    boot_id: str
    seq: int
    recorded_at: datetime


class Stood(NamedTuple):
    """One agent after its newest check-in."""

    identity_id: int
    status: str
    newest_id: int
    """Its newest row in core.agent_state that was not late."""
    before: Before
    boot_id: str
    highest: int
    """The highest seq of that boot there is."""


class Memory:
    """Agent by name; whoever was not heard for longest is forgotten first."""

    def __init__(self) -> None:
        self._stood: dict[str, Stood] = {}

    def recall(self, said: Report) -> Stood | None:
        """How its agent stood, if the check-in can be neither a repeat nor late."""
        stood = self._stood.get(said.agent)
        if stood is None:
            return None
        is_next = said.boot_id == stood.boot_id and said.seq > stood.highest
        return stood if is_next or not said.is_keyed else None

    def learn(self, agent: str, stood: Stood) -> None:
        """What was committed for an agent."""
        self._stood.pop(agent, None)
        self._stood[agent] = stood
        if len(self._stood) > LIMIT:
            del self._stood[next(iter(self._stood))]

    def forget(self, agents: Iterable[str]) -> None:
        """Ask Postgres for them the next time."""
        for agent in agents:
            self._stood.pop(agent, None)
