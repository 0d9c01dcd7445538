"""A whisper becomes a loop; a loop is forked, feels otherwise, ends."""

from apps.soulfra.decisions.decision import (
    Conflict,
    Decision,
    Numbers,
    decides,
    free,
    made,
    pay,
    subject,
    there,
)
from apps.soulfra.privacy.pii import tokenised
from apps.soulfra.state import Loop, State
from schemas.soulfra.commands import DissolveLoop, Fork, MeasureLoop, ShiftLoopTone, Whisper
from schemas.soulfra.events import (
    LoopCreated,
    LoopDissolved,
    LoopForked,
    LoopMeasured,
    LoopOwned,
    ToneShifted,
)
from schemas.soulfra.words import Cause, Entity


@decides(Whisper)
def whisper(state: State, body: Whisper, _: Numbers) -> Decision:
    """The agent's owner is its creator; of an unsigned one an event says so that few may read."""
    loop_id = body.loop_id or made(Entity.LOOP)
    free(state, Entity.LOOP, loop_id)
    agent = there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    key = subject(state, agent.owner_id)
    # Unsigned, the same address is another token in each: they would tell that one wrote them all.
    text, pii = tokenised(body.text, key, loop_id if body.unsigned else "")
    decision = Decision(Entity.LOOP, loop_id, unsigned=body.unsigned).own(
        LoopCreated(
            creator_id=None if body.unsigned else agent.owner_id,
            agent_id=None if body.unsigned else body.agent_id,
            whisper=key.shut(f"loop:{loop_id}/whisper", text),
            pii={} if body.unsigned else pii,
            tone=body.tone,
            created_at=state.now,
        )
    )
    if body.unsigned:
        decision.own(
            LoopOwned(
                creator_id=agent.owner_id,
                agent_id=body.agent_id,
                loop_created_at=state.now,
                pii=pii,
            )
        )
    pay(state, decision, agent.owner_id, Cause.WHISPER)
    return decision


@decides(Fork)
def fork(state: State, body: Fork, _: Numbers) -> Decision:
    """One deeper than its parent, which was there before: no line of forks comes back to itself."""
    loop_id = body.loop_id or made(Entity.LOOP)
    free(state, Entity.LOOP, loop_id)
    parent = living(state, body.parent)
    agent = there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    if agent.owner_id in state.seals.forgotten:
        raise Conflict(f"user {str(agent.owner_id)!r}: is forgotten")
    decision = Decision(Entity.LOOP, loop_id, told={"depth": parent.depth + 1}).own(
        LoopForked(
            creator_id=agent.owner_id,
            agent_id=body.agent_id,
            parent=body.parent,
            depth=parent.depth + 1,
            tone=body.tone or parent.tone,
            created_at=state.now,
        )
    )
    pay(state, decision, agent.owner_id, Cause.FORK)
    return decision


@decides(ShiftLoopTone)
def shift_loop_tone(state: State, body: ShiftLoopTone, _: Numbers) -> Decision:
    """To another one."""
    loop = living(state, body.loop_id)
    if loop.tone is body.tone:
        raise Conflict(f"loop {body.loop_id!r}: feels {body.tone} already")
    return Decision(Entity.LOOP, body.loop_id).own(ToneShifted(before=loop.tone, after=body.tone))


@decides(MeasureLoop)
def measure_loop(state: State, body: MeasureLoop, _: Numbers) -> Decision:
    """While it lives."""
    living(state, body.loop_id)
    return Decision(Entity.LOOP, body.loop_id).own(LoopMeasured(consciousness=body.consciousness))


@decides(DissolveLoop)
def dissolve_loop(state: State, body: DissolveLoop, _: Numbers) -> Decision:
    """Once."""
    living(state, body.loop_id)
    return Decision(Entity.LOOP, body.loop_id).own(LoopDissolved())


def living(state: State, loop_id: str) -> Loop:
    """A loop that did not end."""
    loop: Loop = there(state.loops.get(loop_id), Entity.LOOP, loop_id)
    if loop.dissolved:
        raise Conflict(f"loop {loop_id!r}: is dissolved")
    return loop
