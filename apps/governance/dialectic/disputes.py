"""Disputes in Postgres and in the graph: opened, spoken in, ended by agreement or by silence."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from apps.bridge.refusals import Conflict, Forbidden, NotFound
from apps.governance.audit import AuditLog, event
from apps.governance.change import change, change_on
from apps.governance.desk import Desk
from apps.governance.dialectic import rules
from apps.governance.dialectic.rows import (
    SQL,
    Moved,
    Row,
    draw,
    into_graph,
    know,
    one,
    read,
    rows,
    write,
)
from apps.governance.dialectic.rules import After, Dispute, Word
from apps.postgres import Connection
from schemas.errors import HouseError, Refused
from schemas.governance.calls.dialectic import RequestReview
from schemas.governance.dialectic import Outcome, Phase, SessionKind, Standing
from schemas.governance.tables import Status

log = logging.getLogger("governance")
HEARD = timedelta(hours=24)
"""Who was not heard for longer is not asked to review."""
RECENT = timedelta(hours=24)
"""For how long two do not meet again."""
SWEEP_SECONDS = 15.0
SWEEP_LIMIT = 100
CHANCE = SystemRandom()
OPENERS = frozenset({Status.ACTIVE, Status.WAITING_INPUT, Status.PAUSED})


def _now() -> datetime:
    return datetime.now(UTC)


class Disputes:
    """Every change is one transaction: rows, graph, events, and the agent's status."""

    def __init__(
        self,
        desk: Desk,
        audit: AuditLog,
        *,
        now: Callable[[], datetime] = _now,
        pick: Callable[[Sequence[str]], str] = CHANCE.choice,
    ) -> None:
        self._desk = desk
        self._audit = audit
        self._now = now
        self._pick = pick
        self.trouble: str | None = None
        """What hindered the last sweep."""

    async def open(self, agent: str, asked: RequestReview) -> Moved:
        """A new dispute of an agent, with a reviewer."""
        now = self._now()
        async with change(self._desk, self._audit) as (conn, events):
            await conn.execute(SQL["hold_opening"])
            subject = await one(conn, "subject", {"agent": agent})
            if subject is None:
                raise Refused(f"agent {agent!r}: is not known", "check in first")
            _may_open(agent, asked, subject, now)
            if there := await one(conn, "open_of", {"agent": agent}):
                raise Conflict(
                    f"agent {agent!r}: dialectic {there['session_id']} is open", "end it first"
                )
            reviewer = await self._reviewer(conn, agent, asked, now)
            session_id = uuid4().hex
            values = {
                "session_id": session_id,
                "session_type": asked.session_type,
                "paused_agent_id": agent,
                "reviewer_agent_id": reviewer,
                "topic": asked.topic,
                "reason": asked.reason,
                "discovery_id": asked.discovery_id,
                "dispute_type": asked.dispute_type,
                "max_synthesis_rounds": asked.max_synthesis_rounds
                or rules.limits(asked.session_type).rounds,
                "paused_agent_state_json": Jsonb(subject["state"]) if subject["state"] else None,
                "created_at": now,
                "deadline_at": rules.first_deadline(asked.session_type, now),
            }
            await conn.execute(SQL["open_session"], values)
            await draw(conn, {**values, "status": Standing.ACTIVE, "phase": Phase.THESIS})
            told = {"session_id": session_id, "session_type": asked.session_type}
            events.append(event(agent, "dialectic_opened", told | {"reviewer": reviewer}, now))
            return await read(conn, session_id)

    async def say(self, session_id: str, word: Word, in_round: int | None = None) -> Moved:
        """Take a message; the same one again changes nothing. One that is too late ends it."""
        async with change(self._desk, self._audit) as (conn, events):
            await conn.execute(SQL["hold_session"], {"session_id": session_id})
            dispute = (await read(conn, session_id)).dispute
            # No word is older than the one before it, whatever the clock did.
            word = word._replace(at=max([self._now(), *(said.at for said in dispute.words)]))
            late = rules.overdue(dispute, word.at)
            status, repeated = None, False
            if word.agent not in (dispute.paused, dispute.reviewer):
                rules.check(dispute, word)
            elif rules.repeated(dispute, word, in_round) is not None:
                repeated = True
            elif late:
                events.extend(await self._end(conn, dispute, word.at))
            else:
                rules.check(dispute, word, in_round)
                status, more = await self._take(conn, dispute, rules.signed(dispute, word))
                events.extend(more)
            moved = await read(conn, session_id)
        if late and not repeated:
            raise Conflict(
                f"dialectic {session_id}: the word was due at {dispute.deadline_at}: it has failed",
                "open another one",
            )
        return moved._replace(repeated=repeated, agent_status=status)

    async def tell(self, session_id: str) -> tuple[Moved, list[Row]]:
        """A dispute and the rows of what was said."""
        async with self._desk.connection() as conn, conn.transaction():
            return await read(conn, session_id), await rows(
                conn, "messages", {"session_id": session_id}
            )

    async def sessions(self, asked: Mapping[str, Any]) -> list[Row]:
        """Some disputes, the newest first."""
        async with self._desk.connection() as conn:
            return await rows(conn, "sessions", asked)

    async def watch(self) -> None:
        """Sweep until cancelled; what hinders it is logged once and tried again."""
        while True:
            try:
                await self.sweep(self._now())
            except (HouseError, psycopg.Error, TimeoutError) as error:
                trouble = getattr(error, "message", type(error).__name__)
                if trouble != self.trouble:
                    log.warning("dialectic: sweeping: %s", trouble)
                self.trouble = trouble
            else:
                self.trouble = None
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self, now: datetime) -> int:
        """End what is overdue and resume who has cooled down; gives how many there were."""
        self._audit.require()
        asked = {"now": now, "limit": SWEEP_LIMIT}
        async with self._desk.connection() as conn:
            overdue = [row["session_id"] for row in await rows(conn, "overdue", asked)]
            cooled = [row["session_id"] for row in await rows(conn, "cooled", asked)]
            for session_id in overdue:
                await self._expire(conn, session_id, now)
            for session_id in cooled:
                async with change_on(conn, self._audit) as events:
                    await conn.execute(SQL["hold_session"], {"session_id": session_id})
                    dispute = (await read(conn, session_id)).dispute
                    events.extend((await self._settle(conn, dispute, now))[1])
        return len(overdue) + len(cooled)

    async def _expire(self, conn: Connection, session_id: str, now: datetime) -> None:
        async with change_on(conn, self._audit) as events:
            await conn.execute(SQL["hold_session"], {"session_id": session_id})
            dispute = (await read(conn, session_id)).dispute
            if rules.overdue(dispute, now):  # else somebody spoke meanwhile
                events.extend(await self._end(conn, dispute, now))

    async def _reviewer(
        self, conn: Connection, agent: str, asked: RequestReview, now: datetime
    ) -> str:
        if asked.session_type is SessionKind.DISPUTE:
            found = await one(conn, "author", {"discovery": asked.discovery_id})
            if found is None:
                raise NotFound(f"discovery {asked.discovery_id!r}: is not there")
            if found["agent_id"] == agent:
                raise Refused("discovery_id: is your own", "supersede it instead")
            return str(found["agent_id"])
        heard = {"agent": agent, "heard_since": now - HEARD}
        free = [row["agent_id"] for row in await rows(conn, "free_agents", heard)]
        if asked.reviewer_agent_id is not None:
            if asked.reviewer_agent_id not in {*free} - {agent}:
                raise Conflict(f"reviewer_agent_id: {asked.reviewer_agent_id!r} is not free")
            return asked.reviewer_agent_id
        since = {"agent": agent, "since": now - RECENT}
        recent = await (await conn.execute(SQL["recent_partners"], since)).fetchall()
        return rules.reviewer(agent, free, {who for (who,) in recent}, asked.exclude, self._pick)

    async def _take(
        self, conn: Connection, dispute: Dispute, word: Word
    ) -> tuple[str | None, list[Row]]:
        """Write a word that may be said, and what it comes to."""
        seq = len(dispute.words)
        said = {
            "session_id": dispute.session_id,
            "seq": seq,
            "agent_id": word.agent,
            "message_type": word.step,
            "recorded_at": word.at,
            "root_cause": word.root_cause,
            "proposed_conditions": Jsonb(list(word.conditions)),
            "reasoning": word.reasoning,
            "observed_metrics": Jsonb(word.metrics) if word.metrics is not None else None,
            "concerns": Jsonb(list(word.concerns)),
            "agrees": word.agrees,
            "proposed_action": word.action,
            "signature": word.signature,
            "imported_json": None,
        }
        await write(conn, said)
        told = {"session_id": dispute.session_id, "seq": seq, "step": word.step}
        events = [
            event(word.agent, "dialectic_message", told | {"signature": word.signature}, word.at)
        ]
        status, more = await self._move(conn, dispute, rules.move(dispute, word), word.at)
        events += more
        return status, events

    async def _end(self, conn: Connection, dispute: Dispute, at: datetime) -> list[Row]:
        return (await self._move(conn, dispute, rules.expired(dispute), at))[1]

    async def _move(
        self, conn: Connection, dispute: Dispute, after: After, at: datetime
    ) -> tuple[str | None, list[Row]]:
        """Write where a dispute came to; if it is over, what that means for the agent."""
        is_over = after.standing is not Standing.ACTIVE
        values = {
            "session_id": dispute.session_id,
            "phase": after.phase,
            "status": after.standing,
            "synthesis_round": after.rounds_done,
            "deadline_at": after.deadline_at,
            "resolution_action": after.action,
            "resolution_json": Jsonb(after.resolution) if after.resolution else None,
            "resume_at": after.resume_at if dispute.kind is SessionKind.RECOVERY else None,
            "at": at,
            "resolved_at": at if is_over else None,
        }
        await conn.execute(SQL["move"], values)
        given = {"id": dispute.session_id, "status": after.standing, "phase": after.phase}
        await into_graph(conn, "graph_move", given)
        if not is_over:
            return None, []
        told = {"session_id": dispute.session_id, "status": after.standing, "action": after.action}
        events = [event(dispute.paused, "dialectic_ended", told, at)]
        status, more = await self._settle(conn, dispute, at)
        return status, events + more

    async def _settle(
        self, conn: Connection, dispute: Dispute, at: datetime
    ) -> tuple[str | None, list[Row]]:
        given = {"session_id": dispute.session_id, "at": at}
        found = await (await conn.execute(SQL["settle"], given)).fetchone()
        status = found[0] if found else None
        if status is None:
            return None, []
        await know(conn, {dispute.paused})
        told = {"session_id": dispute.session_id, "status": status}
        events = [event(dispute.paused, "agent_status", told, at)]
        return status, events


def _may_open(agent: str, asked: RequestReview, subject: Row, now: datetime) -> None:
    """Refuse who has nothing to recover from, or has to wait."""
    if subject["status"] not in OPENERS:
        raise Forbidden(f"agent {agent!r}: is {subject['status']}", "ask an operator")
    kind = asked.session_type
    if asked.reviewer_agent_id and kind is not SessionKind.EXPLORATION:
        raise Refused("reviewer_agent_id: only to explore", "chance decides; see exclude")
    if asked.max_synthesis_rounds and kind is not SessionKind.EXPLORATION:
        raise Refused("max_synthesis_rounds: only to explore", f"it is {rules.REVIEW.rounds}")
    if (kind is SessionKind.DISPUTE) is not (asked.discovery_id is not None):
        raise Refused("discovery_id: goes with session_type 'dispute', and only with that")
    if kind is not SessionKind.RECOVERY:
        return
    if subject["status"] != Status.PAUSED:
        if not subject["verdict_pauses"]:
            raise Conflict(f"agent {agent!r}: is not paused", "for other matters ask for a review")
        return
    if subject["resolution_action"] == Outcome.ESCALATE:
        raise Forbidden(f"agent {agent!r}: its last dispute was escalated", "ask an operator")
    if subject["resume_at"] is not None and subject["resume_at"] > now:
        raise Conflict(f"agent {agent!r}: cools down until {subject['resume_at']}", "wait")
