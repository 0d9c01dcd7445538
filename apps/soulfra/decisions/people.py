"""Users and agents come; a user is forgotten."""

from uuid import uuid4

from apps.soulfra.decisions.decision import (
    Conflict,
    Decision,
    Numbers,
    decides,
    free,
    subject,
    there,
)
from apps.soulfra.slots import slot_of
from apps.soulfra.state import State
from schemas.errors import Refused
from schemas.soulfra.commands import (
    ForgetUser,
    MeasureAgent,
    RegisterAgent,
    RegisterUser,
    ShiftAgentTone,
)
from schemas.soulfra.events import (
    AgentMeasured,
    AgentRegistered,
    CreditsChanged,
    ToneShifted,
    UserForgotten,
    UserRegistered,
)
from schemas.soulfra.words import CREDITS, Cause, Entity


@decides(RegisterUser)
def register_user(state: State, body: RegisterUser, _: Numbers) -> Decision:
    """With what a new user is given."""
    user_id = body.user_id or uuid4()
    free(state, Entity.USER, user_id)
    for what in ("username", "email"):
        if state.seals.taken(what, getattr(body, what)):
            raise Conflict(f"{what}: {getattr(body, what)!r} is somebody else's")
    welcome = CREDITS[Cause.WELCOME]
    decision = Decision(Entity.USER, str(user_id), told={"credits": welcome})
    key = state.seals.new(user_id, body.username, body.email)
    decision.own(
        UserRegistered(
            username=key.shut(f"user:{user_id}/username", body.username),
            email=key.shut(f"user:{user_id}/email", body.email),
            tier=body.tier,
        )
    )
    return decision.own(CreditsChanged(amount=welcome, cause=Cause.WELCOME))


@decides(ForgetUser)
def forget_user(state: State, body: ForgetUser, _: Numbers) -> Decision:
    """Whoever is forgotten already stays so."""
    there(state.users.get(body.user_id), Entity.USER, body.user_id)
    decision = Decision(Entity.USER, str(body.user_id))
    if body.user_id in state.seals.forgotten:
        return decision
    return decision.own(UserForgotten())


@decides(RegisterAgent)
def register_agent(state: State, body: RegisterAgent, _: Numbers) -> Decision:
    """An agent is somebody's."""
    free(state, Entity.AGENT, body.agent_id)
    there(state.users.get(body.user_id), Entity.USER, body.user_id)
    key = subject(state, body.user_id)
    return Decision(Entity.AGENT, body.agent_id).own(
        AgentRegistered(
            owner_id=body.user_id,
            archetype=key.shut(f"agent:{body.agent_id}/archetype", body.archetype),
            tone=body.tone,
            slot=slot_of(body.agent_id),
        )
    )


@decides(ShiftAgentTone)
def shift_agent_tone(state: State, body: ShiftAgentTone, _: Numbers) -> Decision:
    """To another one."""
    agent = there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    if agent.tone is body.tone:
        raise Conflict(f"agent {body.agent_id!r}: feels {body.tone} already")
    return Decision(Entity.AGENT, body.agent_id).own(
        ToneShifted(before=agent.tone, after=body.tone)
    )


@decides(MeasureAgent)
def measure_agent(state: State, body: MeasureAgent, _: Numbers) -> Decision:
    """One of both at least."""
    there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    score, depth = body.consciousness_score, body.memory_depth
    if score is None and depth is None:
        raise Refused("measure-agent: says nothing", "give consciousness_score or memory_depth")
    score = None if score is None else round(score, 2)
    return Decision(Entity.AGENT, body.agent_id).own(
        AgentMeasured(consciousness_score=score, memory_depth=depth)
    )
