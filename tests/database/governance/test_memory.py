"""What the writer remembers of an agent never outlives what Postgres says."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest

from apps.bridge.refusals import Conflict
from apps.governance import writer as room
from apps.governance.report import report
from schemas.bridge import Action, CheckIn
from schemas.errors import HouseError

CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}


def said(seq, agent="lumen", boot="boot-0001"):
    """A check-in with its key; without one if ``boot`` is None."""
    key = {} if boot is None else {"boot_id": boot, "seq": seq}
    return report(agent, CheckIn.model_validate({"anima": CALM} | key), datetime.now(UTC))


@pytest.fixture
def asked(monkeypatch):
    """How many check-ins Postgres was asked about, one number a batch."""
    told = []
    questions = room.Batch.questions

    def counted(batch):
        found = questions(batch)
        told.append(len(found))
        return found

    monkeypatch.setattr(room.Batch, "questions", counted)
    return told


def spoken(living, database, folder, *steps):
    """The answers, one after the other; a step that is no check-in is done between."""

    async def run():
        answers = []
        async with living(database, folder) as (made, *_):
            for step in steps:
                if callable(step):
                    await asyncio.to_thread(step)
                    continue
                try:
                    answers.append(await made.handle(step))
                except HouseError as error:
                    answers.append(error)
        return answers

    return asyncio.run(run())


def states(database):
    """Keys, whether late, in the order they came."""
    with psycopg.connect(database.admin) as conn:
        return conn.execute("SELECT seq, late FROM core.agent_state ORDER BY state_id").fetchall()


def does(database, sql):
    """What somebody else does meanwhile."""

    def do():
        with psycopg.connect(database.admin) as conn:
            conn.execute(sql)

    return do


def test_an_agent_that_goes_on_is_not_asked_about(living, governance_database, tmp_path, asked):
    """Its state is the one that the last answer left, and so is what follows from it."""
    steps = [said(seq) for seq in range(5)]
    told = spoken(living, governance_database, tmp_path, *steps)

    assert asked == [1, 0, 0, 0, 0]
    with psycopg.connect(governance_database.admin) as conn:
        rows = conn.execute("SELECT void FROM core.agent_state ORDER BY state_id").fetchall()
    assert [row[0] for row in rows] == [answer.eisv.V for answer in told]
    assert len({answer.eisv.V for answer in told}) == 5


@pytest.mark.parametrize(
    ("then", "late"),
    [((3, "boot-0001"), False), ((1, "boot-0001"), True),
     ((2, "boot-0002"), False), ((0, None), False)],
    ids=["next", "late", "another boot", "no key"],
)  # fmt: skip
def test_whatever_comes_is_late_only_if_it_is(living, governance_database, tmp_path, then, late):
    """A lower seq of the boot that is remembered is asked about."""
    seq, boot = then
    spoken(living, governance_database, tmp_path, said(2), said(seq, boot=boot))

    assert [is_late for _, is_late in states(governance_database)] == [False, late]


def test_a_repeat_is_never_taken_for_news(living, governance_database, tmp_path):
    """Whatever came in between, of that boot or of another."""
    told = spoken(
        living, governance_database, tmp_path,
        said(1), said(2), said(1, boot="boot-0002"), said(5), said(1), said(2), said(5),
        said(1, boot="boot-0002"),
    )  # fmt: skip

    assert [answer.repeated for answer in told] == [False] * 4 + [True] * 4
    assert len(states(governance_database)) == 4


def test_what_an_operator_does_holds_from_the_next_check_in(living, governance_database, tmp_path):
    """A pause by hand, and its end."""
    pause = does(governance_database, "UPDATE core.identities SET status = 'paused'")
    free = does(governance_database, "UPDATE core.identities SET status = 'active'")
    told = spoken(
        living, governance_database, tmp_path, said(1), pause, said(2), said(3), free, said(4)
    )

    assert [answer.action for answer in told] == [
        Action.PROCEED, Action.PAUSE, Action.PAUSE, Action.PROCEED,
    ]  # fmt: skip


def test_another_writer_is_noticed(living, governance_database, tmp_path):
    """Its row is stepped from, and its key is taken."""
    columns = (
        "identity_id, boot_id, body_sha256, recorded_at, received_at, late, energy, integrity,"
        " entropy, coherence, regime, health, risk, action, margin, nearest_edge, reason,"
        " warmth, clarity, stability, presence, state_json"
    )
    other = does(
        governance_database,
        f"INSERT INTO core.agent_state (seq, void, {columns})"
        f" SELECT 2, -0.1, {columns} FROM core.agent_state WHERE seq = 1",
    )
    told = spoken(living, governance_database, tmp_path, said(1), other, said(4), said(2))

    assert [seq for seq, _ in states(governance_database)] == [1, 2, 4]
    assert told[1].eisv.V < -0.09
    assert isinstance(told[2], Conflict)


def test_a_row_that_fails_leaves_no_memory_of_itself(living, governance_database, tmp_path):
    """What was not committed is not gone on from."""
    refuse = does(
        governance_database,
        "ALTER TABLE core.agent_state ADD CONSTRAINT odd CHECK (seq <> 2) NOT VALID",
    )
    told = spoken(living, governance_database, tmp_path, said(1), refuse, said(2), said(3), said(4))

    assert isinstance(told[1], HouseError)
    assert [seq for seq, _ in states(governance_database)] == [1, 3, 4]
    assert told[2].eisv.V > told[3].eisv.V


def test_whoever_was_not_heard_for_longest_is_forgotten_first(monkeypatch):
    """The memory has an end."""
    monkeypatch.setattr("apps.governance.memory.LIMIT", 2)
    memory = room.Memory()
    for agent in ("a", "b", "a", "c"):
        memory.learn(agent, agent)

    assert sorted(memory._stood) == ["a", "c"]


def test_what_is_asked_of_an_agent_counts_for_its_whole_batch(
    living, governance_database, tmp_path, asked
):
    """A pause that one report of a batch hears of holds for the next, which was remembered.

    It is asked for at once, and not only when the batch cannot be written.
    """
    pause = does(governance_database, "UPDATE core.identities SET status = 'paused'")

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1))
            await asyncio.to_thread(pause)
            both = made.handle(said(1, boot="boot-0002")), made.handle(said(2))
            return await asyncio.gather(*both)

    assert [answer.action for answer in asyncio.run(run())] == [Action.PAUSE, Action.PAUSE]
    assert asked == [1, 2]
