"""What came of something that an agent did, kept beside the state that the agent was in."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from apps.bridge.refusals import Conflict, Forbidden
from apps.bridge.tool import Caller, Tool
from apps.governance.audit import AuditLog, event
from apps.governance.change import change
from apps.governance.desk import Desk
from apps.governance.verdict import SAFE_PHI, drift, phi
from apps.postgres import Connection
from apps.queries import load
from schemas.eisv import Anima, GovernanceEisv
from schemas.governance.audit import Assessment
from schemas.governance.calls import Call, Right
from schemas.governance.calls.outcome import OutcomeKept, RecordGroundTruth, ReportOutcome
from schemas.quantity import clamp

SQL = load(Path(__file__).with_name("outcomes.sql"))
GROUND_TRUTH = "ground_truth"
SHAKEN = 0.15
"""Anima that changes more in a step makes an agent less sure, by what it changes more."""


class Outcomes:
    """``record_result``, its later name ``outcome_event``, and ``record_ground_truth``."""

    def __init__(self, desk: Desk, audit: AuditLog) -> None:
        self._desk = desk
        self._audit = audit

    def tools(self) -> tuple[Tool, ...]:
        """What came of it, and how sure the agent had been."""

        async def outcome(caller: Caller, asked: ReportOutcome) -> OutcomeKept:
            return await self.record(caller, caller.named(), asked)

        async def truth(caller: Caller, asked: RecordGroundTruth) -> OutcomeKept:
            about = asked.about or caller.named()
            if about != caller.agent and Right.OPERATE not in caller.rights:
                raise Forbidden(f"about: {about!r} is somebody else", "report your own")
            said = ReportOutcome(
                idempotency_key=asked.idempotency_key,
                outcome_type=GROUND_TRUTH,
                outcome_score=asked.actual,
                confidence=asked.confidence,
                detail=asked.detail,
            )
            return await self.record(caller, about, said)

        return (
            Tool(
                "record_result", "Report what came of something you did.",
                ReportOutcome, OutcomeKept, Right.WRITE, outcome,
            ),
            Tool(
                "outcome_event", "The same, under its later name.",
                ReportOutcome, OutcomeKept, Right.WRITE, outcome,
            ),
            Tool(
                "record_ground_truth", "Report how right you were where you were how sure.",
                RecordGroundTruth, OutcomeKept, Right.WRITE, truth,
            ),
        )  # fmt: skip

    async def record(self, caller: Caller, agent: str, asked: ReportOutcome) -> OutcomeKept:
        """Keep an outcome with the agent's last state; the event of it goes with the row.

        With a key it is kept once: who asks again is given the first answer.
        """
        now = datetime.now(UTC)
        score = asked.outcome_score
        is_bad = asked.is_bad if asked.is_bad is not None else score is not None and score < 0.5
        async with change(self._desk, self._audit) as (conn, events):
            key, body = asked.idempotency_key, _hash(asked)
            if key is not None and (first := await _first(conn, agent, key)):
                return await self._again(caller, agent, key, body, first)
            beside = await _beside(conn, agent)
            felt = beside.pop("confidence")
            row = {
                "outcome_id": uuid4(),
                "recorded_at": now,
                "agent_id": agent,
                "session_id": caller.session_id,
                "outcome_type": asked.outcome_type,
                "outcome_score": score,
                "is_bad": is_bad,
                "confidence": asked.confidence if asked.confidence is not None else felt,
                "detail": Jsonb(asked.detail or {}),
                **beside,
            }
            await conn.execute(SQL["keep_outcome"], row)
            if key is not None:
                await conn.execute(SQL["keep_key"], row | {"key": key, "body_sha256": body})
            told = asked.model_dump(include={"outcome_type", "outcome_score", "is_bad", "detail"})
            told |= {"outcome_id": str(row["outcome_id"]), "confidence": row["confidence"]}
            events.append(event(agent, "outcome", told | {"reported_by": caller.agent}, now))
        return OutcomeKept(
            resolved_agent_id=caller.agent,
            outcome_id=row["outcome_id"],
            is_bad=is_bad,
            confidence=row["confidence"],
            verdict=row["verdict"],
        )

    async def _again(
        self, caller: Caller, agent: str, key: str, body: bytes, first: tuple[Any, ...]
    ) -> OutcomeKept:
        """The first answer to the same report; another one is a conflict, and told of."""
        stored, outcome_id, is_bad, confidence, verdict = bytes(first[0]), *first[1:]
        if stored == body:
            return OutcomeKept(
                resolved_agent_id=caller.agent,
                outcome_id=outcome_id,
                is_bad=is_bad,
                confidence=confidence,
                verdict=verdict,
                repeated=True,
            )
        hashes = {"stored_sha256": stored.hex(), "sent_sha256": body.hex()}
        told = {"idempotency_key": key, "reported_by": caller.agent, **hashes}
        await self._audit.append([event(agent, "outcome_conflict", told)])
        raise Conflict(
            f"idempotency_key {key!r}: stored as {stored.hex()}, sent as {body.hex()}",
            "a key is used once; the stored outcome stands",
        )


def confidence_of(before: Anima | None, now: Anima) -> float:
    """How sure upstream's client would be of itself, in [0.05, 1].

    >>> confidence_of(None, Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9))
    0.85
    """
    sure = 0.5 * now.clarity + 0.3 * now.stability + 0.2 * now.presence
    names = Anima.model_fields if before else ()
    change = sum(abs(getattr(now, name) - getattr(before, name)) for name in names)
    return round(clamp(sure - clamp(change - SHAKEN, 0, 0.3), 0.05, 1), 12)


def assessment(balance: float) -> Assessment:
    """What a Phi means."""
    if balance >= SAFE_PHI:
        return Assessment.SAFE
    return Assessment.CAUTION if balance >= 0 else Assessment.HIGH_RISK


def _hash(asked: ReportOutcome) -> bytes:
    """Of what was reported, whatever the order it was written in and whoever passed it on."""
    hints = {"idempotency_key", *Call.model_fields}
    said = asked.model_dump(mode="json", exclude=hints)
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()


async def _first(conn: Connection, agent: str, key: str) -> tuple[Any, ...] | None:
    """What was kept by this key. Who asks at the same time waits until it is kept, or is not."""
    asked = {"agent": agent, "key": key}
    await conn.execute(SQL["hold_key"], asked)
    return await (await conn.execute(SQL["key"], asked)).fetchone()


async def _beside(conn: Connection, agent: str) -> dict[str, Any]:
    """The columns that tell of the agent's last state; nulls if it has none."""
    found = await (await conn.execute(SQL["last_two"], {"agent": agent})).fetchall()
    if not found:
        names = ("energy", "integrity", "entropy", "void", "coherence", "regime")
        return dict.fromkeys((*names, "phi", "verdict", "confidence"))
    energy, integrity, entropy, void, coherence, regime, *_ = found[0]
    now, *rest = (
        Anima(warmth=warmth, clarity=clarity, stability=stability, presence=presence)
        for *_, warmth, clarity, stability, presence in found
    )
    before = rest[0] if rest else None
    eisv = GovernanceEisv(E=energy, I=integrity, S=entropy, V=void)
    balance = phi(eisv, sum(part * part for part in drift(before, now)))
    return {
        "energy": energy,
        "integrity": integrity,
        "entropy": entropy,
        "void": void,
        "coherence": coherence,
        "regime": regime,
        "phi": balance,
        "verdict": assessment(balance),
        "confidence": confidence_of(before, now),
    }
