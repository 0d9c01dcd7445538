"""What commands look at, and how it is after each event: pure, of one batch of commands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.soulfra.privacy.seals import Seals
from schemas.soulfra import events as e
from schemas.soulfra.commands import Asked
from schemas.soulfra.words import Ballot, Entity, Fulfilment, Gathering, Tone

NAMED: Final = {
    "user_id": "user",
    "agent_id": "agent",
    "loop_id": "loop",
    "parent": "loop",
    "loops": "loop",
    "guild_id": "guild",
    "voting_id": "voting",
    "prophecy_id": "prophecy",
    "cluster_id": "cluster",
    "guild_name": "guild_name",
}
"""Field of a command to what the query ``standing`` calls it."""


@dataclass(slots=True)
class Agent:
    """Whose it is, and how it feels."""

    owner_id: UUID
    tone: Tone


@dataclass(slots=True)
class Loop:
    """Whose it is, where it lies, and what may still be done with it."""

    creator_id: UUID | None
    agent_id: str | None
    tone: Tone
    created_at: datetime
    depth: int
    dissolved: bool = False
    blessed: bool = False


@dataclass(slots=True)
class Voting:
    """What is asked, and how it stands."""

    loop_id: str
    guild_id: str | None
    opened_by: str
    threshold: float
    quorum: int
    status: Ballot = Ballot.OPEN
    yes: int = 0
    no: int = 0
    others: int = 0
    """How many of the yes are of agents that are not the loop's creator's."""


@dataclass(slots=True)
class State:
    """How everything stands that a batch of commands is about."""

    now: datetime
    versions: dict[str, int] = field(default_factory=dict)
    done: dict[UUID, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Commands that were done: the hash of what was asked, and what was answered."""
    users: dict[UUID, int] = field(default_factory=dict)
    """Credits."""
    agents: dict[str, Agent] = field(default_factory=dict)
    loops: dict[str, Loop] = field(default_factory=dict)
    guilds: dict[str, float] = field(default_factory=dict)
    """Thresholds."""
    guild_names: set[str] = field(default_factory=set)
    members: set[tuple[str, str]] = field(default_factory=set)
    votings: dict[str, Voting] = field(default_factory=dict)
    votes: set[tuple[str, str]] = field(default_factory=set)
    prophecies: dict[int, Fulfilment] = field(default_factory=dict)
    clusters: dict[str, Gathering] = field(default_factory=dict)
    seals: Seals = field(kw_only=True)
    """The keys of whoever the commands are about."""

    def apply(self, stream: str, what: e.Happened) -> int:
        """How it stands after an event; gives the event's place in its stream."""
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        of, _, name = stream.partition(":")
        _AFTER[type(what)](self, Entity(of), name, what)
        return version

    def counted(self, voting: Voting, agent_id: str, *, approves: bool) -> Voting:
        """A voting with one vote more."""
        others = self.agents[agent_id].owner_id != self.loops[voting.loop_id].creator_id
        return replace(
            voting,
            yes=voting.yes + approves,
            no=voting.no + (not approves),
            others=voting.others + (approves and others),
        )

    def merge(self, newer: "State") -> None:
        """What was looked at since counts."""
        for each in fields(self):
            mine, its = getattr(self, each.name), getattr(newer, each.name)
            if isinstance(mine, dict | set):
                mine.update(its)
        self.now, self.seals = newer.now, newer.seals


def asked_for(bodies: Iterable[Asked], commands: Iterable[UUID]) -> dict[str, list[Any]]:
    """What the query ``standing`` is given."""
    wanted: dict[str, list[Any]] = {what: [] for what in NAMED.values()}
    for body in bodies:
        for name in type(body).model_fields.keys() & NAMED.keys():
            value = getattr(body, name)
            if isinstance(value, tuple):
                wanted[NAMED[name]] += value
            elif value is not None:
                wanted[NAMED[name]].append(value)
    return {**wanted, "command": list(commands)}


def state_of(said: Mapping[str, Any], seals: Seals) -> State:
    """What the query ``standing`` answered."""
    made = State(datetime.fromisoformat(said["now"]), said["versions"] or {}, seals=seals)
    made.done = {UUID(c): (sha256, answer) for c, sha256, answer in said["done"] or ()}
    made.users = {UUID(u): balance for u, balance in said["users"] or ()}
    made.agents = {a: Agent(UUID(owner), Tone(tone)) for a, owner, tone in said["agents"] or ()}
    for loop_id, creator, agent, tone, at, *rest in said["loops"] or ():
        created = datetime.fromisoformat(at)
        made.loops[loop_id] = Loop(creator and UUID(creator), agent, Tone(tone), created, *rest)
    made.guilds = {guild: float(threshold) for guild, threshold in said["guilds"] or ()}
    made.guild_names = set(said["guild_names"] or ())
    made.members = {(guild, agent) for guild, agent in said["members"] or ()}
    for voting_id, loop, guild, by, threshold, quorum, status, *votes in said["votings"] or ():
        made.votings[voting_id] = Voting(
            loop, guild, by, float(threshold), quorum, Ballot(status), *votes
        )
    made.votes = {(voting, agent) for voting, agent in said["votes"] or ()}
    made.prophecies = {number: Fulfilment(status) for number, status in said["prophecies"] or ()}
    made.clusters = {cluster: Gathering(status) for cluster, status in said["clusters"] or ()}
    return made


def _registered(to: State, _: Entity, name: str, __: e.UserRegistered) -> None:
    to.users[UUID(name)] = 0


def _forgotten(to: State, _: Entity, name: str, __: e.UserForgotten) -> None:
    to.seals.forget(UUID(name))


def _paid(to: State, _: Entity, name: str, what: e.CreditsChanged) -> None:
    to.users[UUID(name)] += what.amount


def _agent(to: State, _: Entity, name: str, what: e.AgentRegistered) -> None:
    to.agents[name] = Agent(what.owner_id, what.tone)


def _shifted(to: State, of: Entity, name: str, what: e.ToneShifted) -> None:
    if of is Entity.AGENT:
        to.agents[name].tone = what.after
    else:
        to.loops[name].tone = what.after


def _created(to: State, _: Entity, name: str, what: e.LoopCreated) -> None:
    to.loops[name] = Loop(what.creator_id, what.agent_id, what.tone, what.created_at, 0)


def _owned(to: State, _: Entity, name: str, what: e.LoopOwned) -> None:
    to.loops[name].creator_id, to.loops[name].agent_id = what.creator_id, what.agent_id


def _forked(to: State, _: Entity, name: str, what: e.LoopForked) -> None:
    to.loops[name] = Loop(what.creator_id, what.agent_id, what.tone, what.created_at, what.depth)


def _dissolved(to: State, _: Entity, name: str, __: e.LoopDissolved) -> None:
    to.loops[name].dissolved = True


def _founded(to: State, _: Entity, name: str, what: e.GuildFounded) -> None:
    to.guilds[name] = what.threshold
    to.guild_names.add(what.name)
    to.members.add((name, what.founded_by))


def _joined(to: State, _: Entity, name: str, what: e.GuildJoined) -> None:
    to.members.add((name, what.agent_id))


def _opened(to: State, _: Entity, name: str, what: e.VotingOpened) -> None:
    to.votings[name] = Voting(
        what.loop_id, what.guild_id, what.opened_by, what.threshold, what.quorum
    )


def _cast(to: State, _: Entity, name: str, what: e.VoteCast) -> None:
    to.votes.add((name, what.agent_id))
    voting = to.votings[name]
    to.votings[name] = to.counted(voting, what.agent_id, approves=what.approves)


def _closed(to: State, _: Entity, name: str, what: e.VotingClosed) -> None:
    to.votings[name].status = what.status


def _measured(_: State, __: Entity, ___: str, ____: e.AgentMeasured | e.LoopMeasured) -> None:
    """Nothing that a command looks at."""


def _blessed(to: State, _: Entity, name: str, __: e.BlessingGranted) -> None:
    to.loops[name].blessed = True


def _spoken(to: State, _: Entity, name: str, __: e.ProphecySpoken) -> None:
    to.prophecies[int(name)] = Fulfilment.PENDING


def _fulfilled(to: State, _: Entity, name: str, __: e.ProphecyFulfilled) -> None:
    to.prophecies[int(name)] = Fulfilment.FULFILLED


def _formed(to: State, _: Entity, name: str, __: e.ClusterFormed) -> None:
    to.clusters[name] = Gathering.ACTIVE


def _parted(to: State, _: Entity, name: str, __: e.ClusterDissolved) -> None:
    to.clusters[name] = Gathering.DISSOLVED


_AFTER: Final[dict[type[e.Happened], Any]] = {
    e.UserRegistered: _registered,
    e.UserForgotten: _forgotten,
    e.CreditsChanged: _paid,
    e.AgentRegistered: _agent,
    e.ToneShifted: _shifted,
    e.LoopCreated: _created,
    e.LoopOwned: _owned,
    e.LoopForked: _forked,
    e.LoopDissolved: _dissolved,
    e.GuildFounded: _founded,
    e.GuildJoined: _joined,
    e.VotingOpened: _opened,
    e.VoteCast: _cast,
    e.VotingClosed: _closed,
    e.BlessingGranted: _blessed,
    e.AgentMeasured: _measured,
    e.LoopMeasured: _measured,
    e.ProphecySpoken: _spoken,
    e.ProphecyFulfilled: _fulfilled,
    e.ClusterFormed: _formed,
    e.ClusterDissolved: _parted,
}
