"""Which commands are a shard's, and how a shard is reached."""

from collections import defaultdict
from itertools import chain

import pytest

from apps.ops.shards import _range
from apps.soulfra.decisions import asked
from apps.soulfra.shards.place import url
from apps.soulfra.shards.router import ALONE
from schemas.errors import HouseError, Refused
from schemas.soulfra.commands import COMMANDS, RegisterAgent
from tests.soulfra.play import Play
from tests.unit.soulfra.test_decisions import House


def test_only_what_is_about_an_agent_alone_is_written_to_its_life():
    """Of all commands of a thousand: what a shard does writes nothing else, and nobody else that.

    Another command that adds to an agent's stream would be refused where the agent is not.
    """
    house, play = House(), Play(11)
    written = defaultdict(set)
    for body in chain(play.beginning(), (play.next() for _ in range(1_000))):
        try:
            decision = asked(house.state, body, house.numbers)
        except HouseError:
            continue
        for stream, what in decision.events:
            house.state.apply(stream, what)
            written[type(body)].add(stream.partition(":")[0])
        if decision.entity == "prophecy" and int(decision.id) not in play.prophecies:
            play.prophecies.append(int(decision.id))

    assert written.keys() == set(COMMANDS.values())
    assert {kind for kind, streams in written.items() if "agent" in streams} == {
        *ALONE,
        RegisterAgent,
    }
    assert {stream for kind in ALONE for stream in written[kind]} == {"agent"}


@pytest.mark.parametrize(
    ("home", "place", "found"),
    [
        (
            "postgresql://soulfra@/soulfra?host=/run/postgresql",
            "/soulfra?host=/run/postgresql-two",
            "postgresql://soulfra@/soulfra?host=/run/postgresql-two",
        ),
        (
            "postgresql://a:b@localhost:1/x",
            "far:5432/soulfra?sslmode=verify-full",
            "postgresql://a:b@far:5432/soulfra?sslmode=verify-full",
        ),
    ],
)
def test_a_shard_is_reached_as_whoever_reaches_home(home, place, found):
    """The map names no user."""
    assert url(home, place) == found


@pytest.mark.parametrize("said", ["", "-1", "4096", "3-2", "a", "1-", "1-4096", "1-2-3"])
def test_what_are_no_slots_is_refused(said):
    """With an example."""
    with pytest.raises(Refused, match="are no slots"):
        _range(said)
    assert _range("7") == (7, 7)
    assert _range("0-4095") == (0, 4095)
