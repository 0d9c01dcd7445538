"""One check-in on its way to disk: its key, its hash, the row and the event it becomes."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic_core import from_json

from apps.governance import audit
from apps.governance.verdict import Judgement
from schemas.bridge import CONTRACT, CheckIn, Verdict
from schemas.eisv import GovernanceEisv

UNKEYED = "unkeyed-"
"""How the boot of a check-in begins that was sent without one."""


class Report(NamedTuple):
    """What an authenticated agent said, and when we heard it."""

    agent: str
    check_in: CheckIn
    state: dict[str, Any]
    """What was sent beside the anima."""
    boot_id: str
    seq: int
    is_keyed: bool
    """Whether the agent gave the key; else it is one that nothing can repeat."""
    body_sha256: bytes
    recorded_at: datetime
    received_at: datetime
    complexity: float | None = None
    session_id: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Unique for ever."""
        return self.agent, self.boot_id, self.seq


def report(
    agent: str,
    check_in: CheckIn,
    received_at: datetime,
    complexity: float | None = None,
    session_id: str | None = None,
    *,
    told: bytes | None = None,
) -> Report:
    """A check-in with its key. One sent without gets a key that nothing can repeat.

    ``told`` is what was sent, where the caller has it at hand.
    """
    boot_id, seq = check_in.boot_id, check_in.seq
    told = told or check_in.told()
    state = state_json(from_json(told))
    return Report(
        agent=agent,
        check_in=check_in,
        state=state,
        boot_id=f"{UNKEYED}{uuid4().hex}" if boot_id is None else boot_id,
        seq=seq or 0,
        is_keyed=boot_id is not None,
        body_sha256=sha256(b"%s|%s" % (check_in.said(told), str(complexity).encode())).digest(),
        # Nothing is recorded after it was received: the Pi's clock may run ahead.
        recorded_at=min(check_in.recorded_at or received_at, received_at),
        received_at=received_at,
        complexity=complexity,
        session_id=session_id,
    )


def row(said: Report, identity_id: int, made: Judgement) -> dict[str, Any]:
    """The row of core.agent_state, but for its place among the others.

    Words, not members of an enum: those take twice as long to become JSON as all the rest.
    """
    anima, reported = said.check_in.anima, said.check_in.eisv
    return {
        "identity_id": identity_id,
        "boot_id": said.boot_id,
        "seq": said.seq,
        "body_sha256": said.body_sha256.hex(),
        "recorded_at": said.recorded_at,
        "received_at": said.received_at,
        "energy": made.eisv.E,
        "integrity": made.eisv.I,
        "entropy": made.eisv.S,
        "void": made.eisv.V,
        "coherence": made.coherence,
        "regime": str(made.regime),
        "health": str(made.health),
        "risk": made.risk,
        "action": str(made.action),
        "margin": str(made.margin),
        "nearest_edge": str(made.nearest_edge),
        "reason": made.reason,
        "reported_energy": reported.E if reported else None,
        "reported_integrity": reported.I if reported else None,
        "reported_entropy": reported.S if reported else None,
        "reported_void": reported.V if reported else None,
        "warmth": anima.warmth,
        "clarity": anima.clarity,
        "stability": anima.stability,
        "presence": anima.presence,
        "state_json": said.state,
    }


def state_json(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent beside the anima; a key that was not sent is not there."""
    environment = dict(told.get("sensor_data") or {})
    drawing = environment.pop("drawing_eisv", None)
    beside = {name: told.get(name) for name in ("identity", "pi")}
    parts = {"drawing_eisv": drawing, "environment": environment, **beside}
    state = {name: part for name, part in parts.items() if part}
    if (uptime := told.get("monotonic_seconds")) is not None:
        state["monotonic_seconds"] = uptime
    return state


def verdict(said: Report, made: Judgement, *, late: bool) -> Verdict:
    """The first answer to a check-in, in the newest contract."""
    return Verdict(
        contract=CONTRACT,
        action=made.action,
        margin=made.margin,
        reason=made.reason,
        nearest_edge=made.nearest_edge,
        resolved_agent_id=said.agent,
        eisv=made.eisv,
        coherence=made.coherence,
        risk_score=made.risk,
        late=late,
    )


def again(said: Report, known: tuple[Any, ...]) -> Verdict:
    """The first answer once more, from the stored row (columns of the query ``standing``)."""
    energy, integrity, entropy, void, coherence, risk, action, margin, edge, reason, late = known
    return Verdict(
        contract=CONTRACT,
        action=action,
        margin=margin,
        reason=reason,
        nearest_edge=edge,
        resolved_agent_id=said.agent,
        eisv=GovernanceEisv(E=energy, I=integrity, S=entropy, V=void),
        coherence=coherence,
        risk_score=risk,
        repeated=True,
        late=late,
    )


def event(kind: str, said: Report, payload: dict[str, Any]) -> dict[str, Any]:
    """What becomes a line of audit_log.jsonl, and a row of audit.events."""
    return audit.event(said.agent, kind, payload, said.received_at)
