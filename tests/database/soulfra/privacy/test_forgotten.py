"""Somebody is forgotten: no byte of theirs is left; the log and all others are as they were."""

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from apps.postgres import PostgresSettings, pool
from apps.soulfra.privacy.forgetting import Forgetting, forgotten
from apps.soulfra.privacy.memories import Memories
from apps.soulfra.rebuild import rebuild
from schemas.errors import Refused
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

    done, failed, report = run(forgets(people, ADA, redis=away))
    assert (done, failed) == (0, 1)
    assert report["finished_at"] is None
    assert asking("SELECT wrapped FROM privacy.subjects WHERE user_id = %s", ADA) == [(None,)]

    async def back(_):
        return []

    done, failed, report = run(swept(people, ADA, redis=back))
    assert (done, failed) == (1, 0)


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
