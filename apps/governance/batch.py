"""Pure: what a batch of check-ins becomes, given how its agents stand."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from apps.bridge.refusals import Conflict
from apps.governance.memory import Before, Memory, Stood
from apps.governance.report import UNKEYED, Report, again, event, row, verdict
from apps.governance.verdict import judge
from schemas.bridge import Action, Margin, Verdict
from schemas.eisv import Anima, GovernanceEisv
from schemas.errors import HouseError
from schemas.governance.tables import Status
from schemas.governance.thresholds import Thresholds

FREE = frozenset({Status.ACTIVE, Status.WAITING_INPUT})


class Batch:
    """Reports in; rows, events, sessions and one outcome per report out."""

    def __init__(
        self,
        reports: list[Report],
        thresholds: Thresholds,
        unsure: AbstractSet[tuple[str, str, int] | str] = frozenset(),
        memory: Memory | None = None,
    ) -> None:
        self.reports = reports
        known = memory or Memory()
        self._recalled: dict[str, Stood] = {}
        # All of an agent or nothing: what is asked for now is newer than what is remembered.
        asked: set[str] = set()
        for said in reports:
            stood = known.recall(said)
            if stood is None or (unsure and (said.agent in unsure or said.key in unsure)):
                asked.add(said.agent)
            else:
                self._recalled[said.agent] = stood
        for agent in asked:
            self._recalled.pop(agent, None)
        self.unsure = unsure
        """Keys and agents that a lost connection may have committed, and that no line tells of."""
        self.thresholds = thresholds
        self.outcomes: list[Verdict | HouseError] = []
        self.rows: list[dict[str, Any]] = []
        self._agents: list[str] = []
        """Whose rows they are."""
        self.events: list[dict[str, Any]] = []
        self.sessions: dict[str, str] = {}
        self._stored: dict[tuple[str, str, int], tuple[bytes, Verdict]] = {}
        self._newest: dict[str, Before] = {}
        self._stands: dict[str, Stood] = {}
        self._highest: dict[tuple[str, str], int] = {}
        self._heard: set[tuple[str, str]] = set()
        self._welcomed: set[str] = set()

    @property
    def is_simple(self) -> bool:
        """Whether one statement does it, which is a transaction of its own."""
        return all(said.agent in self._recalled and not said.session_id for said in self.reports)

    @property
    def stands(self) -> Mapping[str, Stood]:
        """How its agents stand once it is committed."""
        return self._stands

    @property
    def written(self) -> set[tuple[str, str, int] | str]:
        """Keys and agents that it makes known."""
        return {*self._stored, *self._welcomed}

    def questions(self) -> list[dict[str, Any]]:
        """What the query ``standing`` is asked: of whom nothing is remembered that will do."""
        return [
            {
                "place": place,
                "agent": said.agent,
                "boot_id": said.boot_id,
                "seq": said.seq,
            }
            for place, said in enumerate(self.reports)
            if said.agent not in self._recalled
        ]

    def session_rows(self) -> list[dict[str, Any]]:
        """What the query ``touch_sessions`` is given."""
        at = self.reports[-1].received_at
        return [{"session_id": s, "agent": a, "at": at} for s, a in sorted(self.sessions.items())]

    def number(self, state_ids: Sequence[int]) -> None:
        """Have the events of the rows say which rows they are, and agents which is their newest."""
        newest = {
            agent: state_id
            for agent, made, state_id in zip(self._agents, self.rows, state_ids, strict=True)
            if not made["late"]
        }
        for agent, state_id in newest.items():
            if stood := self._stands.get(agent):
                self._stands[agent] = stood._replace(newest_id=state_id)
        told = (each["payload"] for each in self.events if each["event_type"] == "check_in")
        new = [payload for payload in told if "state_id" not in payload]
        for payload, state_id in zip(new, state_ids, strict=True):
            payload["state_id"] = state_id

    def strangers(self, standing: list[tuple[Any, ...]]) -> list[str]:
        """Agents that have no identity yet."""
        return sorted({self.reports[place].agent for place, known, *_ in standing if known is None})

    def welcome(self, agents: set[str]) -> None:
        """Tell of the identities that this batch made."""
        self._welcomed |= agents
        for agent in sorted(agents):
            said = next(said for said in self.reports if said.agent == agent)
            self.events.append(event("identity_created", said, {}))

    def judge(self, standing: list[tuple[Any, ...]]) -> None:
        """Each report in the order it came, each agent's state from the one before."""
        known = {self.reports[place].agent for place, identity_id, *_ in standing if identity_id}
        self.welcome(known & self.unsure - self._welcomed)
        found = {row[0]: row for row in standing}
        for place, said in enumerate(self.reports):
            if stood := self._recalled.get(said.agent):
                self._next(said, stood)
                continue
            _, identity_id, status, sha, *rest = found[place]
            first, late, before = tuple(rest[:11]), bool(rest[11]), _before(rest[13:24])
            if rest[12]:
                self._heard.add(said.key[:2])
            if sha is not None:
                if said.key in self.unsure and bytes(sha) == said.body_sha256:
                    self._tell(said, again(said, first), state_id=rest[24])
                answer = _still(again(said, first), status)
                self.outcomes.append(self._repeat(said, bytes(sha), answer))
            elif said.key in self._stored:
                self._once_more(said)
            else:
                late = late or self._highest.get(said.key[:2], -1) > said.seq
                self.outcomes.append(self._new(said, identity_id, status, before, late))

    def _next(self, said: Report, stood: Stood) -> None:
        """A report that is neither stored nor late, but for what this very batch holds."""
        if said.key in self._stored:
            self._once_more(said)
            return
        first = said.agent not in self._newest
        late = self._highest.get(said.key[:2], -1) > said.seq
        self.outcomes.append(self._new(said, stood.identity_id, stood.status, stood.before, late))
        if first:
            self.rows[-1] |= {"after_id": stood.newest_id, "status": stood.status}

    def _once_more(self, said: Report) -> None:
        stored, answer = self._stored[said.key]
        self.outcomes.append(
            self._repeat(said, stored, answer.model_copy(update={"repeated": True}))
        )

    def _repeat(self, said: Report, stored: bytes, answer: Verdict) -> Verdict | HouseError:
        if stored == said.body_sha256:
            return answer
        hashes = {"stored_sha256": stored.hex(), "sent_sha256": said.body_sha256.hex()}
        key = {"boot_id": said.boot_id, "seq": said.seq}
        self.events.append(event("check_in_conflict", said, {**key, **hashes}))
        return Conflict(
            f"check-in {said.boot_id}/{said.seq}: stored as {stored.hex()},"
            f" sent as {said.body_sha256.hex()}",
            "a key is used once; the stored check-in stands",
        )

    def _tell(self, said: Report, answer: Verdict, **more: int) -> None:
        payload = {
            "boot_id": said.boot_id,
            "seq": said.seq,
            "sha256": said.body_sha256.hex(),
            "action": str(answer.action),
            "margin": str(answer.margin),
            "risk": answer.risk_score,
            **more,
        }
        self.events.append(event("check_in", said, payload))

    def _new(
        self, said: Report, identity_id: int, status: str, stored: Before | None, late: bool
    ) -> Verdict:
        before = self._newest.get(said.agent, stored)
        key = said.key
        boot = key[:2]
        late = late or (before is not None and self._is_older(said, before))
        self._heard.add(boot)
        anima = said.check_in.anima
        felt, now = (before.anima, before.eisv) if before else (None, None)
        made = judge(now, felt, anima, said.complexity, self.thresholds)
        if status not in FREE:
            made = made._replace(**_hold(status))
        answer = verdict(said, made, late=late)
        if not late:
            self._newest[said.agent] = Before(
                made.eisv, anima, said.boot_id, said.seq, said.recorded_at
            )
            self._stand(said, identity_id, status)
        self._highest[boot] = max(said.seq, self._highest.get(boot, -1))
        self._stored[key] = (said.body_sha256, answer)
        stored_as = row(said, identity_id, made)
        stored_as["place"], stored_as["late"] = len(self.rows), late
        self.rows.append(stored_as)
        self._agents.append(said.agent)
        self._tell(said, answer)
        if said.session_id:
            self.sessions.setdefault(said.session_id, said.agent)
        return answer

    def _is_older(self, said: Report, newest: Before) -> bool:
        """Whether it is of another boot than the newest state, and of a time before that.

        The clock alone is not believed: a Pi may wake with one that is behind. Its boot was heard
        before the newest state, then, or its seq is no higher: the outbox counts over boots.
        """
        if said.boot_id == newest.boot_id or not said.is_keyed:
            return False
        if newest.boot_id.startswith(UNKEYED) or said.recorded_at >= newest.recorded_at:
            return False
        return said.key[:2] in self._heard or said.seq <= newest.seq

    def _stand(self, said: Report, identity_id: int, status: str) -> None:
        """Remember for the next batch; a key that was made up is no place to go on from."""
        newest = self._newest[said.agent]
        was = self._stands.get(said.agent)
        boot_id, highest = said.boot_id, said.seq
        if not said.is_keyed:
            kept = was or self._recalled.get(said.agent)
            boot_id, highest = (kept.boot_id, kept.highest) if kept else ("", -1)
        self._stands[said.agent] = Stood(identity_id, status, 0, newest, boot_id, highest)


def _before(columns: list[Any]) -> Before | None:
    energy, integrity, entropy, void, warmth, clarity, stability, presence, *told = columns
    if energy is None:
        return None
    return Before(
        GovernanceEisv(E=energy, I=integrity, S=entropy, V=void),
        Anima(warmth=warmth, clarity=clarity, stability=stability, presence=presence),
        *told,
    )


def _still(first: Verdict, status: str) -> Verdict:
    """The first answer, as it counts now: the operator's hold is of this moment."""
    return first if status in FREE else first.model_copy(update=_hold(status))


def _hold(status: str) -> dict[str, Any]:
    by = "an operator, or what its last dialectic came to, holds it"
    if status != Status.PAUSED:
        by = "only an operator brings it back"
    reason = f"The agent is {status}: {by}"
    return {"action": Action.PAUSE, "margin": Margin.CRITICAL, "reason": reason}
