"""How agents are, in numbers: state, verdicts, and how far the Pi's own EISV is from ours."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from apps.bridge.tool import Caller, Tool
from apps.governance.desk import Desk
from apps.queries import load
from schemas.eisv import GovernanceEisv
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.health import (
    AgentMetrics,
    Disagreement,
    GovernanceMetrics,
    GovernanceMetricsReply,
)

SQL = load(Path(__file__).with_suffix(".sql"))
DISAGREES_ABOVE: Final = 0.2
"""As ``Disagreement.disagreed`` says it."""


class Figures:
    """``get_governance_metrics``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def tools(self) -> tuple[Tool, ...]:
        """The one tool."""

        async def metrics(caller: Caller, asked: GovernanceMetrics) -> GovernanceMetricsReply:
            found = await self._agents(asked)
            total: Counter[str] = Counter()
            for each in found:
                total.update(each.verdicts)
            return GovernanceMetricsReply.model_validate(
                {
                    "hours": asked.hours,
                    "agents": found,
                    "verdicts": dict(total),
                    "resolved_agent_id": caller.agent,
                }
            )

        return (
            Tool(
                "get_governance_metrics",
                "An agent's newest EISV, coherence, risk and verdict, or everybody's.",
                GovernanceMetrics, GovernanceMetricsReply, Right.READ, metrics,
            ),
        )  # fmt: skip

    async def _agents(self, asked: GovernanceMetrics) -> tuple[AgentMetrics, ...]:
        agent = asked.of_agent or asked.agent_id
        values = {
            "agent": agent,
            "limit": asked.limit,
            "hours": asked.hours,
            "allowed": DISAGREES_ABOVE,
        }
        async with self._desk.connection() as conn:
            rows = await (await conn.execute(SQL["figures"], values)).fetchall()
        if agent is not None and not rows:
            raise Refused(f"agent {agent!r:.80}: has not checked in", "list_agents names those")
        return tuple(map(_figures, rows))


def _figures(row: tuple[Any, ...]) -> AgentMetrics:
    agent, status, recorded, received, energy, integrity, entropy, void, *rest = row
    coherence, risk, health, action, reason, verdicts, *off = rest
    compared, disagreed, mean, largest = off
    return AgentMetrics(
        agent_id=agent,
        status=status,
        recorded_at=recorded,
        received_at=received,
        eisv=GovernanceEisv(E=energy, I=integrity, S=entropy, V=void),
        coherence=coherence,
        risk_score=risk,
        health_status=health,
        action=action,
        reason=reason,
        verdicts=verdicts,
        disagreement=Disagreement(
            compared=compared, disagreed=disagreed, mean=mean, largest=largest
        ),
    )
