"""Prophecies are spoken and come true; clusters form and dissolve."""

from apps.soulfra.decisions.decision import (
    Conflict,
    Decision,
    Numbers,
    decides,
    free,
    pay,
    subject,
    there,
)
from apps.soulfra.decisions.loops import living
from apps.soulfra.privacy.pii import tokenised
from apps.soulfra.state import State
from schemas.soulfra.commands import DissolveCluster, FormCluster, Fulfil, Prophesy
from schemas.soulfra.events import (
    ClusterDissolved,
    ClusterFormed,
    ClusterLoop,
    ProphecyFulfilled,
    ProphecySpoken,
)
from schemas.soulfra.words import Cause, Entity, Fulfilment, Gathering


@decides(Prophesy)
def prophesy(state: State, body: Prophesy, numbers: Numbers) -> Decision:
    """About loops that are or were there."""
    agent = there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    for loop_id in body.loops:
        there(state.loops.get(loop_id), Entity.LOOP, loop_id)
    key = subject(state, agent.owner_id)
    decision = Decision(Entity.PROPHECY, "")
    pay(state, decision, agent.owner_id, Cause.PROPHECY)
    decision.id = str(numbers.prophecy())
    text, pii = tokenised(body.text, key)
    return decision.own(
        ProphecySpoken(
            author_agent=body.agent_id,
            text=key.shut(f"prophecy:{decision.id}/text", text),
            pii=pii,
            related_loops=body.loops,
        )
    )


@decides(Fulfil)
def fulfil(state: State, body: Fulfil, _: Numbers) -> Decision:
    """Once."""
    number = body.prophecy_id
    status = there(state.prophecies.get(number), Entity.PROPHECY, number)
    if status is Fulfilment.FULFILLED:
        raise Conflict(f"prophecy {number}: is fulfilled already")
    return Decision(Entity.PROPHECY, str(number)).own(ProphecyFulfilled())


@decides(FormCluster)
def form_cluster(state: State, body: FormCluster, _: Numbers) -> Decision:
    """Of loops that did not end, each named once."""
    free(state, Entity.CLUSTER, body.cluster_id)
    loops = tuple(
        ClusterLoop(loop_id=loop_id, created_at=living(state, loop_id).created_at)
        for loop_id in dict.fromkeys(body.loops)
    )
    return Decision(Entity.CLUSTER, body.cluster_id, told={"loops": len(loops)}).own(
        ClusterFormed(name=body.cluster_name, mythology=body.mythology, loops=loops)
    )


@decides(DissolveCluster)
def dissolve_cluster(state: State, body: DissolveCluster, _: Numbers) -> Decision:
    """Once."""
    status = there(state.clusters.get(body.cluster_id), Entity.CLUSTER, body.cluster_id)
    if status is Gathering.DISSOLVED:
        raise Conflict(f"cluster {body.cluster_id!r}: is dissolved already")
    return Decision(Entity.CLUSTER, body.cluster_id).own(ClusterDissolved())
