"""Somebody is forgotten whose agents are on another server: no byte there can be read any more."""

import psycopg
import pytest

from apps.soulfra.privacy.forgetting import Forgetting, forgotten
from apps.soulfra.shards.forget import Forget
from apps.soulfra.slots import slot_of
from schemas.soulfra import commands as c
from tests.database.soulfra.privacy.conftest import ADA, EVE, Server, told
from tests.database.soulfra.privacy.test_forgotten import TEXTS, copied, there
from tests.database.soulfra.shards.conftest import asked, moved, routing
from tests.database.soulfra.shards.test_drift import caught_up

AGENTS = ("a-ada", "a-eve")
WRAPPED = "SELECT wrapped FROM privacy.subjects WHERE user_id = %s"
ARCHETYPE = "SELECT archetype FROM soulfra.agents WHERE agent_id = %s"


@pytest.fixture
def away(run, two):
    """Both people's agents moved and felt something there; followers wrote what follows."""

    async def come():
        async with routing(two) as router:
            await told(router.home.writer)

    run(come())
    for agent in AGENTS:
        moved(two, slot_of(agent), slot_of(agent), "two")

    async def feel():
        async with routing(two) as router:
            for agent in AGENTS:
                await router.give(c.ShiftAgentTone(agent_id=agent, tone="grief"), by="gallery")
            await caught_up(router)

    run(feel())
    return two


class Asking:
    """What a server's database holds, asked as its superuser."""

    def __init__(self, database):
        self.dsn = database.admin

    def __call__(self, query, *values):
        """Rows."""
        return asked(self.dsn, query, *values)


async def forgets(two, user_id):
    """As the process does it."""
    async with routing(two) as router:
        await router.give(c.ForgetUser(user_id=user_id))
        forgetting = Forgetting(router.home.pool, {"shards": Forget(router)})
        done = await forgetting.sweep()
        async with router.home.pool.connection() as conn:
            return done, await forgotten(conn, user_id)


def test_nothing_is_left_on_a_shard_of_whoever_is_forgotten(run, away):
    """A scan of rows, dump, data directory and WAL of the other server; the report names it."""
    ask, server = Asking(away.two), Server(away.two)
    keys = [bytes(asked(away.home.admin, WRAPPED, user)[0][0]) for user in (ADA, EVE)]
    [(sealed,)] = ask(ARCHETYPE, "a-ada")
    before = ask("SELECT position, sha256 FROM log.events ORDER BY 1")

    done, report = run(forgets(away, ADA))

    assert done == 1
    files = [server.files(ask, wal=wal) for wal in (False, True)]
    for where in (copied(ask), server.dump(), *files):
        assert there(where, TEXTS) == []
        assert not any(key in where for key in keys)
        assert b"grief" in where  # the scans see what there is
    # What was sealed stays as it was, in the log too; nothing opens it any more.
    assert ask(ARCHETYPE, "a-ada") == [(sealed,)]
    assert asked(away.home.admin, WRAPPED, ADA) == [(None,)]
    assert ask("SELECT position, sha256 FROM log.events ORDER BY 1") == before
    assert ask("SELECT DISTINCT metadata ->> 'by' FROM log.events") == [("gallery",)]
    assert {
        (each["place"], each["count"], each["how"])
        for each in report["places"]
        if each["store"] == "shards"
    } == {
        ("two/soulfra.agents.archetype", 1, "unreadable"),
        ("two/log.events.data", 1, "unreadable"),
    }
    assert report["finished_at"] is not None


def test_what_is_homes_alone_is_missed_on_no_shard(run, away):
    """Somebody's key on a shard, however it came there: it is told, and not finished."""
    with psycopg.connect(away.two.admin, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO privacy.subjects (user_id, wrapped) VALUES (%s, %s)", (ADA, b"\1" * 60)
        )
    done, report = run(forgets(away, ADA))
    assert (done, report["finished_at"]) == (0, None)
    assert {each["store"] for each in report["places"]} == {"postgres"}
