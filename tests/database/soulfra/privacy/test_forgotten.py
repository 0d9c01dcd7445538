"""Somebody is forgotten: no byte of theirs is left; the log and all others are as they were."""

import asyncio
import os
import signal
import subprocess
import sys
from uuid import UUID

import psycopg
import pytest

from apps.postgres import PostgresSettings, pool
from apps.soulfra.privacy.forgetting import Forgetting, Touched, forgotten
from apps.soulfra.privacy.memories import Memories
from apps.soulfra.rebuild import rebuild
from schemas.errors import Refused, Unreachable
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import said, writing
from tests.database.soulfra.privacy.conftest import ADA, EVE, GUILD, MARKS, PHONE, remembering

TEXTS = [*MARKS.values(), PHONE, PHONE.replace(" ", "")]
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_catalog.pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


def copied(ask):
    """Every row of every table, as COPY writes it."""
    with psycopg.connect(ask.dsn) as conn:
        parts = []
        for (table,) in conn.execute(TABLES).fetchall():
            with conn.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as out:
                parts += [bytes(each) for each in out]
    return b"".join(parts)


def of_files(folder):
    """Every byte below it."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def there(where, texts=TEXTS):
    """Those that are in it."""
    return [text for text in texts if text.encode() in where]


@pytest.fixture
def asking(ask, soulfra_database):
    """``ask``, which knows where it asks."""

    def asks(query, *values):
        return ask(query, *values)

    asks.dsn = soulfra_database.admin
    return asks


async def forgets(database, user_id, **elsewhere):
    """As the process does it: the command, then everywhere; what was done in each place."""
    async with writing(database) as writer:
        await writer.give(c.ForgetUser(user_id=user_id))
    return await swept(database, user_id, **elsewhere)


async def swept(database, user_id, **elsewhere):
    """One sweep."""
    settings = PostgresSettings(url=database.app, min_conn=1, max_conn=3)
    async with pool(settings, "soulfra") as store:
        forgetting = Forgetting(store, elsewhere)
        done = await forgetting.sweep()
        async with store.connection() as conn:
            return done, forgetting.failed, await forgotten(conn, user_id)


def test_nothing_is_left_of_whoever_is_forgotten(run, people, asking, memories, server):
    """A scan of dump, rows, data directory, WAL and memory files; each finds what there is."""
    [(before,)] = asking("SELECT wrapped FROM privacy.subjects WHERE user_id = %s", ADA)
    [(eves,)] = asking("SELECT wrapped FROM privacy.subjects WHERE user_id = %s", EVE)
    memory = of_files(memories / "a-ada")
    counted = sum(path.is_file() for path in (memories / "a-ada").rglob("*"))
    assert said(asking, "loop", "ada-rain", "whisper_origin").startswith(MARKS["whisper"])
    assert bytes(before) in server.files(asking, wal=False)
    assert there(memory) == []

    with psycopg.connect(people.admin, autocommit=True) as conn:
        conn.execute("ANALYZE")
    done, failed, report = run(forgets(people, ADA, memories=Memories(memories)))

    assert (done, failed) == (1, 0)
    rows, dump = copied(asking), server.dump()
    files, wal = server.files(asking, wal=False), server.files(asking, wal=True)
    kept = of_files(memories)
    for where in (rows, dump, files, wal, kept):
        assert there(where) == []
    # The scans see what there is.
    for where in (rows, dump, files, wal):
        assert there(where, [GUILD]) == [GUILD]
    assert bytes(before) not in files
    assert bytes(eves) in files
    assert memory[:100] not in kept
    assert counted >= 3
    places = {each["place"]: (each["count"], each["how"]) for each in report["places"]}
    assert {place: said for place, said in places.items() if "memory" not in place
            and "/" not in place} == {
        "privacy.subjects.wrapped": (1, "destroyed"),
        "soulfra.users.username": (1, "rewritten"),
        "soulfra.users.email": (1, "rewritten"),
        "soulfra.loops.whisper_origin": (2, "rewritten"),
        "soulfra.prophecies.prophecy_text": (1, "rewritten"),
        "soulfra.pii_tokens": (6, "removed"),
        "soulfra.agents.archetype": (1, "unreadable"),
        "log.events.data": (6, "unreadable"),
    }  # fmt: skip
    assert sum(each["store"] == "memories" for each in report["places"]) == counted
    assert report["finished_at"] is not None


def test_the_log_still_verifies_and_a_replay_is_what_lives(run, people, asking):
    """Before the rebuild and after it; others are read as before."""
    run(forgets(people, ADA))
    with psycopg.connect(people.owner, autocommit=True, options="-c timezone=UTC") as owner:
        assert owner.execute("SELECT * FROM log.verify(NULL)").fetchall() == []
        assert rebuild(owner).differing == ()
        assert owner.execute("SELECT * FROM log.verify(NULL)").fetchall() == []
    with psycopg.connect(people.reader) as reader:
        assert reader.execute("SELECT * FROM log.verify(NULL)").fetchall() == []

    assert there(copied(asking)) == []
    assert said(asking, "user", str(EVE), "username") == "eve"
    assert said(asking, "loop", "eve-rain", "whisper_origin").startswith("eve: write")


def test_forgotten_once_is_forgotten(run, people, asking):
    """Again is the same; nothing more is heard of them, and their name is free."""
    first = run(forgets(people, ADA))
    again = run(forgets(people, ADA))
    count = "SELECT count(*) FROM log.events WHERE type = 'user_forgotten'"
    bodies = [
        c.Whisper(agent_id="a-ada", text="x"),
        c.Fork(parent="eve-rain", agent_id="a-ada"),
        c.Prophesy(agent_id="a-ada", text="x"),
        c.RegisterAgent(agent_id="other", user_id=ADA, archetype="x"),
    ]

    async def play():
        refused = []
        async with writing(people) as writer:
            for body in bodies:
                try:
                    await writer.give(body)
                except Refused as error:
                    refused.append(str(error))
            await writer.give(c.RegisterUser(username=MARKS["username"], email=MARKS["email"]))
        return refused

    assert (first[0], again[0]) == (1, 0)
    assert first[2] == again[2]
    assert asking(count) == [(1,)]
    assert run(play()) == [f"user '{ADA}': is forgotten"] * len(bodies)
    # A blessing of a loop that stays is still paid for.
    assert asking("SELECT emotional_credits FROM soulfra.users WHERE id = %s", ADA) == [(1001,)]


def test_whatever_is_said_meanwhile_is_forgotten_or_refused(run, people, asking):
    """Two processes: one hears whispers and prophecies while the other is asked to forget."""

    async def hear(writer, n):
        body = (
            c.Whisper(agent_id="a-ada", text="a@x.org", unsigned=n % 2 == 0)
            if n % 3
            else c.Prophesy(agent_id="a-ada", text="a@x.org")
        )
        try:
            await writer.give(body)
        except Refused as error:
            return str(error)
        return None

    async def play():
        async with writing(people) as one, writing(people) as other:
            begun, forgotten_yet = asyncio.Event(), asyncio.Event()

            async def speak():
                said, after = [], 3
                while after:
                    after -= forgotten_yet.is_set()
                    said.append(await hear(one, len(said)))
                    if len(said) > 1:
                        begun.set()
                    await asyncio.sleep(0.01)
                return said

            async def forget():
                await begun.wait()
                while True:
                    try:
                        await other.give(c.ForgetUser(user_id=ADA))
                        return forgotten_yet.set()
                    except Unreachable:  # the others were faster
                        continue

            *heard, _ = await asyncio.gather(*(speak() for _ in range(4)), forget())
            return [each for said in heard for each in said]

    heard = run(play())
    refused = [each for each in heard if each]
    assert set(refused) == {f"user '{ADA}': is forgotten"}
    assert 0 < len(refused) < len(heard)
    left = asking(
        "SELECT count(l.whisper_origin), (SELECT count(*) FROM soulfra.prophecies AS p"
        " WHERE p.author_agent = 'a-ada' AND p.prophecy_text <> 'forgotten'),"
        " (SELECT count(*) FROM soulfra.pii_tokens AS t WHERE t.user_id = %s)"
        " FROM soulfra.loops AS l LEFT JOIN soulfra.loop_owners AS o ON o.loop_id = l.loop_id"
        " WHERE coalesce(l.creator_id, o.creator_id) = %s", ADA, ADA,
    )  # fmt: skip
    assert left == [(0, 0, 0)]
    with psycopg.connect(people.owner, autocommit=True, options="-c timezone=UTC") as owner:
        assert rebuild(owner).differing == ()


def test_a_key_is_never_changed_for_another(people, asking):
    """Not by the process, not for whoever was forgotten."""
    with (
        psycopg.connect(people.app) as conn,
        pytest.raises(psycopg.errors.RestrictViolation, match="another key"),
    ):
        conn.execute("UPDATE privacy.subjects SET wrapped = %s", (b"\0" * 60,))


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from apps.postgres import PostgresSettings, pool
from apps.soulfra.privacy.forgetting import Forgetting, Touched

async def main(url, folder, step):
    async def first(of):
        with open(Path(folder) / "first", "a") as file:
            file.write(f"{of.agents} {of.loops}\\n")
        if step == "within":
            os.kill(os.getpid(), signal.SIGKILL)
        return [Touched("first", len(of.loops), "removed")]

    async def second(of):
        os.kill(os.getpid(), signal.SIGKILL)

    async with pool(PostgresSettings(url=url, min_conn=1, max_conn=3), "soulfra") as store:
        await Forgetting(store, {"first": first, "second": second}).sweep()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("step", ["within", "between"])
def test_killed_between_two_places_it_goes_on(run, people, asking, tmp_path, step):
    """A place that was noted is not asked again, one that was not is; the report says both."""

    async def command():
        async with writing(people) as writer:
            await writer.give(c.ForgetUser(user_id=ADA))

    run(command())
    path = os.pathsep.join(sys.path)
    died = subprocess.run(
        [sys.executable, "-c", KILLED, people.app, str(tmp_path), step],
        check=False, timeout=30, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip

    async def first(of):
        with (tmp_path / "first").open("a") as file:
            file.write(f"{of.agents} {of.loops}\n")
        return []

    async def second(_):
        return []

    assert died.returncode == -signal.SIGKILL
    assert asking("SELECT finished_at FROM privacy.subjects WHERE user_id = %s", ADA) == [(None,)]
    done, failed, report = run(swept(people, ADA, first=first, second=second))
    assert (done, failed) == (1, 0)
    assert report["finished_at"] is not None
    lines = (tmp_path / "first").read_text().splitlines()
    assert lines == ["('a-ada',) ('ada-fork', 'ada-hail', 'ada-rain')"] * (1 + (step == "within"))
    kept = [each["count"] for each in report["places"] if each["store"] == "first"]
    assert kept == ([3] if step == "between" else [])


def test_a_place_that_fails_is_tried_again(run, people, asking):
    """Counted, not finished; the key is gone all the same."""

    async def away(_):
        raise ConnectionError("redis: is away")

    async def near(_):
        return [Touched("near", 1, "removed")]

    done, failed, report = run(forgets(people, ADA, redis=away, near=near))
    assert (done, failed) == (0, 1)
    assert "near" in {each["place"] for each in report["places"]}
    assert report["finished_at"] is None
    assert asking("SELECT wrapped FROM privacy.subjects WHERE user_id = %s", ADA) == [(None,)]

    async def back(_):
        return []

    done, failed, report = run(swept(people, ADA, redis=back, near=near))
    assert (done, failed) == (1, 0)


@pytest.fixture
def said_by_us(monkeypatch):
    """Every statement of this process."""
    said, execute = [], psycopg.AsyncConnection.execute

    async def noted(self, query, *values, **more):
        said.append(str(query))
        return await execute(self, query, *values, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)
    return said


def test_of_many_the_table_of_keys_is_written_anew_once(run, people, asking, said_by_us):
    """And then not at once again: who writes waits for it each time."""
    more = [UUID(int=n) for n in range(1, 4)]

    async def play():
        async with writing(people) as writer:
            for user in more:
                await writer.give(
                    c.RegisterUser(user_id=user, username=f"{user}", email=f"{user}@x")
                )
                await writer.give(c.ForgetUser(user_id=user))
            settings = PostgresSettings(url=people.app, min_conn=1, max_conn=3)
            async with pool(settings, "soulfra") as store:
                forgetting = Forgetting(store, {})
                done = [await forgetting.sweep()]
                await writer.give(c.ForgetUser(user_id=ADA))
                forgetting.rests_until += 5
                done.append(await forgetting.sweep())
                forgetting.rests_until = 0
                done.append(await forgetting.sweep())
                return done, forgetting.failed

    assert run(play()) == ([3, 0, 1], 0)
    assert sum("VACUUM (FULL)" in each for each in said_by_us) == 2
    assert asking("SELECT count(*) FROM privacy.subjects WHERE finished_at IS NULL"
                  " AND forgotten_at IS NOT NULL") == [(0,)]  # fmt: skip


def test_it_may_take_longer_than_a_statement_of_the_pool(run, people, monkeypatch):
    """Somebody reads the table meanwhile: it waits for them, with a timeout of its own."""
    monkeypatch.setattr("apps.postgres.STATEMENT_TIMEOUT_MS", 400)

    async def play():
        async with writing(people) as writer:
            await writer.give(c.ForgetUser(user_id=ADA))
        async with await psycopg.AsyncConnection.connect(people.app) as reader:
            await reader.execute("SELECT count(*) FROM privacy.subjects")
            sweeping = asyncio.create_task(swept(people, ADA))
            await asyncio.sleep(1)
            await reader.rollback()
            return await sweeping

    done, failed, report = run(play())
    assert (done, failed) == (1, 0)
    assert report["finished_at"] is not None


def test_a_memory_opens_with_what_follows_from_its_owners_key(run, people, memories, tmp_path):
    """And no more when that is destroyed: a file that was taken away before is unreadable."""
    handles = remembering(people, memories)
    with handles.using("a-ada") as file:
        assert [each.prompt for each in file.reflections()] == [MARKS["reflection"]]
    handles.close()
    run(forgets(people, ADA))

    with pytest.raises(Refused, match="its owner is forgotten"), handles.using("a-ada"):
        pass
    with handles.using("a-eve") as file:
        assert [each.prompt for each in file.reflections()] == ["eve"]
