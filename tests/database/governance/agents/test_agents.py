"""Agents: made known, renamed, found, resumed, ended; and never two where there is one."""

import asyncio
import json

import psycopg
import pytest

from apps.bridge.refusals import Conflict, Forbidden, NotFound
from apps.bridge.tool import Caller
from apps.governance.data import close_db, get_db
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.agents import ArchiveAgent, GetAgent, ListAgents, RegisterAgent
from schemas.governance.tables import Status

OPERATOR = Caller("boss")
PLAIN = frozenset({Right.CHECK_IN, Right.READ, Right.WRITE})
LUMEN = Caller("lumen", rights=PLAIN)


def ask(database, query: str) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        return conn.execute(query).fetchall()


def graph(database, cypher: str, *columns: str) -> list[tuple]:
    """What the graph holds."""
    names = ", ".join(f"{name} ag_catalog.agtype" for name in columns)
    with psycopg.connect(database.admin, autocommit=True) as conn:
        conn.execute("SET search_path = ag_catalog, pg_catalog")
        return conn.execute(
            f"SELECT {', '.join(f'{name}::text' for name in columns)}"
            f" FROM cypher('governance_graph', $$ {cypher} $$) AS ({names})"
        ).fetchall()


def events(folder, agent: str) -> list[str]:
    """What the trail says of an agent, in order."""
    lines = "".join(file.read_text() for file in folder.glob("audit-*.jsonl")).splitlines()
    told = [each for each in map(json.loads, lines) if each["agent_id"] == agent]
    return [each["event_type"] for each in told]


async def known(here, *names):
    """Registered by an operator, without parents."""
    for name in names:
        await here.registry.register(OPERATOR, RegisterAgent(new_agent=name))


async def archived(here, agent, caller=OPERATOR):
    """Ended."""
    return await here.registry.archive(caller, ArchiveAgent(agent=agent, reason="done"))


def test_a_parent_spawns_a_child(room, governance_database, tmp_path):
    """Row, reason, vertex, edge and trail, all of one transaction; the child's child has a line."""

    async def run():
        async with room() as here:
            await known(here, "lumen")
            child = await here.registry.register(
                LUMEN,
                RegisterAgent(label="Helper", purpose="to help", tags=("a", "b"),
                              spawn_reason="too much to do"),
            )  # fmt: skip
            more = await here.registry.register(
                Caller(child.agent, rights=PLAIN), RegisterAgent(new_agent="grandchild")
            )
            return (
                child,
                more,
                await here.roster.get(LUMEN, GetAgent(agent="grandchild")),
                (await here.roster.get(LUMEN, GetAgent(agent=child.agent))),
            )

    child, more, grandchild, shown = asyncio.run(run())

    assert len(child.agent) == 36
    assert child.parent_agent_id == "lumen"
    assert more.parent_agent_id == child.agent
    assert grandchild.ancestors == (child.agent, "lumen")
    assert shown.children == ("grandchild",)
    assert (shown.label, shown.purpose, shown.tags) == ("Helper", "to help", ("a", "b"))
    assert shown.spawn_reason == "too much to do"
    assert shown.tokens is None
    found = graph(governance_database, "MATCH (p:Agent)-[:SPAWNED]->(c:Agent)"
                  " RETURN p.id, c.id ORDER BY p.id", "p", "c")  # fmt: skip
    assert sorted(found) == sorted([("lumen", child.agent), (child.agent, "grandchild")])
    assert events(tmp_path, child.agent) == ["identity_created", "token_issued"]


def test_nobody_registers_anothers_child(room):
    """But an operator does, and an agent without a parent."""

    async def run():
        async with room() as here:
            await known(here, "lumen", "ember")
            with pytest.raises(Forbidden):
                await here.registry.register(LUMEN, RegisterAgent(parent="ember"))
            with pytest.raises(Refused):
                await here.registry.register(Caller(rights=PLAIN), RegisterAgent())
            return await here.registry.register(OPERATOR, RegisterAgent(parent="ember"))

    assert asyncio.run(run()).parent_agent_id == "ember"


def test_a_name_is_given_once(room, governance_database, tmp_path):
    """Of 8 at the same time one gets it; the others leave nothing, no token either."""

    async def run():
        async with room(connections=11) as here:
            asked = [
                here.registry.register(OPERATOR, RegisterAgent(new_agent="lumen")) for _ in range(8)
            ]
            said = await asyncio.gather(*asked, return_exceptions=True)
            with pytest.raises(Conflict):
                await known(here, "lumen")
            return said

    said = asyncio.run(run())

    assert sum(isinstance(answer, Conflict) for answer in said) == 7
    assert ask(governance_database, "SELECT count(*) FROM core.identities") == [(1,)]
    assert ask(governance_database, "SELECT count(*) FROM core.tokens") == [(1,)]
    assert events(tmp_path, "lumen") == ["identity_created", "token_issued"]


@pytest.mark.parametrize("parent", ["nobody", "me", "gone"])
def test_a_parent_must_live(room, governance_database, parent):
    """And nobody is its own."""

    async def run():
        async with room() as here:
            await known(here, "gone")
            await archived(here, "gone")
            with pytest.raises(NotFound):
                await here.registry.register(OPERATOR, RegisterAgent(new_agent="me", parent=parent))

    asyncio.run(run())
    assert ask(governance_database, "SELECT agent_id FROM core.identities") == [("gone",)]


def test_renaming_shows_at_once_though_words_are_cached(room, redis):
    """The label is what people call it; its name is for ever. What is cached lives 300 s."""

    async def run():
        async with room() as here, room() as there:
            await known(here, "lumen")
            seen = [(await there.roster.get(LUMEN, GetAgent())).label]
            await there.roster.get(LUMEN, GetAgent())
            lifetime = int(redis.cli("TTL", "agent_meta:lumen"))
            for name in ("Lumen", "Lumen II"):
                await here.identities.describe("lumen", {"label": name})
                seen += [(await each.roster.get(LUMEN, GetAgent())).label for each in (here, there)]
            return seen, lifetime, there.descriptions.hits

    seen, lifetime, hits = asyncio.run(run())

    assert seen == [None, "Lumen", "Lumen", "Lumen II", "Lumen II"]
    assert 290 < lifetime <= 300
    assert hits == 1


def test_old_words_that_were_being_read_are_not_put_back(room, redis):
    """A reader that is slower than the writer finds the place taken."""

    async def run():
        async with room() as here:
            await known(here, "lumen")
            read = here.descriptions._load

            async def slow(agents):
                found = await read(agents)
                await here.identities.describe("lumen", {"label": "new"})
                return found

            here.descriptions._gather._load = slow
            old = await here.descriptions.get("lumen")
            here.descriptions._gather._load = read
            return old.label, (await here.descriptions.get("lumen")).label

    assert asyncio.run(run()) == (None, "new")
    assert redis.cli("GET", "agent_meta:lumen") == ""


def test_of_50_that_ask_for_the_same_words_one_asks_postgres(room):
    """Single-flight, whoever comes first."""

    async def run():
        async with room() as here:
            await known(here, "lumen")
            asked, read = [], here.descriptions._load

            async def noted(agents):
                asked.append(agents)
                return await read(agents)

            here.descriptions._gather._load = noted
            found = await asyncio.gather(*(here.descriptions.get("lumen") for _ in range(50)))
            return len(asked), {words.created_at for words in found}

    times, found = asyncio.run(run())
    assert times <= 2
    assert len(found) == 1


def test_cached_words_of_another_release_are_read_anew(room, redis):
    """Rather than refused."""

    async def run():
        async with room() as here:
            await known(here, "lumen")
            redis.cli("SET", "agent_meta:lumen", '{"label": "x", "mood": 1}', "EX", "60")
            return await here.descriptions.get("lumen")

    assert asyncio.run(run()).label is None


def test_every_agent_is_listed_once_page_by_page(room):
    """Also while others come and go between the pages."""

    async def run():
        async with room() as here:
            await known(here, *(f"agent-{n:02d}" for n in range(25)))
            seen, after, pages = [], None, 0
            while True:
                page = await here.roster.list(LUMEN, ListAgents(after=after, limit=10))
                seen += [agent.agent_id for agent in page.agents]
                pages += 1
                if page.next is None:
                    return seen, pages
                after = page.next
                await known(here, f"agent-{pages:02d}-late", f"a-{pages}")

    seen, pages = asyncio.run(run())

    assert len(seen) == len(set(seen))
    assert {f"agent-{n:02d}" for n in range(25)} <= set(seen)
    assert pages == 3


def test_the_list_tells_the_last_verdict_and_may_be_of_one_status(governance, governance_database):
    """What came last, whatever the Pi's clock says; through the door, as the tool."""
    calm = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
    for seq in (1, 2):
        body = {"agent": "lumen", "anima": calm, "boot_id": "boot-0001", "seq": seq}
        status, _, verdict = governance.ask("POST", "/v1/checkins", json.dumps(body))
        assert status == 200
    governance.call("register_agent", {"new_agent": "silent"})
    ask(governance_database, "UPDATE core.identities SET status = 'paused'"
        " WHERE agent_id = 'silent' RETURNING 1")  # fmt: skip
    _, both = governance.call("list_agents", {})
    _, paused = governance.call("list_agents", {"status": "paused"})
    wrong, _ = governance.call("list_agents", {"limit": 201})
    lumen, silent = both["agents"]

    assert (lumen["agent_id"], silent["agent_id"]) == ("lumen", "silent")
    assert lumen["last_action"] == json.loads(verdict)["action"] == "proceed"
    assert lumen["last_activity_at"] <= lumen["last_verdict_at"]
    assert (silent["last_action"], silent["status"]) == (None, "paused")
    assert [agent["agent_id"] for agent in paused["agents"]] == ["silent"]
    assert wrong is True


def test_who_is_not_there_is_not_found(room):
    """Nor made by being asked for."""

    async def run():
        async with room() as here:
            with pytest.raises(NotFound):
                await here.roster.get(OPERATOR, GetAgent(agent="ghost"))
            with pytest.raises(NotFound):
                await here.roster.get(Caller("ghost"), GetAgent())

    asyncio.run(run())


def test_archiving_ends_tokens_and_sessions(room, governance_database, redis, tmp_path):
    """In one transaction; the trail says why, the lifecycle who, the vertex that it is so."""

    async def run():
        async with room() as here:
            await known(here, "lumen")
            await here.sessions.bind("s-1", "lumen")
            await asyncio.sleep(0.1)
            said = await archived(here, "lumen", LUMEN)
            await asyncio.sleep(0.1)
            again = await asyncio.gather(archived(here, "lumen"), return_exceptions=True)
            return said, again[0], await here.sessions.agent("s-1")

    said, again, session = asyncio.run(run())

    assert (said.status, said.tokens_ended, said.sessions_ended) == (Status.ARCHIVED, 1, 1)
    assert isinstance(again, Conflict)
    assert session is None
    assert redis.cli("EXISTS", "session:s-1") == "0"
    assert events(tmp_path, "lumen")[-1] == "identity_archived"
    last = ask(governance_database, "SELECT status_before, status, role"
               " FROM core.lifecycle_events ORDER BY event_id DESC LIMIT 1")  # fmt: skip
    assert last == [("active", "archived", "governance")]
    assert graph(governance_database, "MATCH (a:Agent {id: 'lumen'}) RETURN a.status", "s") == [
        ("archived",)
    ]


def test_who_may_end_whom(room, governance_database):
    """Oneself and one's children; what an operator holds, only an operator."""

    async def run():
        async with room() as here:
            await known(here, "lumen", "ember", "held")
            for name in ("child", "other"):
                await here.registry.register(LUMEN, RegisterAgent(new_agent=name))
            for agent, caller in (("ember", LUMEN), ("lumen", Caller("child", rights=PLAIN)),
                                  ("nobody", LUMEN)):  # fmt: skip
                with pytest.raises(Forbidden):
                    await archived(here, agent, caller)
            with pytest.raises(NotFound):
                await archived(here, "nobody")
            await archived(here, "child", LUMEN)
            ask(governance_database, "UPDATE core.identities SET status = 'paused'"
                " WHERE agent_id = 'held' RETURNING 1")  # fmt: skip
            with pytest.raises(Forbidden):
                await archived(here, "held", Caller("held", rights=PLAIN))
            await archived(here, "held")

    asyncio.run(run())
    assert ask(governance_database, "SELECT agent_id FROM core.identities"
               " WHERE status = 'archived' ORDER BY 1") == [("child",), ("held",)]  # fmt: skip


@pytest.mark.parametrize("status", ["archived", "disabled", "deleted"])
def test_the_role_cannot_archive_what_has_ended(governance_database, status):
    """The function gives one status and takes back none."""
    ask(governance_database, f"INSERT INTO core.identities (agent_id, status)"
        f" VALUES ('x', '{status}') RETURNING 1")  # fmt: skip
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        assert conn.execute("SELECT core.archive_identity('x')").fetchone() == (None,)
        assert conn.execute("SELECT core.archive_identity('nobody')").fetchone() == (None,)
    assert ask(governance_database, "SELECT status FROM core.identities") == [(status,)]


def test_what_the_data_api_says_of_an_agent_is_read_at_once(
    room, redis, governance_database, tmp_path, monkeypatch
):
    """The words that were cached before are cached no longer."""
    (tmp_path / "password").write_text(redis.password)
    for name, value in {
        "DB_POSTGRES_URL": governance_database.app,
        "GOVERNANCE_AUDIT_LOG": str(tmp_path / "audit_log.jsonl"),
        "REDIS_SOCKET": str(redis.socket),
        "REDIS_USER": "governance",
        "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
    }.items():
        monkeypatch.setenv(name, value)

    async def run():
        async with room() as here:
            await known(here, "lumen")
            before = await here.roster.get(LUMEN, GetAgent())
            await get_db().upsert_identity("lumen", purpose="to draw")
            await close_db()
            return before.purpose, (await here.roster.get(LUMEN, GetAgent())).purpose

    assert asyncio.run(run()) == (None, "to draw")
