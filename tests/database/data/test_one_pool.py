"""One pool in one loop, whoever calls: the third seed's race, threads, other loops, forks."""

import asyncio
import multiprocessing
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from apps.governance.data import close_db, database, get_db, init_db
from schemas.errors import Refused, Unreachable

SLOW = "UNWIND range(1, 200) AS a UNWIND range(1, 200) AS b RETURN count(a + b) AS n"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def opened(monkeypatch):
    """How often a pool was opened."""
    count = []
    really = database.opened

    async def counted(told):
        count.append(told)
        await asyncio.sleep(0.05)  # long enough for a race to be lost
        return await really(told)

    monkeypatch.setattr(database, "opened", counted)
    return count


def connections(of) -> int:
    """Of the app, as the server sees them."""
    with psycopg.connect(of.admin) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename = 'governance'",
            [of.name],
        ).fetchone()
    return int(row[0])


def test_two_tasks_at_first_use_share_one_pool(shared, opened):
    """The third seed's race: both are served."""

    async def ask():
        return await get_db().upsert_identity("lumen")

    async def both():
        return await asyncio.gather(ask(), ask())

    first, second = asyncio.run(both())

    assert first.identity_id == second.identity_id
    assert len(opened) == 1
    assert connections(shared) <= 10 + 1  # the index of the trail has its own


def test_threads_and_their_loops_share_it_too(shared, opened):
    """Forty of them, each with a loop of its own, at the very first use."""
    start = threading.Barrier(40)

    def ask(place: int):
        start.wait(20)
        return asyncio.run(get_db().upsert_identity(f"agent-{place % 4}")).identity_id

    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(ask, range(40)))

    assert len(set(found)) == 4
    assert len(opened) == 1
    assert connections(shared) <= 10 + 1  # the index of the trail has its own


def test_ten_times_the_pool_is_served(shared):
    """A hundred calls at ten connections: they wait for their turn."""

    async def work():
        await init_db()
        return await asyncio.gather(*(get_db().get_identity(f"a-{n}") for n in range(100)))

    assert asyncio.run(work()) == [None] * 100


def test_plain_code_is_served_even_inside_a_running_loop(shared):
    """Where asyncio.run is refused, and where a loop that waits for itself would hang."""

    async def work():
        db = get_db()
        return db.wait(db.upsert_identity("lumen"))

    inside = asyncio.run(work())
    outside = get_db().wait(get_db().get_identity("lumen"))

    assert inside == outside


def test_waiting_for_oneself_is_refused(shared):
    """It would be for ever."""

    async def work():
        db = get_db()
        return db.wait(db.get_identity("lumen"))

    with pytest.raises(Refused, match="the thread it would wait for"):
        asyncio.run(get_db()._owner.run(work()))


def test_a_loop_that_ended_takes_nothing_with_it(shared, opened):
    """One asyncio.run after the other, as scripts do."""
    for _ in range(3):
        asyncio.run(get_db().upsert_identity("lumen"))

    assert len(opened) == 1


def test_init_twice_is_once(shared, opened):
    """At once, and one after the other."""

    async def work():
        await asyncio.gather(init_db(), init_db())
        await init_db()

    asyncio.run(work())

    assert len(opened) == 1


def test_close_ends_what_began_and_refuses_what_comes(shared):
    """Nothing is cut off, nothing hangs; a new one is there for the asking."""

    async def work():
        old = get_db()
        await init_db()
        calls = [asyncio.create_task(old.graph_query(SLOW)) for _ in range(5)]
        await asyncio.sleep(0.1)
        await close_db()
        done = await asyncio.gather(*calls)
        with pytest.raises(Refused, match="database: is closed"):
            await old.get_identity("nobody")
        with pytest.raises(Refused, match="database: is closed"):
            await asyncio.to_thread(old.wait, old.get_identity("nobody"))
        await old.close()
        assert get_db() is not old
        return done, await get_db().get_identity("nobody")

    done, found = asyncio.run(work())

    assert [len(rows) for rows in done] == [1] * 5
    assert found is None


def test_close_leaves_no_connection_and_no_thread(shared):
    """And closing what was never opened is nothing."""
    asyncio.run(close_db())
    get_db()
    asyncio.run(close_db())
    asyncio.run(init_db())
    assert connections(shared) >= 2
    asyncio.run(close_db())
    until = time.monotonic() + 5
    while time.monotonic() < until and (_threads() or connections(shared)):
        time.sleep(0.05)

    assert (_threads(), connections(shared)) == ([], 0)


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "governance-data"]


def test_whoever_gives_up_lets_go_of_the_connection(shared, monkeypatch):
    """Cancelled callers leave the pool whole."""
    monkeypatch.setenv("DB_POSTGRES_MAX_CONN", "3")

    async def work():
        await init_db()
        for _ in range(3):
            calls = [asyncio.create_task(get_db().graph_query(SLOW)) for _ in range(6)]
            await asyncio.sleep(0.05)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        return await asyncio.gather(*(get_db().graph_query("RETURN 1 AS n") for _ in range(6)))

    assert asyncio.run(work()) == [[{"n": 1}]] * 6


def test_a_fork_has_a_database_of_its_own(shared):
    """The parent's is refused there, and lives on here."""
    asyncio.run(get_db().upsert_identity("lumen"))
    parents = get_db()
    told = multiprocessing.get_context("fork").Queue()

    def child() -> None:
        said = []
        try:
            asyncio.run(parents.get_identity("lumen"))
        except Refused as error:
            said.append(error.message)
        said.append(asyncio.run(get_db().get_identity("lumen")).agent_id)
        asyncio.run(close_db())
        told.put(said)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are threads is the point
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
    said = told.get(timeout=30)
    process.join(10)

    assert process.exitcode == 0
    assert said == ["database: was opened before this process was forked", "lumen"]
    assert asyncio.run(parents.get_identity("lumen")).agent_id == "lumen"


def test_connections_that_broke_are_replaced(shared):
    """One call is told so; those after it are served."""
    asyncio.run(init_db())
    with psycopg.connect(shared.admin, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE datname = %s AND usename = 'governance'", [shared.name])  # fmt: skip
    with pytest.raises(Unreachable, match="database: "):
        asyncio.run(get_db().get_identity("nobody"))

    assert asyncio.run(get_db().get_identity("nobody")) is None


def test_a_database_that_is_behind_is_refused(empty_database, shared, monkeypatch):
    """Not half served."""
    monkeypatch.setenv("DB_POSTGRES_URL", empty_database.app)
    with pytest.raises(Exception, match="governance"):
        asyncio.run(init_db())


def test_without_postgres_it_says_so(monkeypatch, shared):
    """In bounded time, to everybody who asked."""
    monkeypatch.setattr("apps.governance.data.store.OPEN_SECONDS", 1.0)
    monkeypatch.setenv("DB_POSTGRES_URL", "postgresql://governance@127.0.0.1:1/governance")

    async def work():
        asked = (get_db().get_identity("lumen"), get_db().get_identity("ember"))
        return await asyncio.gather(*asked, return_exceptions=True)

    began = time.monotonic()
    said = asyncio.run(work())

    assert {type(error) for error in said} == {Unreachable}
    assert "127.0.0.1:1/governance: no answer" in str(said[0])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"DB_POSTGRES_URL": None}, "DB_POSTGRES_URL: is not set"),
        ({"DB_BACKEND": "sqlite"}, "DB_BACKEND: unknown setting"),
        ({"DB_AGE_GRAPH": "knowledge"}, "DB_AGE_GRAPH: no such graph"),
        ({"DB_POSTGRES_MAX_CONN": "many"}, "DB_POSTGRES_MAX_CONN: "),
        ({"DB_POSTGRES_URL": "sqlite:///governance.db"}, "DB_POSTGRES_URL: "),
    ],
)
def test_what_it_is_told_wrongly_is_refused_by_name(shared, monkeypatch, change, said):
    """At get_db, before anything is connected."""
    for name, value in change.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(Refused, match=said):
        get_db()


def test_a_script_that_forgets_to_close_ends(shared):
    """Quietly, and what it did is there."""
    script = (
        "import asyncio; from apps.governance.data import get_db;"
        "print(asyncio.run(get_db().upsert_identity('lumen')).agent_id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True
    )

    assert (done.stdout, done.stderr) == ("lumen\n", "")
