"""What `abode status` asks of a shard, asked of two servers."""

from apps.ops.ask import SQL
from apps.soulfra.slots import slot_of
from tests.database.soulfra.shards.conftest import asked, moved, routing
from tests.database.soulfra.shards.test_drift import AGENTS, caught_up
from tests.database.soulfra.shards.test_two import beginning, shift


def test_a_shard_says_how_it_stands(run, two):
    """Its name, its line, what it has, and how far its followers are."""
    slots = {slot_of(agent) for agent in AGENTS[:3]}

    def stands():
        return [asked(db.admin, SQL["shard"])[0][0] for db in two]

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS)
            for slot in slots:
                moved(two, slot, slot, "two")
            await shift(router, "joy", AGENTS[:3])
            before = stands()
            await caught_up(router)
            return before, stands()

    (_, before), (home, after) = run(play())
    assert [home["name"], after["name"]] == ["home", "two"]
    assert home["version"] == after["version"] >= "0007.create-drift"
    assert [home["slots"], after["slots"]] == [4096 - len(slots), len(slots)]
    assert home["agents"] + after["agents"] == len(AGENTS)
    assert before["behind"] == {"drift": 6, "transformations": 6}
    assert after["behind"] == home["behind"] == {"drift": 0, "transformations": 0}
