"""Commands become durable, once, whoever else writes and whatever breaks."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import psycopg
import pytest

from apps.soulfra.given import Done
from schemas.errors import HouseError, Refused, Unreachable
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import caught_up, played, said, writing
from tests.soulfra.play import Play

ADA, EVE = UUID(int=1), UUID(int=2)


APPEND = """
SELECT log.append(jsonb_build_array(jsonb_build_object(
    'stream', %s::text, 'version', %s::bigint, 'type', 'tone_shifted', 'schema_version', 1,
    'data', %s::jsonb, 'metadata', '{}'::jsonb)))
"""


async def beginning(writer):
    """Ada and her oracle."""
    await writer.give(c.RegisterUser(user_id=ADA, username="ada", email="ada@x.org"))
    await writer.give(c.RegisterAgent(agent_id="oracle", user_id=ADA, archetype="oracle"))


async def outcomes(of):
    """What each came to, at once."""
    return await asyncio.gather(*of, return_exceptions=True)


def test_what_follows_is_there_when_the_answer_is(run, soulfra_database, ask):
    """Rows of the core tables, in the transaction of the events."""

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            await writer.give(c.Whisper(loop_id="rain", agent_id="oracle", text="it rains"))
            await writer.give(c.Fork(loop_id="hail", parent="rain", agent_id="oracle", tone="fear"))
            await writer.give(c.RegisterUser(user_id=EVE, username="eve", email="eve@x.org"))
            await writer.give(c.RegisterAgent(agent_id="a-eve", user_id=EVE, archetype="owl"))
            await writer.give(c.OpenVoting(voting_id="v", loop_id="hail", agent_id="oracle"))
            for name in ("oracle", "a-eve"):
                for said in ({"consciousness_score": 0.25}, {"memory_depth": 7}):
                    await writer.give(c.MeasureAgent(agent_id=name, **said))
            await writer.give(c.MeasureLoop(loop_id="rain", consciousness={"depth": 0.5}))
            return await writer.give(c.CastVote(voting_id="v", agent_id="a-eve", approves=True))

    answer = run(play()).answer
    run(caught_up(soulfra_database))
    assert answer.told == {"status": "granted", "consensus_score": 1.0, "blessing_id": 1}
    assert said(ask, "loop", "rain", "whisper_origin") == "it rains"
    assert ask(
        "SELECT loop_id, whisper_origin LIKE 's1.%', emotional_tone, blessed, fork_parent,"
        " fork_depth, version FROM soulfra.loops ORDER BY fork_depth"
    ) == [
        ("rain", True, "neutral", False, None, 0, 2),
        ("hail", None, "fear", True, "rain", 1, 2),
    ]
    credits_of = "SELECT emotional_credits, version FROM soulfra.users ORDER BY id"
    assert ask(credits_of) == [(1007, 5), (1000, 2)]
    entries = "SELECT amount, cause FROM soulfra.credit_entries WHERE user_id = %s ORDER BY id"
    assert ask(entries, ADA) == [
        (1000, "welcome"), (-1, "whisper"), (-2, "fork"), (10, "blessed")]  # fmt: skip
    assert ask("SELECT change, loop_id, from_value FROM soulfra.transformations ORDER BY id") == [
        ("forked", "hail", "rain"), ("blessed", "hail", None)]  # fmt: skip
    assert ask("SELECT id, loop_id, blessing_type, metadata FROM soulfra.blessings") == [
        (1, "hail", "open", {"yes": 1, "no": 0})]  # fmt: skip
    measured = (
        "SELECT DISTINCT consciousness_score::float, memory_depth, version FROM soulfra.agents"
    )
    assert ask(measured) == [(0.25, 7, 3)]
    aware = "SELECT consciousness_state FROM soulfra.loops ORDER BY fork_depth"
    assert ask(aware) == [({"depth": 0.5},), ({},)]
    assert ask("SELECT count(*) FROM log.verify(NULL)") == [(0,)]


def test_the_same_command_at_once_is_done_once(run, soulfra_database, ask):
    """Thirty times, from two processes; something else under its id is refused."""
    same = uuid4()

    async def play():
        async with writing(soulfra_database) as one, writing(soulfra_database) as other:
            await beginning(one)
            body = c.Whisper(agent_id="oracle", text="it rains")
            given = [each.give(body, same) for each in (one, other) for _ in range(15)]
            done = await outcomes(given)
            return done, await outcomes([one.give(c.Whisper(agent_id="oracle", text="y"), same)])

    done, [else_] = run(play())
    assert len({each.answer.id for each in done}) == 1
    assert Counter(each.repeated for each in done) == {False: 1, True: 29}
    assert isinstance(else_, Refused)
    assert ask("SELECT count(*) FROM soulfra.loops") == [(1,)]
    assert ask("SELECT emotional_credits FROM soulfra.users") == [(999,)]


def test_a_poisoned_command_spoils_no_other(run, soulfra_database, ask):
    """A row that the database refuses, in the midst of a batch of good ones."""

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            good = [c.Whisper(agent_id="oracle", text=f"{n}") for n in range(20)]
            # Past the model, as a defect of ours would send it.
            guild = c.FoundGuild(guild_id="g", guild_name="g", agent_id="oracle")
            bad = guild.model_copy(update={"guild_name": "\0"})
            return await outcomes(map(writer.give, [*good[:10], bad, *good[10:]]))

    done = run(play())
    assert [isinstance(each, Done) for each in done] == [*[True] * 10, False, *[True] * 10]
    assert isinstance(done[10], HouseError)
    assert ask("SELECT count(*) FROM soulfra.loops") == [(20,)]


def test_a_stream_that_somebody_holds_keeps_no_other_back(run, soulfra_database, monkeypatch):
    """Whoever names it is told to come again; the others of the batch are done."""
    monkeypatch.setattr("apps.postgres.LOCK_TIMEOUT_MS", 100)
    monkeypatch.setattr("apps.soulfra.writer.TRIES", 2)

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            with psycopg.connect(soulfra_database.app) as held:
                held.execute(APPEND, ("agent:oracle", 2, '{"before": "neutral", "after": "joy"}'))
                shift = c.ShiftAgentTone(agent_id="oracle", tone="calm")
                good = [c.Whisper(agent_id="oracle", text=f"{n}") for n in range(6)]
                return await outcomes(map(writer.give, [*good[:3], shift, *good[3:]]))

    done = run(play())
    assert [isinstance(each, Done) for each in done] == [*[True] * 3, False, *[True] * 3]
    assert isinstance(done[3], Unreachable)


MEANWHILE = {
    "an agent of somebody who is forgotten": (
        c.RegisterAgent(agent_id="owl", user_id=ADA, archetype="owl"),
        c.ForgetUser(user_id=ADA),
        "is forgotten",
    ),
    "a fork of a loop that ended": (
        c.Fork(parent="rain", agent_id="oracle"), c.DissolveLoop(loop_id="rain"), "is dissolved"),
    "a voting on a loop that ended": (
        c.OpenVoting(loop_id="rain", agent_id="oracle"), c.DissolveLoop(loop_id="rain"),
        "is dissolved"),
    "a cluster of a loop that ended": (
        c.FormCluster(cluster_id="c", cluster_name="c", loops=("rain",)),
        c.DissolveLoop(loop_id="rain"), "is dissolved"),
}  # fmt: skip


@pytest.mark.parametrize("case", MEANWHILE)
def test_what_ends_between_the_look_and_the_commit_is_seen(run, soulfra_database, case):
    """Another process was faster: the command is decided anew, and refused."""
    body, ends, why = MEANWHILE[case]

    async def play():
        async with writing(soulfra_database) as one, writing(soulfra_database) as other:
            await beginning(other)
            await other.give(c.Whisper(loop_id="rain", agent_id="oracle", text="it rains"))
            look, looks = one._look, iter([ends])

            async def looked(conn, given):
                await look(conn, given)
                for each in looks:
                    await other.give(each)

            one._look = looked
            with pytest.raises(Refused, match=why):
                await one.give(body)
            return one.again

    assert run(play()) == 1


def test_two_processes_never_owe(run, soulfra_database, ask):
    """A balance of 5 pays five of sixty whispers, whoever of both is faster."""

    async def play():
        async with writing(soulfra_database) as one, writing(soulfra_database) as other:
            await beginning(one)
            await one.give(c.RegisterUser(user_id=UUID(int=2), username="eve", email="e@x.org"))
            for n in range(199):
                await one.give(c.Prophesy(agent_id="oracle", text=f"{n}"))
            given = [
                each.give(c.Whisper(agent_id="oracle", text=f"{n}"))
                for n in range(30)
                for each in (one, other)
            ]
            return await outcomes(given), one.again + other.again

    done, again = run(play())
    assert sum(isinstance(each, Done) for each in done) == 5
    assert {str(e)[:40] for e in done if not isinstance(e, Done)} == {
        "user '00000000-0000-0000-0000-0000000000"
    }
    assert ask("SELECT emotional_credits FROM soulfra.users ORDER BY id LIMIT 1") == [(0,)]
    assert ask("SELECT min(sum) FROM (SELECT sum(amount) OVER (PARTITION BY user_id ORDER BY id)"
               " FROM soulfra.credit_entries) AS s") == [(0,)]  # fmt: skip
    assert again >= 0


def test_a_defect_of_ours_leaves_nobody_waiting(run, soulfra_database, monkeypatch):
    """Each of a batch is told, and the next batch is done."""

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            with monkeypatch.context() as broken:
                broken.setattr("apps.soulfra.writer.decided", lambda *_: 1 / 0)
                done = await outcomes(
                    writer.give(c.Whisper(agent_id="oracle", text="x")) for _ in range(3)
                )
            return done, await writer.give(c.Whisper(agent_id="oracle", text="x"))

    done, after = run(play())
    assert [str(each) for each in done] == ["soulfra: ZeroDivisionError"] * 3
    assert after.answer.version == 1


def test_of_two_names_at_once_one_is_given(run, soulfra_database, ask):
    """From two processes, which do not see each other before they commit."""

    async def play():
        async with writing(soulfra_database) as one, writing(soulfra_database) as other:
            return await outcomes(
                each.give(c.RegisterUser(username="ada", email=f"{n}@x.org"))
                for n, each in enumerate((one, other))
            )

    done = run(play())
    assert sorted(isinstance(each, Done) for each in done) == [False, True]
    [refused] = [str(each) for each in done if not isinstance(each, Done)]
    assert refused == "username: 'ada' is somebody else's"
    [(user,)] = ask("SELECT id FROM soulfra.users")
    assert said(ask, "user", str(user), "username") == "ada"


def test_a_loop_of_a_new_month_is_taken(run, soulfra_database, ask):
    """The month is made when it is missed, and the command goes on."""
    month = ask("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")[0][0]
    with psycopg.connect(soulfra_database.owner) as owner:
        owner.execute(f"ALTER TABLE soulfra.loops DETACH PARTITION soulfra.loops_{month}")
        owner.execute(f"DROP TABLE soulfra.loops_{month}")

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            return await writer.give(c.Whisper(agent_id="oracle", text="first of the month"))

    assert run(play()).answer.version == 1
    assert ask(f"SELECT count(*) FROM soulfra.loops_{month}") == [(1,)]


def test_what_was_answered_survives_its_connections(run, soulfra_database, ask):
    """Every quarter of a second all of them are cut; a ledger outside tells what was answered."""
    told, unknown = {}, []

    async def cut(until):
        async with await psycopg.AsyncConnection.connect(
            soulfra_database.admin, autocommit=True
        ) as conn:
            loop = asyncio.get_running_loop()
            while loop.time() < until:
                await asyncio.sleep(0.25)
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = 'soulfra'"
                )

    async def give(writer, name, until):
        loop, n = asyncio.get_running_loop(), 0
        while loop.time() < until:
            n, command = n + 1, uuid4()
            try:
                tone = ("joy", "calm")[n % 2]
                done = await writer.give(c.ShiftAgentTone(agent_id=name, tone=tone), command)
                told[command] = done.answer.version
            except Unreachable:
                unknown.append(command)
                n = n + 1  # it may have been done

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            names = [f"agent-{n}" for n in range(8)]
            for name in names:
                await writer.give(c.RegisterAgent(agent_id=name, user_id=ADA, archetype="x"))
            until = asyncio.get_running_loop().time() + 4
            await asyncio.gather(cut(until), *(give(writer, name, until) for name in names))

    run(play())
    kept = dict(ask("SELECT command_id, (answer ->> 'version')::integer FROM log.commands"
                    " WHERE name = 'shift-agent-tone'"))  # fmt: skip

    assert len(told) > 100
    assert {command: kept.get(command) for command in told} == told
    assert kept.keys() - told.keys() <= set(unknown)
    assert ask("SELECT count(*) FROM log.events WHERE type = 'tone_shifted'") == [(len(kept),)]
    assert ask("SELECT count(*) FROM log.verify(NULL)") == [(0,)]


def test_a_postgres_that_is_silent_is_said_and_nothing_is_done(run, soulfra_database, ask):
    """Unreachable, after seconds; the same command later is done, once."""
    command, closed = uuid4(), f"ALTER DATABASE {soulfra_database.name} ALLOW_CONNECTIONS {{}}"

    async def play():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            body = c.Whisper(agent_id="oracle", text="x")
            async with await psycopg.AsyncConnection.connect(
                soulfra_database.admin, dbname="postgres", autocommit=True
            ) as conn:
                await conn.execute(
                    f"ALTER DATABASE {soulfra_database.name} ALLOW_CONNECTIONS false"
                )
                await conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND usename = 'soulfra'",
                    (soulfra_database.name,),
                )
                with pytest.raises(Unreachable, match="postgres: does not answer"):
                    await writer.give(body, command)
                await conn.execute(closed.format("true"))
            return [await writer.give(body, command) for _ in range(2)]

    first, second = run(play())
    assert (first.repeated, second.repeated) == (False, True)
    assert ask("SELECT count(*) FROM soulfra.loops") == [(1,)]


def test_many_players_at_once_leave_what_each_alone_would(run, soulfra_database, ask):
    """Eight players, three processes: their own things come out as one after the other would."""

    async def play():
        async with (
            writing(soulfra_database) as a, writing(soulfra_database) as b,
            writing(soulfra_database) as d,
        ):  # fmt: skip
            writers = (a, b, d)
            return await asyncio.gather(*(played(writers[n % 3], Play(n), 60) for n in range(8)))

    done = run(play())
    assert all(answers for answers, _ in done)
    assert ask("SELECT count(*) FROM log.verify(NULL)") == [(0,)]
    assert ask(
        "SELECT count(*) FROM soulfra.users AS u WHERE u.emotional_credits <> ("
        "SELECT sum(e.amount) FROM soulfra.credit_entries AS e WHERE e.user_id = u.id)"
    ) == [(0,)]
    answered = sum(len(answers) for answers, _ in done)
    assert ask("SELECT count(*) FROM log.commands") == [(answered,)]
