"""Every line is one row, whatever happens to the follower and to the files meanwhile."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import to_json

from apps.governance.audit import event
from apps.governance.trail import read
from apps.governance.trail.files import listing
from apps.governance.trail.journal import Journal
from apps.governance.trail.keep import Keeper
from apps.governance.trail.line import seal
from apps.governance.trail.reindex import reindex
from apps.governance.trail.verify import known, verify
from schemas.errors import Diverged
from schemas.governance.audit import Trail


def bodies(count: int, **payload) -> list[bytes]:
    """Events as they come to the journal."""
    return [to_json(event("lumen", "x", {"n": n, **payload})) for n in range(count)]


def catch_up(follower, conn) -> None:
    """All there is."""
    while follower.step(conn):
        pass


def is_whole(ground) -> bool:
    """Whether nothing is wrong with files and rows."""
    with ground.connect() as conn:
        return verify(Trail.AUDIT_LOG, ground.path, known(conn, Trail.AUDIT_LOG)).is_whole


def test_a_follower_that_is_killed_anywhere_goes_on_there(ground, monkeypatch):
    """Before, within and after its transaction; over rotated and packed days. No row twice."""
    monkeypatch.setattr(read, "CHUNK_BYTES", 4_000)
    # From noon on, whatever hour it is now: as many days turn in every run.
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    chance, now = random.Random(7), [noon - timedelta(days=6)]
    journal = Journal(ground.path, lambda: now[0])
    with ground.connect() as conn:
        for _ in range(60):
            now[0] += timedelta(hours=chance.randrange(4))
            journal.write(bodies(chance.randrange(1, 30)))
            follower = ground.follower(journal)
            for _ in range(chance.randrange(3)):
                killed = chance.random() < 0.3
                with conn.transaction(force_rollback=killed):  # what it wrote is gone
                    follower.step(conn)
                if killed:
                    break
            follower.close()
            if chance.random() < 0.2:
                Keeper(ground.follower(journal)).run()
        last = ground.follower(journal)
        catch_up(last, conn)
        assert Keeper(last).run() is None

    days = [file.day for file in listing(ground.path)]
    assert len(days) > 3
    assert sum(file.is_packed for file in listing(ground.path)) == len(days) - 1
    assert ground.is_same()
    assert is_whole(ground)
    assert [day for (day,) in ground.rows("SELECT day FROM audit.anchors ORDER BY seq")] == days[
        :-1
    ]


def test_days_turn_while_many_write(ground):
    """Every answered line is in a file and is a row; the chain holds over all of them."""
    now, sent, over = [datetime.now(UTC)], [], []

    async def story():
        async with ground.trails() as trails:
            trails.audit.journal._now = lambda: now[0]

            async def writer(who: int) -> None:
                while not over:
                    await trails.audit.append([event(f"a{who}", "x", {})])
                    sent.append(who)

            async def written(more: int) -> None:
                upto = len(sent) + more
                while len(sent) < upto:  # noqa: ASYNC110  # time is what is tested
                    await asyncio.sleep(0.01)

            async def clock() -> None:
                for _ in range(6):
                    await written(40)
                    now[0] += timedelta(days=1)
                await written(40)
                over.append(True)

            await asyncio.gather(clock(), *(writer(who) for who in range(8)))

    asyncio.run(story())

    assert len(listing(ground.path)) == 7
    assert len(ground.lines()) == len(sent) + 1
    assert ground.is_same()
    assert is_whole(ground)


def test_only_what_is_on_the_disk_becomes_a_row(ground):
    """Bytes that were written and not synced may yet be gone."""
    journal = Journal(ground.path)
    journal.write(bodies(3))
    with ground.connect() as conn, ground.path.open("ab") as file:
        follower = ground.follower(journal)
        file.write(seal(bodies(1)[0], journal.tip)[0])
        file.flush()
        catch_up(follower, conn)

    assert len(ground.rows()) == 3


def test_a_line_that_cannot_be_a_row_stops_nobody(ground):
    """It is counted and told of; those before and after it are rows."""
    journal = Journal(ground.path)
    good = bodies(2)
    bad = [
        b'{"event_id":"no uuid"}',
        to_json(event(None, "x", {}) | {"recorded_at": "12000-01-01Z"}),
    ]
    journal.write([good[0], *bad, good[1]])
    with ground.connect() as conn:
        follower = ground.follower(journal)
        catch_up(follower, conn)

        assert (len(ground.rows()), follower.refused, follower.position.seq) == (2, 2, 4)
        assert "2 cannot be rows" in follower.odd


def test_two_followers_do_not_both_move(ground):
    """The second is told so, and writes nothing."""
    journal = Journal(ground.path)
    journal.write(bodies(3))
    with ground.connect() as conn:
        one, two = ground.follower(journal), ground.follower(journal)
        two.look(conn)
        catch_up(one, conn)
        with pytest.raises(Diverged, match="another process moves it"):
            two.step(conn)

    assert ground.is_same()


def test_the_index_is_made_anew_out_of_the_files(ground):
    """The same rows; what is past its time is left out; again it changes nothing."""
    now = [datetime.now(UTC) - timedelta(days=1)]
    journal = Journal(ground.path, lambda: now[0])
    old = to_json(event(None, "x", {}) | {"recorded_at": datetime.now(UTC) - timedelta(days=200)})
    journal.write([*bodies(40), old])
    now[0] += timedelta(days=1)
    journal.write(bodies(40))
    with ground.connect() as conn:
        follower = ground.follower(journal)
        catch_up(follower, conn)
        assert Keeper(follower).run() is None
        before = sorted(ground.rows())
        ground.rows("DELETE FROM audit.events RETURNING 1")
        seen = verify(Trail.AUDIT_LOG, ground.path, known(conn, Trail.AUDIT_LOG))
        assert [each.file for each in seen.findings] == ["audit.events"]
        first, again = (
            reindex(conn, Trail.AUDIT_LOG, ground.path, lambda _: None) for _ in range(2)
        )

    assert len(before) == 80
    assert sorted(ground.rows()) == before
    assert (first.lines, first.made, first.old, first.refused) == (81, 80, 1, 0)
    assert (again.made, again.old) == (0, 1)


def test_calls_of_tools_are_rows_too(ground):
    """With what went wrong; by the same follower."""

    async def story():
        async with ground.trails() as trails:
            trails.usage.note("identity", "lumen", 0.002)
            trails.usage.note("nonsense", None, 0.5, "NotFound")

    asyncio.run(story())

    query = "SELECT tool_name, agent_id, success, error_type FROM audit.tool_usage ORDER BY 1"
    assert ground.rows(query) == [
        ("identity", "lumen", True, None), ("nonsense", None, False, "NotFound"),
    ]  # fmt: skip


def test_a_broken_connection_is_made_anew(ground):
    """The index goes on; nothing is lost or there twice."""
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def story():
        async with ground.trails() as trails:
            for n in range(10):
                await trails.audit.append([event("lumen", "x", {"n": n})])
                if n % 3 == 0:
                    await asyncio.to_thread(ground.rows, kill)
            await trails.index.caught_up(10)
            return trails.audit.lag_lines, trails.audit.odd

    assert asyncio.run(story()) == (0, None)
    assert ground.is_same()


@pytest.mark.parametrize("file", [None, 99])
def test_lines_of_an_index_that_was_set_back_are_read_again(ground, file):
    """A database from a backup knows less than the files, also of a file that is gone."""
    journal = Journal(ground.path)
    with ground.connect() as conn:
        follower = ground.follower(journal)
        journal.write(bodies(5))
        catch_up(follower, conn)
        saved = ground.rows("SELECT to_jsonb(p) FROM audit.positions AS p")[0][0]
        journal.write(bodies(5))
        catch_up(follower, conn)
        ground.rows("DELETE FROM audit.events WHERE event_id IN"
                    " (SELECT event_id FROM audit.events ORDER BY recorded_at DESC LIMIT 5)"
                    " RETURNING 1")  # fmt: skip
        ground.rows(
            "UPDATE audit.positions AS p SET seq = q.seq, hash = q.hash, read_bytes = q.read_bytes,"
            f" first_seq = {file or 'q.first_seq'}"
            f" FROM jsonb_populate_record(NULL::audit.positions, '{json.dumps(saved)}') AS q"
            " WHERE p.trail = 'audit_log' RETURNING 1"
        )
        again = ground.follower(journal)
        catch_up(again, conn)

    assert ground.is_same()
    assert (again.odd, again.refused) == (None, 0)
