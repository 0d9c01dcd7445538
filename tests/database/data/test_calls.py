"""Each call of the data API, as the seeds write it."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from apps.bridge.refusals import Conflict
from apps.governance.data import close_db, get_db
from schemas.errors import Refused, Unreachable

CURSED = 'quotes \' " ` and \\ and $$ and $1 and %s and {"a": [1]}::x \n ünï¢ode 🜁'
SOON = timedelta(hours=1)
TOLD = "audit.events WHERE event_type <> 'trail_opened'"


def rows(database, query: str) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin) as conn:
        return conn.execute(query).fetchall()


def test_an_identity_is_made_and_kept_up(environment, eventually):
    """What is absent stays, metadata is merged, and the trail tells of it."""

    async def work():
        db = get_db()
        assert await db.get_identity("lumen") is None
        first = await db.upsert_identity("lumen", None, {"a": 1}, purpose="to draw", tags=["x"])
        second = await db.upsert_identity("lumen", metadata={"b": CURSED})
        assert await db.get_identity("lumen") == second
        return first, second

    first, second = asyncio.run(work())

    assert first.identity_id == second.identity_id
    assert (second.purpose, second.tags) == ("to draw", ("x",))
    assert second.metadata == {"a": 1, "b": CURSED}
    kinds = f"SELECT event_type FROM {TOLD}"
    assert eventually(lambda: len(rows(environment, kinds)) == 3, 10, 0.05)
    assert sorted(kind for (kind,) in rows(environment, kinds)) == [
        "identity_created",
        "identity_described",
        "identity_described",
    ]


def test_a_session_is_bound_and_kept_alive(environment):
    """Another agent's living session stays its own."""

    async def work():
        db = get_db()
        one = await db.upsert_identity("lumen")
        other = await db.upsert_identity("ember")
        until = datetime.now(UTC) + SOON
        await db.create_session("s-1", one.identity_id, until)
        await db.create_session("s-1", one.identity_id, until)
        with pytest.raises(Conflict, match="another agent's"):
            await db.create_session("s-1", other.identity_id, until)
        with pytest.raises(Refused, match="identity 999: is not there"):
            await db.create_session("s-2", 999, until)
        alive = await db.update_session_activity("s-1"), await db.update_session_activity("s-2")
        return until, alive

    until, alive = asyncio.run(work())

    assert alive == (True, False)
    assert rows(environment, "SELECT session_id, agent_id, expires_at FROM core.sessions"
                             "  JOIN core.identities USING (identity_id)") == [
        ("s-1", "lumen", until)
    ]  # fmt: skip


@pytest.mark.parametrize("until", [datetime(2030, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_a_session_ends_in_time_to_come(shared, until):
    """With an offset, or it is refused."""
    with pytest.raises(Refused, match="expires_at"):
        asyncio.run(get_db().create_session("s-1", 1, until))


def test_the_trail_is_told_and_asked(environment, tmp_path):
    """Newest first, by agent, kind and time; each event is a line of the file as well."""

    async def work():
        db = get_db()
        at = datetime.now(UTC)
        for place in range(5):
            told = {
                "event_type": "drawn",
                "agent_id": "lumen",
                "payload": {"n": place, "t": CURSED},
            }
            await db.append_audit_event({**told, "recorded_at": at + timedelta(seconds=place)})
        await db.append_audit_event({"event_type": "slept"})
        drawn = await db.query_audit_events(agent_id="lumen", limit=100)
        part = await db.query_audit_events(
            event_type="drawn", since=at + timedelta(seconds=1), until=at + timedelta(seconds=4),
            limit=2,
        )  # fmt: skip
        return drawn, part

    drawn, part = asyncio.run(work())

    assert [event.payload["n"] for event in drawn] == [4, 3, 2, 1, 0]
    assert [event.payload["n"] for event in part] == [3, 2]
    assert drawn[0].payload["t"] == CURSED
    assert rows(environment, f"SELECT count(*) FROM {TOLD}") == [(6,)]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "event_type"),
        ({"event_type": "x", "mood": 1}, "mood"),
        ({"event_type": "x", "payload": {"a": "\x00"}}, "cannot be stored"),
        ({"event_type": "x", "payload": {"a": "\ud800"}}, "cannot be stored"),
        ({"event_type": "x", "payload": {"a": float("nan")}}, "cannot be stored"),
        ({"event_type": "x", "recorded_at": "2020-01-01T00:00:00"}, "recorded_at"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(shared, event, said):
    """With a sentence, and the next one is kept."""
    before = rows(shared, f"SELECT count(*) FROM {TOLD}")
    with pytest.raises(Refused, match=said):
        asyncio.run(get_db().append_audit_event(event))

    assert rows(shared, f"SELECT count(*) FROM {TOLD}") == before
    asyncio.run(get_db().append_audit_event({"event_type": "fine"}))


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_of_the_trail_is_bounded(shared, limit):
    """Nobody reads the whole of it at once."""
    with pytest.raises(Refused, match="limit"):
        asyncio.run(get_db().query_audit_events(limit=limit))


def test_the_graph_answers_in_its_own_names(shared):
    """Values go in and come out as they were; nothing of them is ever Cypher."""

    async def work():
        db = get_db()
        for key in ("lumen", CURSED):
            await db.graph_query("CREATE (a:Agent {id: $id, n: $n})", {"id": key, "n": [1, 2.5]})
        await db.graph_query(
            "MATCH (a:Agent {id: $a}), (b:Agent {id: $b}) CREATE (a)-[:SPAWNED]->(b)",
            {"a": "lumen", "b": CURSED},
        )
        return await db.graph_query(
            "MATCH p = (a:Agent)-[e:SPAWNED]->(b:Agent) // RETURN nothing\n"
            "WHERE 7 % 2 = 1 RETURN a, type(e) AS kind, b.id, b.n AS n, p,"
            " {x: 1, y: 'RETURN z'} AS m, null AS nothing ORDER BY a.id LIMIT 5"
        )

    [row] = asyncio.run(work())

    assert list(row) == ["a", "kind", "b.id", "n", "p", "m", "nothing"]
    assert row["a"]["properties"] == {"id": "lumen", "n": [1, 2.5]}
    assert (row["kind"], row["b.id"], row["n"]) == ("SPAWNED", CURSED, [1, 2.5])
    assert [part.get("label") for part in row["p"]] == ["Agent", "SPAWNED", "Agent"]
    assert (row["m"], row["nothing"]) == ({"x": 1, "y": "RETURN z"}, None)


@pytest.mark.parametrize(
    ("cypher", "params", "said"),
    [
        ("MATCH (a {id: $id}) RETURN a", {}, "'id' is not given"),
        ("MATCH (a) RETURN a", {"id": 1}, "the text has no \\$id"),
        ("MATCH (a) RETURN a, a", {}, "a name twice"),
        ("MATCH (a RETURN a", {}, "syntax error"),
        ("MATCH (a) RETURN a $$) AS (r agtype); DROP TABLE core.probe; --", {}, "SyntaxError"),
        ("UNWIND range(1, 20000) AS n RETURN n", {}, "more than 10000 rows"),
        ("RETURN 'x" + "x" * 65_536 + "'", {}, "longer than 65536"),
        ("RETURN '\x00'", {}, "holds a NUL"),
    ],
)
def test_a_query_that_is_none_is_refused(shared, cypher, params, said):
    """Before or by AGE, with a sentence; the next one is answered."""
    with pytest.raises(Refused, match=said):
        asyncio.run(get_db().graph_query(cypher, params))

    assert asyncio.run(get_db().graph_query("RETURN 1 AS one")) == [{"one": 1}]


def test_a_graph_query_has_a_time_limit(shared):
    """The pool's own; the connection is good afterwards."""
    endless = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN count(a + b) AS n"
    with pytest.raises(Unreachable, match="QueryCanceled"):
        asyncio.run(get_db().graph_query(endless))

    assert asyncio.run(get_db().graph_query("RETURN 1 AS one")) == [{"one": 1}]


def test_the_path_to_the_graph_ends_with_its_query(shared):
    """A pooled connection goes back as it came."""

    async def work():
        db = get_db()
        await db.graph_query("RETURN 1 AS one")
        async with db._store.pool.connection() as conn:
            return await (await conn.execute("SHOW search_path")).fetchone()

    assert asyncio.run(_in_the_owner(work)) == ("pg_catalog",)


async def _in_the_owner(work):
    return await get_db()._owner.run(work())


def test_an_agent_that_cannot_be_is_refused(environment):
    """By the same rule as at the doors; a token's hash has no place here."""
    with pytest.raises(Refused, match="is not a name"):
        asyncio.run(get_db().upsert_identity("no spaces"))
    with pytest.raises(Refused, match="api_key_hash"):
        asyncio.run(get_db().upsert_identity("lumen", "0" * 64))
    with pytest.raises(Refused, match="unknown key 'mood'"):
        asyncio.run(get_db().upsert_identity("lumen", mood="blue"))

    assert rows(environment, "SELECT count(*) FROM core.identities") == [(0,)]


def test_beside_a_running_governance_one_may_only_read(tell, start, tmp_path):
    """It holds the trail, and whoever only reads never takes it from it."""
    alive = start().ready()
    tell(alive.database, alive.folder)

    async def work():
        db = get_db()
        assert await db.get_identity("lumen") is None
        assert await db.query_audit_events(event_type="check_in") == []
        with pytest.raises(Unreachable, match="another process writes it"):
            await db.upsert_identity("lumen")
        with pytest.raises(Unreachable, match="another process writes it"):
            await db.append_audit_event({"event_type": "x"})

    asyncio.run(work())

    assert rows(alive.database, "SELECT count(*) FROM core.identities") == [(0,)]


def test_a_trail_is_not_begun_anew_elsewhere(environment, tell, tmp_path, monkeypatch):
    """A wrong path would tear the chain; none at all could not be told of."""
    asyncio.run(get_db().append_audit_event({"event_type": "first"}))
    asyncio.run(close_db())
    tell(environment, tmp_path / "elsewhere")
    with pytest.raises(Refused, match="lines of it"):
        asyncio.run(get_db().append_audit_event({"event_type": "second"}))
    asyncio.run(close_db())
    monkeypatch.delenv("GOVERNANCE_AUDIT_LOG")
    with pytest.raises(Refused, match="GOVERNANCE_AUDIT_LOG: is not set"):
        asyncio.run(get_db().append_audit_event({"event_type": "second"}))
    asyncio.run(get_db().get_identity("lumen"))

    assert rows(environment, f"SELECT event_type FROM {TOLD}") == [("first",)]
