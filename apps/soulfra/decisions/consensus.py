"""Guilds are founded, votings opened; the vote that makes the quorum decides on the blessing."""

from apps.soulfra.decisions.decision import (
    Conflict,
    Decision,
    Numbers,
    decides,
    free,
    made,
    pay,
    there,
)
from apps.soulfra.decisions.loops import living
from apps.soulfra.state import State, Voting
from schemas.soulfra.commands import CastVote, FoundGuild, JoinGuild, OpenVoting
from schemas.soulfra.events import (
    BlessingGranted,
    GuildFounded,
    GuildJoined,
    VoteCast,
    VotingClosed,
    VotingOpened,
)
from schemas.soulfra.words import Ballot, BlessingType, Cause, Entity

HALF = 0.5


@decides(FoundGuild)
def found_guild(state: State, body: FoundGuild, _: Numbers) -> Decision:
    """Who founds it is in it."""
    free(state, Entity.GUILD, body.guild_id)
    if body.guild_name in state.guild_names:
        raise Conflict(f"guild_name: {body.guild_name!r} is another guild's")
    there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    return Decision(Entity.GUILD, body.guild_id).own(
        GuildFounded(
            name=body.guild_name, threshold=round(body.threshold, 2), founded_by=body.agent_id
        )
    )


@decides(JoinGuild)
def join_guild(state: State, body: JoinGuild, _: Numbers) -> Decision:
    """Once."""
    there(state.guilds.get(body.guild_id), Entity.GUILD, body.guild_id)
    there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    if (body.guild_id, body.agent_id) in state.members:
        raise Conflict(f"agent {body.agent_id!r}: is in guild {body.guild_id!r} already")
    return Decision(Entity.GUILD, body.guild_id).own(GuildJoined(agent_id=body.agent_id))


@decides(OpenVoting)
def open_voting(state: State, body: OpenVoting, _: Numbers) -> Decision:
    """On a loop that did not end; in a guild only by one of its members."""
    voting_id = body.voting_id or made(Entity.VOTING)
    free(state, Entity.VOTING, voting_id)
    loop = living(state, body.loop_id)
    there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    threshold = HALF if body.threshold is None else round(body.threshold, 2)
    if body.guild_id is not None:
        least = there(state.guilds.get(body.guild_id), Entity.GUILD, body.guild_id)
        _member(state, body.guild_id, body.agent_id)
        threshold = least if body.threshold is None else threshold
        if threshold < least:
            raise Conflict(f"threshold: {threshold} is below {least}, guild {body.guild_id!r}'s")
    return Decision(Entity.VOTING, voting_id).own(
        VotingOpened(
            loop_id=body.loop_id,
            loop_created_at=loop.created_at,
            guild_id=body.guild_id,
            opened_by=body.agent_id,
            threshold=threshold,
            quorum=body.quorum,
        )
    )


@decides(CastVote)
def cast_vote(state: State, body: CastVote, numbers: Numbers) -> Decision:
    """The last one that is needed closes the voting, and blesses the loop if they agreed."""
    voting: Voting = there(state.votings.get(body.voting_id), Entity.VOTING, body.voting_id)
    there(state.agents.get(body.agent_id), Entity.AGENT, body.agent_id)
    if voting.status is not Ballot.OPEN:
        raise Conflict(f"voting {body.voting_id!r}: is over, it was {voting.status}")
    if voting.guild_id is not None:
        _member(state, voting.guild_id, body.agent_id)
    if (body.voting_id, body.agent_id) in state.votes:
        raise Conflict(f"agent {body.agent_id!r}: has voted in {body.voting_id!r}")
    decision = Decision(Entity.VOTING, body.voting_id)
    decision.own(VoteCast(agent_id=body.agent_id, approves=body.approves))
    if voting.yes + voting.no + 1 >= voting.quorum:
        counted = state.counted(voting, body.agent_id, approves=body.approves)
        _close(state, decision, counted, numbers)
    return decision


def _close(state: State, decision: Decision, voting: Voting, numbers: Numbers) -> None:
    """Nobody is paid for what only the own agents bless, nor twice for one loop."""
    loop, share = state.loops[voting.loop_id], voting.yes / (voting.yes + voting.no)
    score = round(share, 2)
    granted = share > 0 and share >= voting.threshold and not loop.dissolved
    status = Ballot.GRANTED if granted else Ballot.REFUSED
    decision.own(VotingClosed(status=status, consensus_score=score))
    decision.told = {"status": str(status), "consensus_score": score}
    if not granted:
        return
    number = numbers.blessing()
    decision.told["blessing_id"] = number
    decision.add(
        Entity.LOOP,
        voting.loop_id,
        BlessingGranted(
            blessing_id=number,
            voting_id=decision.id,
            loop_created_at=loop.created_at,
            blessed_by=voting.opened_by,
            blessing_type=BlessingType.GUILD if voting.guild_id else BlessingType.OPEN,
            consensus_score=score,
        ),
    )
    if voting.others and not loop.blessed:
        pay(state, decision, loop.creator_id, Cause.BLESSED)


def _member(state: State, guild_id: str, agent_id: str) -> None:
    if (guild_id, agent_id) not in state.members:
        raise Conflict(f"agent {agent_id!r}: is not in guild {guild_id!r}", "it may join-guild")
