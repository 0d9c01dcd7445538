"""What ``abode verify`` says: one closed object, its contract with programs."""

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from schemas.bridge import AgentName, BootId, Sequence
from schemas.quantity import Closed, Instant

Name = Literal[
    "postgres",
    "redis",
    "governance",
    "pi",
    "anima",
    "anima_db",
    "drawing_history",
    "check-in",
    "outbox",
    "core.agent_state",
    "drawing_eisv",
    "audit_log.jsonl",
    "audit.events",
    "governance_graph",
    "verdict",
]
State = Literal["ok", "not ok", "not asked"]
"""Not asked: what it rests on is not ok, so that nothing is known of it."""

NEEDS: Final[dict[Name, tuple[Name, ...]]] = {
    "postgres": (),
    "redis": (),
    "governance": ("postgres",),
    "pi": (),
    "anima": ("pi",),
    "anima_db": ("pi",),
    "drawing_history": ("anima", "anima_db"),
    "check-in": ("anima", "anima_db"),
    "outbox": ("check-in", "governance"),
    "core.agent_state": ("postgres", "outbox"),
    "drawing_eisv": ("core.agent_state", "anima_db"),
    "audit_log.jsonl": ("governance", "outbox"),
    "audit.events": ("postgres", "outbox"),
    "governance_graph": ("postgres", "outbox"),
    "verdict": ("anima", "core.agent_state"),
}
"""Each line in the order of the way, and what it rests on."""


class Mark(Closed):
    """The check-in that was followed. Nothing was added to it: its own key is the mark."""

    agent: AgentName
    boot_id: BootId
    seq: Sequence
    how: Literal["followed", "newest", "given"]
    """From the Pi's loop as it was made; the newest that was there; by the key that was given."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Of what lay in the Pi's outbox, as governance makes it; none when it was gone at once."""


class Line(Closed):
    """One thing that must be so, whether it is, and what shows it."""

    name: Name
    agent: AgentName
    """Whose check-in it is about: with two Pis, the Mac's lines are there twice."""
    host: str
    state: State
    says: str
    evidence: dict[str, JsonValue] = Field(default_factory=dict)
    silent: bool = False
    """Not ok because its store does not answer."""


class Verified(Closed):
    """The whole way, at one moment."""

    contract: Literal[1] = 1
    asked_at: Instant
    lab: str | None
    marks: list[Mark]
    lines: list[Line]

    @property
    def exit_code(self) -> int:
        """0 when each line is ok; 3 when all that is wrong is silence; else 4."""
        if all(line.state == "ok" for line in self.lines):
            return 0
        wrong = [line for line in self.lines if line.state == "not ok"]
        return 3 if wrong and all(line.silent for line in wrong) else 4
