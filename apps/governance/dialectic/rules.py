"""Pure: who may speak when in a dispute, by when, what it comes to, and who reviews.

thesis -> antithesis -> rounds of synthesis -> resolved | escalated | failed. In a round each side
speaks once, in either order; an agent that reviews itself speaks for both, first as the paused one.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic_core import to_json

from apps.bridge.refusals import Conflict, Forbidden
from schemas.governance.dialectic import Outcome, Phase, SessionKind, Standing, Step

COOLDOWN = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)
"""Of a message that was not said yet."""
STRICTER = (Outcome.RESUME, Outcome.COOLDOWN, Outcome.BLOCK, Outcome.ESCALATE)


class Limits(NamedTuple):
    """How long a dispute may wait, and how often both sides may speak."""

    antithesis: timedelta
    a_round: timedelta
    total: timedelta
    rounds: int


REVIEW = Limits(timedelta(hours=2), timedelta(hours=1), timedelta(hours=6), 5)
EXPLORATION = Limits(timedelta(hours=24), timedelta(hours=6), timedelta(hours=72), 10)


class Word(NamedTuple):
    """One message, as it is told or as it is stored."""

    agent: str
    step: Step
    at: datetime = NEVER
    root_cause: str | None = None
    conditions: tuple[str, ...] = ()
    reasoning: str | None = None
    metrics: dict[str, Any] | None = None
    concerns: tuple[str, ...] = ()
    agrees: bool | None = None
    action: Outcome | None = None
    signature: str | None = None


class Dispute(NamedTuple):
    """A dispute and what was said in it so far."""

    session_id: str
    kind: SessionKind
    phase: Phase
    standing: Standing
    paused: str
    reviewer: str
    created_at: datetime
    deadline_at: datetime | None
    rounds: int
    words: tuple[Word, ...] = ()
    held: bool = False
    """Whether the paused agent's status is paused, beyond what its verdicts say."""

    @property
    def syntheses(self) -> tuple[Word, ...]:
        """What was said in rounds."""
        return tuple(word for word in self.words if word.step is Step.SYNTHESIS)

    @property
    def round(self) -> int:
        """The round that is on, from 1."""
        return len(self.syntheses) // 2 + 1

    @property
    def is_alone(self) -> bool:
        """Whether the paused agent reviews itself."""
        return self.paused == self.reviewer


class After(NamedTuple):
    """A dispute after a move."""

    phase: Phase
    standing: Standing
    rounds_done: int
    deadline_at: datetime | None
    action: Outcome | None = None
    resume_at: datetime | None = None
    resolution: dict[str, Any] | None = None


def limits(kind: SessionKind) -> Limits:
    """Exploring takes its time."""
    return EXPLORATION if kind is SessionKind.EXPLORATION else REVIEW


def first_deadline(kind: SessionKind, opened: datetime) -> datetime:
    """When a thesis is due: it has no limit of its own but the whole."""
    return opened + limits(kind).total


def turn(dispute: Dispute) -> tuple[str, ...]:
    """Who may speak now."""
    if dispute.standing is not Standing.ACTIVE:
        return ()
    if dispute.phase is Phase.THESIS:
        return (dispute.paused,)
    if dispute.phase is Phase.ANTITHESIS or dispute.is_alone:
        return (dispute.reviewer,)
    both = (dispute.paused, dispute.reviewer)
    if len(dispute.syntheses) % 2 == 0:
        return both
    return tuple(agent for agent in both if agent != dispute.syntheses[-1].agent)


def repeated(dispute: Dispute, word: Word, in_round: int | None) -> int | None:
    """Where in the dispute this very message is already, if its agent said it last.

    What is the same in a later round is a repeat too, unless the caller says which round it means.
    """
    own = [place for place, said in enumerate(dispute.words) if said.agent == word.agent]
    of_step = [place for place in own if dispute.words[place].step is word.step]
    if not of_step or same(dispute.words[of_step[-1]]) != same(word):
        return None
    before = sum(said.step is Step.SYNTHESIS for said in dispute.words[: of_step[-1]])
    if word.step is Step.SYNTHESIS and in_round not in (None, before // 2 + 1):
        return None
    return of_step[-1]


def same(word: Word) -> Word:
    """A message without when it was said and how it is signed."""
    return word._replace(at=NEVER, signature=None)


def overdue(dispute: Dispute, now: datetime) -> bool:
    """Whether the next word comes too late."""
    return (
        dispute.standing is Standing.ACTIVE
        and dispute.deadline_at is not None
        and now > dispute.deadline_at
    )


def check(dispute: Dispute, word: Word, in_round: int | None = None) -> None:
    """Refuse a word that its agent may not say now."""
    where = f"dialectic {dispute.session_id}"
    if word.agent not in (dispute.paused, dispute.reviewer):
        raise Forbidden(
            f"{where}: {word.agent!r} has no part in it",
            f"it is between {dispute.paused!r} and {dispute.reviewer!r}",
        )
    if dispute.standing is not Standing.ACTIVE:
        raise Conflict(f"{where}: is over: {dispute.standing.value}", "open another one")
    if word.step.value != dispute.phase.value:
        raise Conflict(f"{where}: {dispute.phase.value} is due, not {word.step.value}")
    if word.agent not in turn(dispute):
        raise Conflict(f"{where}: it is the turn of {', '.join(map(repr, turn(dispute)))}")
    if word.step is Step.SYNTHESIS and in_round not in (None, dispute.round):
        raise Conflict(f"{where}: round {dispute.round} is on, not {in_round}")


def move(dispute: Dispute, word: Word) -> After:
    """What the dispute comes to by a word that was checked; ``word`` is signed."""
    limit = limits(dispute.kind)
    last = dispute.created_at + limit.total
    if word.step is Step.THESIS:
        due = min(last, word.at + limit.antithesis)
        return After(Phase.ANTITHESIS, Standing.ACTIVE, 0, due)
    if word.step is Step.ANTITHESIS:
        due = min(last, word.at + limit.a_round)
        return After(Phase.SYNTHESIS, Standing.ACTIVE, 0, due)
    said = (*dispute.syntheses, word)
    done, half = divmod(len(said), 2)
    if len(said) > 1 and all(one.agrees for one in _sides(dispute, said)):
        return _agreed(dispute, said)
    if half:
        return After(Phase.SYNTHESIS, Standing.ACTIVE, done, dispute.deadline_at)
    if done < dispute.rounds:
        due = min(last, word.at + limit.a_round)
        return After(Phase.SYNTHESIS, Standing.ACTIVE, done, due)
    why = f"{done} rounds without agreement"
    return _ended(dispute, said, Outcome.ESCALATE, why)


def expired(dispute: Dispute) -> After:
    """What silence comes to: nothing is lifted, nothing is added."""
    return After(Phase.FAILED, Standing.TIMEOUT, len(dispute.syntheses) // 2, None)


def _sides(dispute: Dispute, said: Sequence[Word]) -> tuple[Word, Word]:
    """The last word of the paused agent and that of its reviewer; there are two at least."""
    if dispute.is_alone:
        newest, one_before = said[-1], said[-2]
        return (newest, one_before) if len(said) % 2 else (one_before, newest)
    of = {word.agent: word for word in said}
    return of[dispute.paused], of[dispute.reviewer]


def _agreed(dispute: Dispute, said: Sequence[Word]) -> After:
    action = strictest(word.action for word in _sides(dispute, said))
    if dispute.is_alone and dispute.held and action in (Outcome.RESUME, Outcome.COOLDOWN):
        return _ended(dispute, said, Outcome.ESCALATE, "nobody lifts a hold from itself")
    return _ended(dispute, said, action)


def _ended(
    dispute: Dispute, said: Sequence[Word], action: Outcome, why: str | None = None
) -> After:
    """Over; signed by both unless it ends for another reason than that they agree."""
    ours, theirs = _sides(dispute, said)
    at = said[-1].at
    resolution: dict[str, Any] = {
        "action": action.value,
        "conditions": merge(ours.conditions, theirs.conditions),
        "root_cause": ours.root_cause or theirs.root_cause or _thesis(dispute),
        "reasoning": why or _both(ours, theirs),
        "timestamp": at.isoformat(),
    }
    signatures = {
        name: None if why else sign(dispute.session_id, agent, {**resolution, "of": word.signature})
        for name, agent, word in (
            ("signature_a", dispute.paused, ours),
            ("signature_b", dispute.reviewer, theirs),
        )
    }
    escalates = action is Outcome.ESCALATE
    return After(
        Phase.ESCALATED if escalates else Phase.RESOLVED,
        Standing.ESCALATED if escalates else Standing.RESOLVED,
        len(said) // 2,
        None,
        action,
        at + COOLDOWN if action is Outcome.COOLDOWN else None,
        {**resolution, **signatures},
    )


def _thesis(dispute: Dispute) -> str | None:
    return next((word.root_cause for word in dispute.words if word.step is Step.THESIS), None)


def _both(ours: Word, theirs: Word) -> str:
    return f"{ours.agent}: {ours.reasoning or '-'}\n{theirs.agent}: {theirs.reasoning or '-'}"


def strictest(actions: Iterable[Outcome | None]) -> Outcome:
    """The stricter of what both propose; who proposes nothing is content with resume."""
    return max((action or Outcome.RESUME for action in actions), key=STRICTER.index)


def merge(*lists: Iterable[str]) -> list[str]:
    """The conditions of both sides: each took the other's. The first wording of each stays.

    >>> merge(["Rest an hour.", "Watch  V"], ["watch v", "Report"])
    ['Rest an hour.', 'Watch  V', 'Report']
    """
    kept: dict[str, str] = {}
    for condition in (each for conditions in lists for each in conditions):
        kept.setdefault(" ".join(condition.casefold().split()).rstrip(" ."), condition)
    return list(kept.values())


def sign(session_id: str, agent: str, content: dict[str, Any]) -> str:
    """What binds an agent to a content: SHA-256 of both, as JSON with sorted keys, in hex.

    It has no secret in it: it shows a change, it proves no author.
    """
    said = {"session_id": session_id, "agent_id": agent, "content": content}
    return sha256(to_json(_sorted(said))).hexdigest()


def signed(dispute: Dispute, word: Word) -> Word:
    """A message with its signature; the same words in another round have another one."""
    content = {
        "message_type": word.step.value,
        "round": dispute.round if word.step is Step.SYNTHESIS else None,
        "root_cause": word.root_cause,
        "proposed_conditions": list(word.conditions),
        "reasoning": word.reasoning,
        "observed_metrics": word.metrics,
        "concerns": list(word.concerns),
        "agrees": word.agrees,
        "proposed_action": word.action.value if word.action else None,
        "timestamp": word.at.isoformat(),
    }
    return word._replace(signature=sign(dispute.session_id, word.agent, content))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list | tuple) else value


def reviewer(
    paused: str,
    free: Iterable[str],
    recent: Collection[str],
    excluded: Collection[str],
    pick: Callable[[Sequence[str]], str],
) -> str:
    """One of the agents that are free, by ``pick``; the paused one itself if there is none."""
    fit = sorted({*free} - {paused, *recent, *excluded})
    return pick(fit) if fit else paused
