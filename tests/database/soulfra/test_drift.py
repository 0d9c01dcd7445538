"""Drift, counted by a follower: the same in whatever batches; read without a scan."""

import json
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.migrate.catalog import difference
from apps.soulfra import drift, recount
from apps.soulfra.log import PAGE
from schemas.errors import Diverged
from schemas.soulfra import commands as c
from schemas.soulfra.drift import HALF_LIFE_SECONDS, distance
from tests.database.soulfra.conftest import played, writing
from tests.database.soulfra.test_doors import Process
from tests.database.soulfra.test_rebuild import catalog
from tests.database.soulfra.test_writer import beginning
from tests.soulfra.play import Play

ROWS = (
    "SELECT entity, id, level, shifts, shifted_at FROM drift.ratings ORDER BY 1, 2",
    "SELECT level, agents, loops, shifts, shifted_at FROM drift.volatility",
    "SELECT transaction_id, position, taken FROM log.followers WHERE follower = 'drift'",
)
FORGOTTEN = """
DELETE FROM drift.ratings;
UPDATE drift.volatility SET level = NULL, agents = 0, loops = 0, shifts = 0, shifted_at = NULL;
DELETE FROM log.followers WHERE follower = 'drift';
"""


async def connected(database, role="app"):
    """One connection, each statement by itself."""
    return await psycopg.AsyncConnection.connect(
        getattr(database, role), autocommit=True, options="-c timezone=UTC"
    )


def test_any_batches_and_restarts_come_to_what_one_count_comes_to(run, lived, ask):
    """Float by float, for whatever sizes; each batch on a connection of its own."""

    async def count(sizes):
        async with await connected(lived, "owner") as owner:
            await owner.execute(FORGOTTEN)
        for size in [*sizes, *[PAGE] * 9]:
            async with await connected(lived) as conn:
                await drift.counted(conn, size)

    async def anew():
        async with await connected(lived, "owner") as conn:
            return await recount.anew(conn)

    assert run(anew()) == ask("SELECT count(*) FROM log.events")[0][0]
    whole = [ask(query) for query in ROWS]
    assert len(whole[0]) > 20

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.integers(1, 200), max_size=8))
    def as_cut(sizes):
        run(count(sizes))
        assert [ask(query) for query in ROWS] == whole

    as_cut()


def test_what_is_counted_is_what_the_log_says(run, lived, ask):
    """By another way: a sum over the rows of the log itself."""

    async def told():
        async with await connected(lived) as conn:
            while await drift.counted(conn):
                pass
            return await drift.told(conn, now), await drift.told_of(conn, *whose, now)

    now = datetime.now(UTC)
    sums, living = {}, set()
    per_day = drift.PER_DAY
    for stream, kind, data, at in ask(
        "SELECT stream, type, data, recorded_at FROM log.events ORDER BY transaction_id, position"
    ):
        if kind in {"agent_registered", "loop_created", "loop_forked"}:
            living.add(stream)
        elif kind == "loop_dissolved":
            living.discard(stream)
        elif kind == "tone_shifted":
            far = distance(data["before"], data["after"])
            decayed = far * 0.5 ** ((now - at) / timedelta(seconds=HALF_LIFE_SECONDS))
            sums[stream] = sums.get(stream, 0) + decayed * per_day
    fastest = max(living, key=lambda stream: sums.get(stream, 0))
    whose = tuple(fastest.split(":"))
    found, one = run(told())

    assert found.agents + found.loops == len(living)
    assert found.index == pytest.approx(sum(sums.values()) / len(living))
    critical = {each: total for each, total in sums.items() if total >= 1 and each in living}
    assert {f"{e.entity}:{e.id}": e.rating for e in found.critical} == pytest.approx(critical)
    assert critical
    assert [e.rating for e in found.critical] == sorted(
        (e.rating for e in found.critical), reverse=True
    )
    assert one.rating == pytest.approx(sums[fastest])


def test_the_critical_set_is_read_by_its_index(run, soulfra_database, ask):
    """Of 50,000 that drift, a few do too fast; nothing is sorted, nothing is scanned."""
    with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO drift.ratings SELECT 'loop', 'l' || n, n / 1000.0, 1, now()"
            " FROM generate_series(1, 50000) AS n"
        )
        conn.execute("ANALYZE drift.ratings")
        plan = conn.execute(
            "EXPLAIN (FORMAT json) " + drift.SQL["critical"], {"level": 49.95, "limit": 1001}
        ).fetchone()[0]
    said = json.dumps(plan)

    assert "ratings_level_idx" in said
    assert "Seq Scan" not in said


def test_a_loop_that_ended_drifts_no_more(run, soulfra_database, ask):
    """It is counted among the living no more; what it did to all together decays there."""

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            await writer.give(c.Whisper(loop_id="rain", agent_id="oracle", text="x", tone="joy"))
            await writer.give(c.ShiftLoopTone(loop_id="rain", tone="grief"))
            async with await connected(soulfra_database) as conn:
                await drift.counted(conn)
                before = await drift.told(conn)
                await writer.give(c.DissolveLoop(loop_id="rain"))
                await drift.counted(conn)
                return before, await drift.told(conn)

    before, after = run(play())
    assert (before.agents, before.loops, after.loops) == (1, 1, 0)
    assert after.index > before.index * 1.9
    assert ask("SELECT count(*) FROM drift.ratings") == [(0,)]


def test_what_is_told_is_of_one_moment(run, lived):
    """The critical set and each rating in it are of the instant of the index."""

    async def told():
        async with await connected(lived) as conn:
            while await drift.counted(conn):
                pass
            whole = await drift.told(conn)
            return whole, [
                await drift.told_of(conn, each.entity, each.id, whole.at) for each in whole.critical
            ]

    whole, ratings = run(told())
    assert list(whole.critical) == ratings
    assert ratings


@pytest.fixture
def soulfra(soulfra_database, tmp_path):
    """A running process."""
    made = Process(tmp_path, soulfra_database).ready()
    yield made
    made.end()


def test_drift_is_told_over_http_and_kept_up_by_the_process(soulfra):
    """Of all, of one; of one that never shifted; and what is no name of one."""
    user = soulfra.give("register-user", username="ada", email="ada@x.org")["id"]
    for name in ("oracle", "calm-one"):
        soulfra.give("register-agent", agent_id=name, user_id=user, archetype="oracle")
    for tone in ("joy", "grief", "joy"):
        soulfra.give("shift-agent-tone", agent_id="oracle", tone=tone)

    until = time.monotonic() + 15
    while soulfra.ask("GET", "/soulfra/v1/drift/agent:oracle")[1]["shifts"] < 3:
        assert time.monotonic() < until
        time.sleep(0.1)
    _, whole = soulfra.ask("GET", "/soulfra/v1/drift")
    _, one = soulfra.ask("GET", "/soulfra/v1/drift/agent:oracle")
    _, calm = soulfra.ask("GET", "/soulfra/v1/drift/agent:calm-one")
    wrong = [
        soulfra.ask("GET", f"/soulfra/v1/drift/{name}")[0]
        for name in ("agent:nobody", "user:x", "oracle", "agent:", "loop:a%2Fb")
    ]

    assert whole["index"] == pytest.approx(one["rating"] / 2, rel=1e-3)
    assert [each["id"] for each in whole["critical"]] == ["oracle"]
    assert (calm["rating"], calm["critical"], calm["shifted_at"]) == (0, False, None)
    assert wrong == [404, 422, 422, 422, 422]
    assert soulfra.ask("GET", "/health")[1]["tasks"]["drift"]["failed"] == 0


def test_the_follower_goes_on_where_it_was_killed(run, soulfra_database, ask):
    """Half a batch leaves nothing; the next count is what it would have been."""

    async def play():
        async with writing(soulfra_database) as writer:
            await played(writer, Play(4), 150)
        async with await connected(soulfra_database) as conn:
            await drift.counted(conn, 40)
            real = conn.execute

            async def dies(query, *values):
                if query == drift.SQL["put_ratings"]:
                    raise OSError("killed")
                return await real(query, *values)

            conn.execute = dies
            with pytest.raises(OSError, match="killed"):
                await drift.counted(conn)
        async with await connected(soulfra_database) as conn:
            while await drift.counted(conn):
                pass

    run(play())
    counted = [ask(query) for query in ROWS]

    async def anew():
        async with await connected(soulfra_database, "owner") as conn:
            await recount.anew(conn)

    run(anew())
    assert [ask(query) for query in ROWS] == counted


def test_what_is_counted_anew_takes_the_place_of_what_was(run, lived, ask):
    """Catalog and rights are as before; two do not count at once; a killed one is no harm."""
    was = catalog(lived)

    async def anew():
        async with await connected(lived, "owner") as conn:
            await recount.anew(conn)

    async def killed():
        async with await connected(lived, "owner") as conn:
            await conn.execute(recount.SQL["make"])
            await drift.counted(conn, 40, recount.ANEW)

    async def two():
        async with await connected(lived, "owner") as other:
            await other.execute(recount.SQL["hold"])
            with pytest.raises(Diverged, match="somebody else counts"):
                await anew()

    run(anew())
    counted = [ask(query) for query in ROWS]
    run(killed())
    run(two())
    run(anew())

    assert [ask(query) for query in ROWS] == counted
    assert difference(was, catalog(lived)) == []
    assert ask("SELECT count(*) FROM log.followers WHERE follower = 'drift_anew'") == [(0,)]


def test_an_event_that_cannot_be_read_leaves_nothing_of_a_count_anew(run, lived, ask, monkeypatch):
    """What was counted is told as before."""
    before = [ask(query) for query in ROWS]

    def unknown(*_):
        raise Diverged("no such event")

    async def anew():
        async with await connected(lived, "owner") as conn:
            with pytest.raises(Diverged, match="no such event"):
                await recount.anew(conn)

    monkeypatch.setattr(drift, "taken", unknown)
    run(anew())
    assert [ask(query) for query in ROWS] == before
    assert ask("SELECT to_regnamespace('drift_anew')") == [(None,)]
    assert ask("SELECT count(*) FROM log.followers WHERE follower = 'drift_anew'") == [(0,)]
