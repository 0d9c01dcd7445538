"""What commands come to, without any database: refusals by name, and a thousand random lives."""

from collections import Counter
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import pytest

from apps.soulfra.batch import decided
from apps.soulfra.given import Done, Given
from apps.soulfra.privacy.keys import House as Keys
from apps.soulfra.privacy.seals import Seals
from apps.soulfra.state import State
from schemas.errors import Refused
from schemas.soulfra import commands as c
from schemas.soulfra.log import EventType
from schemas.soulfra.words import CREDITS, Ballot, Cause
from tests.soulfra.play import Play

ADA, EVE = UUID(int=1), UUID(int=2)
KEYS = Keys(b"k" * 32)


class Numbers:
    """As a sequence makes them."""

    def __init__(self):
        self.prophecy = count(1).__next__
        self.blessing = count(1).__next__


class House:
    """A state that commands are given to, one by one."""

    def __init__(self):
        self.state = State(datetime(2026, 11, 29, tzinfo=UTC), seals=Seals(KEYS))
        self.numbers = Numbers()
        self.events = []
        self.ids = count(1)

    def give(self, body, command_id=None):
        """The answer; what it is refused for is raised."""
        given = Given(command_id or UUID(int=next(self.ids)), body, "test")
        batch = decided([given], self.state, self.numbers)
        self.events += batch.events
        [outcome] = batch.outcomes
        if isinstance(outcome, Done):
            return outcome
        raise outcome

    def types(self):
        """What happened, in words."""
        return [each["type"] for each in self.events]


@pytest.fixture
def house():
    """Ada with two agents, a loop, and a guild of the first; Eve with one."""
    made = House()
    for body in (
        c.RegisterUser(user_id=ADA, username="ada", email="ada@x.org"),
        c.RegisterAgent(agent_id="oracle", user_id=ADA, archetype="oracle"),
        c.RegisterAgent(agent_id="mirror", user_id=ADA, archetype="mirror"),
        c.Whisper(loop_id="rain", agent_id="oracle", text="it rains"),
        c.FoundGuild(guild_id="elders", guild_name="Elders", agent_id="oracle"),
        c.RegisterUser(user_id=EVE, username="eve", email="eve@x.org"),
        c.RegisterAgent(agent_id="owl", user_id=EVE, archetype="owl"),
    ):
        made.give(body)
    made.events.clear()
    return made


REFUSED = {
    "a name that is taken": (
        [],
        c.RegisterUser(username="ada", email="other@x.org"),
        "username: 'ada' is somebody else's",
    ),
    "an address that is taken": (
        [],
        c.RegisterUser(username="eva", email="ada@x.org"),
        "email: 'ada@x.org' is somebody else's",
    ),
    "a user that is there": (
        [],
        c.RegisterUser(user_id=ADA, username="eve", email="e@x.org"),
        "user '00000000-0000-0000-0000-000000000001': is there already",
    ),
    "an agent of nobody": (
        [],
        c.RegisterAgent(agent_id="x", user_id=UUID(int=9), archetype="x"),
        "user '00000000-0000-0000-0000-000000000009': is not there",
    ),
    "an agent that is there": (
        [],
        c.RegisterAgent(agent_id="oracle", user_id=ADA, archetype="x"),
        "agent 'oracle': is there already",
    ),
    "a whisper to nobody": ([], c.Whisper(agent_id="x", text="y"), "agent 'x': is not there"),
    "a loop that is there": (
        [],
        c.Whisper(loop_id="rain", agent_id="oracle", text="y"),
        "loop 'rain': is there already",
    ),
    "a fork of nothing": ([], c.Fork(parent="x", agent_id="oracle"), "loop 'x': is not there"),
    "a fork of itself": (
        [],
        c.Fork(loop_id="rain", parent="rain", agent_id="oracle"),
        "loop 'rain': is there already",
    ),
    "a fork of what ended": (
        [c.DissolveLoop(loop_id="rain")],
        c.Fork(parent="rain", agent_id="oracle"),
        "loop 'rain': is dissolved",
    ),
    "the end of what ended": (
        [c.DissolveLoop(loop_id="rain")],
        c.DissolveLoop(loop_id="rain"),
        "loop 'rain': is dissolved",
    ),
    "the same tone": (
        [c.ShiftLoopTone(loop_id="rain", tone="joy")],
        c.ShiftLoopTone(loop_id="rain", tone="joy"),
        "loop 'rain': feels joy already",
    ),
    "an agent's same tone": (
        [],
        c.ShiftAgentTone(agent_id="oracle", tone="neutral"),
        "agent 'oracle': feels neutral already",
    ),
    "a guild of the same name": (
        [],
        c.FoundGuild(guild_id="others", guild_name="Elders", agent_id="mirror"),
        "guild_name: 'Elders' is another guild's",
    ),
    "a member twice": (
        [],
        c.JoinGuild(guild_id="elders", agent_id="oracle"),
        "agent 'oracle': is in guild 'elders' already",
    ),
    "a voting by who is not in the guild": (
        [],
        c.OpenVoting(loop_id="rain", agent_id="mirror", guild_id="elders"),
        "agent 'mirror': is not in guild 'elders'",
    ),
    "a vote by who is not in the guild": (
        [c.OpenVoting(voting_id="v", loop_id="rain", agent_id="oracle", guild_id="elders")],
        c.CastVote(voting_id="v", agent_id="mirror", approves=True),
        "agent 'mirror': is not in guild 'elders'",
    ),
    "a vote twice": (
        [
            c.OpenVoting(voting_id="v", loop_id="rain", agent_id="oracle", quorum=3),
            c.CastVote(voting_id="v", agent_id="oracle", approves=True),
        ],
        c.CastVote(voting_id="v", agent_id="oracle", approves=False),
        "agent 'oracle': has voted in 'v'",
    ),
    "a vote too late": (
        [
            c.OpenVoting(voting_id="v", loop_id="rain", agent_id="oracle"),
            c.CastVote(voting_id="v", agent_id="oracle", approves=True),
        ],
        c.CastVote(voting_id="v", agent_id="mirror", approves=True),
        "voting 'v': is over, it was granted",
    ),
    "a prophecy about nothing": (
        [],
        c.Prophesy(agent_id="oracle", text="x", loops=("y",)),
        "loop 'y': is not there",
    ),
    "a prophecy that nobody spoke": ([], c.Fulfil(prophecy_id=7), "prophecy '7': is not there"),
    "a prophecy fulfilled twice": (
        [c.Prophesy(agent_id="oracle", text="x"), c.Fulfil(prophecy_id=1)],
        c.Fulfil(prophecy_id=1),
        "prophecy 1: is fulfilled already",
    ),
    "a cluster of what ended": (
        [c.DissolveLoop(loop_id="rain")],
        c.FormCluster(cluster_id="k", cluster_name="k", loops=("rain",)),
        "loop 'rain': is dissolved",
    ),
    "a cluster dissolved twice": (
        [
            c.FormCluster(cluster_id="k", cluster_name="k", loops=("rain", "rain")),
            c.DissolveCluster(cluster_id="k"),
        ],
        c.DissolveCluster(cluster_id="k"),
        "cluster 'k': is dissolved already",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_command_that_cannot_be_is_refused_by_name(house, what):
    """And nothing happens."""
    before, body, said = REFUSED[what]
    for each in before:
        house.give(each)
    house.events.clear()
    credits_left = dict(house.state.users)

    with pytest.raises(Refused) as refused:
        house.give(body)
    assert refused.value.message.startswith(said)
    assert house.events == []
    assert house.state.users == credits_left


def test_whoever_has_no_credits_left_pays_nothing(house):
    """What it costs is told; a blessing brings some."""
    house.state.users[ADA] = 1
    house.give(c.Whisper(agent_id="oracle", text="the last one"))

    with pytest.raises(Refused, match="a whisper costs 1 credits, there are fewer"):
        house.give(c.Whisper(agent_id="oracle", text="one too many"))
    assert house.state.users[ADA] == 0
    house.give(c.OpenVoting(voting_id="v", loop_id="rain", agent_id="mirror"))
    house.give(c.CastVote(voting_id="v", agent_id="owl", approves=True))
    assert house.state.users[ADA] == CREDITS[Cause.BLESSED]


def test_credits_come_once_and_from_others(house):
    """Not for what the own agents bless, nor for what is blessed again; a no blesses nothing."""
    before = house.state.users[ADA]
    for n, (agent, loop, comes) in enumerate(
        [("mirror", "rain", 0), ("owl", "rain", 0), ("owl", "hail", 10), ("owl", "hail", 10)]
    ):
        if loop not in house.state.loops:
            house.give(c.Fork(loop_id=loop, parent="rain", agent_id="oracle"))
            before = house.state.users[ADA]
        house.give(c.OpenVoting(voting_id=f"v{n}", loop_id=loop, agent_id="oracle", quorum=2))
        house.give(c.CastVote(voting_id=f"v{n}", agent_id=agent, approves=True))
        other = "mirror" if agent == "owl" else "oracle"
        done = house.give(c.CastVote(voting_id=f"v{n}", agent_id=other, approves=True))
        assert done.answer.told["status"] == "granted"
        assert house.state.users[ADA] == before + comes
    with pytest.raises(ValueError, match="threshold"):
        c.OpenVoting(loop_id="rain", agent_id="oracle", threshold=0)


def test_a_guild_is_not_asked_for_less_than_it_says(house):
    """More is fine."""
    asked = {"loop_id": "rain", "agent_id": "oracle", "guild_id": "elders"}
    with pytest.raises(Refused, match=r"threshold: 0.49 is below 0.5, guild 'elders'"):
        house.give(c.OpenVoting(**asked, threshold=0.49))
    house.give(c.OpenVoting(**asked, threshold=0.51))


def test_an_id_that_was_somebodys_is_not_free(house):
    """Also of a loop whose month is pruned: it has no row, but a life."""
    del house.state.loops["rain"]
    with pytest.raises(Refused, match="loop 'rain': is there already"):
        house.give(c.Whisper(loop_id="rain", agent_id="oracle", text="x"))
    with pytest.raises(Refused, match="loop 'rain': is not there"):
        house.give(c.ShiftLoopTone(loop_id="rain", tone="joy"))


@pytest.mark.parametrize(
    ("votes", "threshold", "status"),
    [
        ("y", 0.5, "granted"),
        ("n", 0.5, "refused"),
        ("yn", 0.5, "granted"),
        ("yn", 0.51, "refused"),
        ("nn", 0.01, "refused"),
        ("yyn", 0.67, "refused"),
        ("yyn", 0.66, "granted"),
        ("yyy", 1, "granted"),
    ],
)
def test_the_share_of_yes_decides(house, votes, threshold, status):
    """Exactly, not as it is shown: 2 of 3 are not 0.67."""
    voters = ["oracle", "mirror", "third"]
    house.give(c.RegisterAgent(agent_id="third", user_id=ADA, archetype="x"))
    house.give(
        c.OpenVoting(
            voting_id="v", loop_id="rain", agent_id="oracle", quorum=len(votes), threshold=threshold
        )
    )
    for agent, vote in zip(voters, votes, strict=False):
        last = house.give(c.CastVote(voting_id="v", agent_id=agent, approves=vote == "y"))

    assert last.answer.told["status"] == status
    assert house.types().count(EventType.BLESSING_GRANTED) == (status == "granted")


def test_a_loop_that_ended_meanwhile_is_not_blessed(house):
    """Whatever they agreed on."""
    house.give(c.OpenVoting(voting_id="v", loop_id="rain", agent_id="oracle"))
    house.give(c.DissolveLoop(loop_id="rain"))
    done = house.give(c.CastVote(voting_id="v", agent_id="oracle", approves=True))

    assert done.answer.told["status"] == Ballot.REFUSED


def test_the_same_command_is_done_once(house):
    """The answer is the first one; something else under its id is refused."""
    body, again = c.Whisper(agent_id="oracle", text="x"), UUID(int=77)
    first = house.give(body, again)
    happened = len(house.events)
    second = house.give(body, again)

    assert (first.answer, first.repeated, second.repeated) == (second.answer, False, True)
    assert len(house.events) == happened
    with pytest.raises(Refused, match="was given before and asked for something else"):
        house.give(c.Whisper(agent_id="oracle", text="y"), again)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_asked_the_rules_hold(seed):
    """300 random commands: no debt, no gap, no blessing twice, each fork one deeper."""
    house, play = House(), Play(seed)
    refused = 0
    for body in play.beginning():
        house.give(body)
    for _ in range(300):
        try:
            play.heard(house.give(play.next()).answer)
        except Refused:
            refused += 1
    lives = Counter()
    for each in house.events:
        lives[each["stream"]] += 1
        assert each["version"] == lives[each["stream"]]
    granted = [e["data"] for e in house.events if e["type"] == EventType.BLESSING_GRANTED]
    depth = {}
    for each in house.events:
        if each["type"] in {EventType.LOOP_CREATED, EventType.LOOP_FORKED}:
            parent = getattr(each["data"], "parent", None)
            depth[f"loop:{parent}"] = depth.get(f"loop:{parent}", 0)
            depth[each["stream"]] = depth[f"loop:{parent}"] + 1 if parent else 0
            assert getattr(each["data"], "depth", 0) == depth[each["stream"]]

    assert 0 < refused < 200
    assert min(house.state.users.values()) >= 0
    assert len({each.voting_id for each in granted}) == len(granted)
    spent = Counter()
    for each in house.events:
        if each["type"] == EventType.CREDITS_CHANGED:
            spent[each["stream"]] += each["data"].amount
            assert spent[each["stream"]] >= 0
    assert {f"user:{u}": left for u, left in house.state.users.items()} == dict(spent)


def test_what_is_measured_is_told(house):
    """To the hundredth; nothing at all, or more than there is, is refused."""
    house.give(c.MeasureAgent(agent_id="oracle", consciousness_score=0.123))
    house.give(c.MeasureLoop(loop_id="rain", consciousness={"depth": 1}))
    told = [each["data"].model_dump() for each in house.events]

    assert told == [
        {"consciousness_score": 0.12, "memory_depth": None}, {"consciousness": {"depth": 1.0}}
    ]  # fmt: skip
    with pytest.raises(Refused, match="says nothing"):
        house.give(c.MeasureAgent(agent_id="oracle"))
    for wrong in ({"depth": 1.1}, {"depth": float("nan")}, {"Ada": 0.5}, {"depth": "deep"}):
        with pytest.raises(ValueError, match="consciousness"):
            c.MeasureLoop(loop_id="rain", consciousness=wrong)
