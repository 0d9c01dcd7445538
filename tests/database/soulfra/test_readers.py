"""Whoever follows the log skips none and takes none twice, however writers overlap."""

import asyncio
import random

import psycopg
import pytest
from psycopg.types.json import Jsonb

from apps.soulfra.log import Place, follow, life, settled
from tests.database.soulfra.conftest import writing
from tests.database.soulfra.test_writer import ADA, beginning

ADD = """
SELECT log.append(jsonb_build_array(jsonb_build_object(
    'stream', %s::text, 'version', %s::bigint, 'type', 'loop_dissolved', 'schema_version', 1,
    'data', %s::jsonb, 'metadata', '{}'::jsonb)))
"""


async def connected(database, role="app"):
    """One connection, each statement by itself."""
    return await psycopg.AsyncConnection.connect(getattr(database, role), autocommit=True)


def test_a_late_commit_is_waited_for(run, soulfra_database):
    """It has the lower position, and commits after the higher one was there to be read."""

    async def play():
        late, quick, reader = [await connected(soulfra_database) for _ in range(3)]
        async with late.transaction():
            await late.execute(ADD, ("loop:late", 1, Jsonb({})))
            await quick.execute(ADD, ("loop:quick", 1, Jsonb({})))
            early = await settled(reader, Place())
        after = await settled(reader, Place())
        for conn in (late, quick, reader):
            await conn.close()
        return early, after

    early, after = run(play())
    assert early == []
    assert [each.stream for each in after] == ["loop:late", "loop:quick"]


def test_events_come_first_in_a_transaction(run, soulfra_database):
    """Else a life could go on in a transaction that readers have passed."""

    async def too_late(conn):
        async with conn.transaction():
            await conn.execute(
                "INSERT INTO log.followers (follower, transaction_id, position, taken)"
                " VALUES ('a', 0, 0, 0)"
            )
            await conn.execute(ADD, ("loop:a", 1, Jsonb({})))

    async def play():
        async with await connected(soulfra_database) as conn:
            with pytest.raises(psycopg.errors.ActiveSqlTransaction, match="something else before"):
                await too_late(conn)
            async with conn.transaction():
                await conn.execute(ADD, ("loop:a", 1, Jsonb({})))
                await conn.execute(ADD, ("loop:a", 2, Jsonb({})))
            return await settled(conn, Place())

    assert [each.version for each in run(play())] == [1, 2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sixty_four_writers_and_three_readers(run, soulfra_database, ask, seed):
    """Transactions of every length, some rolled back; the readers see all, once, in one order."""
    ended = asyncio.Event()

    async def write(n):
        chance = random.Random(seed * 1000 + n)
        async with await connected(soulfra_database, "owner") as conn:
            for life_ in range(4):
                async with conn.transaction() as whole:
                    for version in range(1, chance.randint(1, 4)):
                        await conn.execute(ADD, (f"loop:{n}.{life_}", version, Jsonb({})))
                        await asyncio.sleep(chance.random() * 0.02)
                    if chance.random() < 0.2:
                        raise psycopg.Rollback(whole)

    async def read(limit):
        seen = []
        async with await connected(soulfra_database) as conn:
            while True:
                over = ended.is_set()
                after = Place(*seen[-1][:2]) if seen else Place()
                found = await settled(conn, after, limit)
                seen += [(e.transaction_id, e.position, e.stream, e.version) for e in found]
                if over and not found:
                    return seen
                await asyncio.sleep(0.003)

    async def play():
        readers = [asyncio.create_task(read(limit)) for limit in (1, 7, 1000)]
        await asyncio.gather(*(write(n) for n in range(64)))
        ended.set()
        return await asyncio.gather(*readers)

    # The owner's connections are few: this is about the log, not about its limits.
    with psycopg.connect(soulfra_database.admin, autocommit=True) as conn:
        conn.execute("ALTER ROLE soulfra_owner CONNECTION LIMIT -1")
        try:
            first, *others = run(play())
        finally:
            conn.execute("ALTER ROLE soulfra_owner CONNECTION LIMIT 4")

    there = ask("SELECT stream, version FROM log.events")
    assert len(there) > 200
    assert all(other == first for other in others)
    assert sorted((stream, version) for _, _, stream, version in first) == sorted(there)
    latest = {}
    for _, _, stream, version in first:
        assert version == latest.get(stream, 0) + 1
        latest[stream] = version


def test_a_follower_moves_with_what_it_did(run, soulfra_database):
    """What fails is taken again, whole; two of one name share the work and take none twice."""
    taken = []

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
        one, other = [await connected(soulfra_database) for _ in range(2)]

        async def fails(_, events):
            raise ValueError(len(events))

        async def take(_, events):
            taken.extend(each.position for each in events)

        with pytest.raises(ValueError, match="3"):
            await follow(one, "mirror", fails)
        counts = await asyncio.gather(*(follow(conn, "mirror", take, 1) for conn in (one, other)))
        counts += [await follow(one, "mirror", take), await follow(one, "mirror", take)]
        for conn in (one, other):
            await conn.close()
        return counts

    assert run(play()) == [1, 1, 1, 0]
    assert taken == sorted(set(taken))
    assert len(taken) == 3


def test_a_life_is_told_up_to_an_instant(run, soulfra_database, ask):
    """In its order, each event in its newest shape."""

    async def play(until=None):
        async with await connected(soulfra_database) as conn:
            return [each async for each in life(conn, f"user:{ADA}", until)]

    async def begin():
        async with writing(soulfra_database) as writer:
            await beginning(writer)

    run(begin())
    [(at,)] = ask("SELECT min(recorded_at) FROM log.events")

    assert [each.type for each in run(play())] == ["user_registered", "credits_changed"]
    assert [each.version for each in run(play(at))] == [1, 2]
    assert run(play(at.replace(year=2000))) == []


def test_who_works_on_a_page_holds_nobody_else_who_follows(run, soulfra_database, ask):
    """Redis may be slow meanwhile, or the page long: the transaction has no number yet."""
    held = []

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
        async with await connected(soulfra_database) as conn:

            async def take(_, events):
                held.extend(ask(
                    "SELECT pid FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
                    " AND datname = current_database() AND backend_type = 'client backend'"
                ))  # fmt: skip

            assert await follow(conn, "mirror", take, 1) == 1
            assert await follow(conn, "mirror", take) == 2

    run(play())
    assert held == []
