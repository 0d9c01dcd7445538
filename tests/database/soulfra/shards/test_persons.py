"""A person's token, over HTTP: it reads its agent where it lives, and nobody else's."""

import psycopg
import pytest

from apps.soulfra.slots import slot_of
from schemas.soulfra import commands as c
from schemas.soulfra.server import APP, PERSON
from tests.database.soulfra.privacy.conftest import ADA, EVE
from tests.database.soulfra.privacy.test_over_http import AT, CLIENTS
from tests.database.soulfra.shards.conftest import asked, moved, routing
from tests.database.soulfra.test_doors import Process

AGENTS = {"ada": "a-ada", "eve": "a-eve"}
WHOSE = {"ada": ADA, "eve": EVE}
BYPASSES = "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"


def of_person(database):
    """The URL of the role that reads in a person's name."""
    return database.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")


@pytest.fixture
def away(run, two):
    """Two people whose agents moved, and feel otherwise since then."""

    async def come():
        async with routing(two) as router:
            for name, user in WHOSE.items():
                await router.give(
                    c.RegisterUser(user_id=user, username=name, email=f"{name}@x.org")
                )
                await router.give(
                    c.RegisterAgent(agent_id=AGENTS[name], user_id=user, archetype=f"{name} oracle")
                )

    async def feel():
        async with routing(two) as router:
            for agent in AGENTS.values():
                await router.give(c.ShiftAgentTone(agent_id=agent, tone="wonder"))

    run(come())
    for agent in AGENTS.values():
        moved(two, slot_of(agent), slot_of(agent), "two")
    run(feel())
    return two


def test_a_person_reads_an_agent_on_its_shard(away, tmp_path):
    """As it feels now, opened with the person's key; of another person's there is nothing."""
    told = {"SOULFRA_PERSON_POSTGRES_URL": of_person(away.home)}
    process = Process(tmp_path, away.home, CLIENTS, **told).ready()
    try:
        read = {
            (who, whose): process.ask("GET", f"{AT}/agents/{agent}", token=f"of-{who}")
            for who in AGENTS
            for whose, agent in AGENTS.items()
        }
        again = process.ask("GET", f"{AT}/agents/{AGENTS['ada']}", token="of-ada")
    finally:
        code, said = process.end()
    assert code == 0, said
    for (who, whose), (status, agent) in read.items():
        assert status == (200 if who == whose else 404)
        if who == whose:
            assert (agent["current_tone"], agent["archetype"]) == ("wonder", f"{who} oracle")
    assert again == read["ada", "ada"]


@pytest.mark.parametrize("name", [None, *WHOSE])
def test_a_shard_shows_a_person_their_own_agents(away, name):
    """By its own row-level security: the role goes around none, and without a name sees nobody."""
    assert len(asked(away.two.owner, "SELECT FROM soulfra.agents")) == len(AGENTS)
    with psycopg.connect(of_person(away.two)) as conn:
        assert conn.execute(BYPASSES).fetchone() == (False,)
        if name is not None:
            conn.execute("SELECT set_config('soulfra.user_id', %s, true)", (str(WHOSE[name]),))
        found = conn.execute("SELECT agent_id FROM soulfra.agents").fetchall()
    assert found == ([(AGENTS[name],)] if name else [])
