"""JSON documents are what Postgres is: whole, of one moment, made anew when touched."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import product

import psycopg
import pytest

from apps.soulfra import drift
from apps.soulfra.tree.check import check
from apps.soulfra.tree.keep import Keeper
from apps.soulfra.tree.look import WHOLE, looked
from apps.soulfra.tree.sealed import Altered, content, path_of, read, write
from schemas.soulfra import commands as c
from schemas.soulfra import documents as d
from tests.database.soulfra.conftest import caught_up, played, writing
from tests.database.soulfra.test_doors import Process
from tests.soulfra.play import Play


@pytest.fixture
def conn(soulfra_database):
    """As the process connects."""
    with psycopg.connect(
        soulfra_database.app, autocommit=True, options="-c timezone=UTC -c search_path=pg_catalog"
    ) as made:
        yield made


@pytest.fixture
def root(tmp_path):
    """A volume of its own."""
    return tmp_path / "volume"


def give(run, database, *bodies):
    """Commands, one after the other."""

    async def play():
        async with writing(database) as writer:
            return [await writer.give(body) for body in bodies]

    return run(play())


def more(run, database, seed, count=60):
    """Something happens."""

    async def play():
        async with writing(database) as writer:
            await played(writer, Play(seed), count)
        await caught_up(database)

    run(play())


def faults(conn, root):
    """What the check finds, by place."""
    return {each.place: each.fault for each in check(conn, root)}


def everything(root):
    """Each document's path and what it says."""
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*.json"))}


def test_every_document_is_what_postgres_says(run, lived, conn, root, ask):
    """Each file of the guide is there, and its rows are those of the tables."""
    one = "p1-agent-0"
    give(
        run, lived,
        c.Whisper(loop_id="of-theirs", agent_id=one, text="x"),
        c.FoundGuild(guild_id="theirs", guild_name="theirs", agent_id=one),
        c.OpenVoting(voting_id="t", loop_id="of-theirs", agent_id=one, guild_id="theirs"),
        c.CastVote(voting_id="t", agent_id=one, approves=True),
    )  # fmt: skip
    tree = Keeper(root).round(conn)

    for kind in (*WHOLE, d.Tree):
        assert read(path_of(root, kind), kind) is not None
    loops = read(path_of(root, d.LoopStates), d.LoopStates)
    assert sorted(loop.loop_id for loop in loops.loops) == [
        row[0] for row in ask("SELECT loop_id FROM soulfra.loops WHERE dissolved_at IS NULL"
                              ' ORDER BY loop_id COLLATE "C"')]  # fmt: skip
    queue = read(path_of(root, d.ExecutionQueue), d.ExecutionQueue)
    assert {(each.kind, each.id) for each in queue.pending} == {
        *(("voting", n) for (n,) in ask("SELECT voting_id FROM soulfra.votings"
                                        " WHERE status = 'open'")),
        *(("prophecy", str(n)) for (n,) in ask("SELECT id FROM soulfra.prophecies"
                                               " WHERE fulfillment_status = 'pending'")),
    }  # fmt: skip
    assert [each.since for each in queue.pending] == sorted(each.since for each in queue.pending)
    blessed = read(path_of(root, d.BlessedLoops), d.BlessedLoops)
    assert {each.loop_id for each in blessed.loops} == {
        n for (n,) in ask("SELECT loop_id FROM soulfra.loops WHERE blessed")
    }
    ledger = read(path_of(root, d.BlessingLedger), d.BlessingLedger)
    assert [each.id for each in ledger.blessings] == [
        n for (n,) in ask("SELECT id FROM soulfra.blessings ORDER BY id DESC")
    ]
    guilds = read(path_of(root, d.GuildConsensus), d.GuildConsensus)
    assert {each.voting_id for each in guilds.decisions} == {
        n for (n,) in ask("SELECT voting_id FROM soulfra.votings WHERE guild_id IS NOT NULL"
                          " AND status <> 'open'")}  # fmt: skip
    assert guilds.decisions
    metrics = read(path_of(root, d.ClusterMetrics), d.ClusterMetrics)
    assert metrics.active + metrics.dissolved == ask("SELECT count(*) FROM soulfra.clusters")[0][0]
    assert {p.parent.name for p in root.glob("agents/*/state.json")} == {
        n for (n,) in ask("SELECT a.agent_id FROM soulfra.agents AS a"
                          " JOIN privacy.subjects AS s ON s.user_id = a.owner_id"
                          " WHERE s.forgotten_at IS NULL")}  # fmt: skip
    active = {n for (n,) in ask("SELECT cluster_id FROM soulfra.clusters WHERE status = 'active'")}
    for folder in ("active", "mythology"):
        assert {p.stem for p in root.glob(f"clusters/{folder}/*.json")} == active
    assert active
    assert (tree.runs, tree.made_anew) == (1, 0)
    assert faults(conn, root) == {}


def test_nothing_is_written_while_nothing_happens(lived, conn, root):
    """Not a byte, not an instant."""
    keeper = Keeper(root)
    keeper.round(conn)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*.json")}

    assert keeper.round(conn).runs == 1
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*.json")} == before


def test_what_changed_since_comes_to_what_all_anew_comes_to(run, lived, conn, root):
    """Round by round, or at once into another volume: the same documents."""
    keeper = Keeper(root)
    keeper.round(conn)
    play = Play(5)
    for _ in range(4):

        async def on():
            async with writing(lived) as writer:
                await played(writer, play, 40)
            await caught_up(lived)

        run(on())
        keeper.round(conn)
    other = root.with_name("other")
    Keeper(other).round(conn)

    one, two = everything(root), everything(other)
    assert one.keys() == two.keys()
    for name in one.keys() - {"tree.json", "runtime/drift_metrics.json"}:
        a, b = (json.loads(text) for text in (one[name], two[name]))
        for each in (a, b):
            for envelope in ("made_at", "sha256", "transaction_id", "position"):
                each.pop(envelope)
        assert a == b, name
    assert faults(conn, root) == {}
    assert keeper.round(conn).made_anew == 0


def test_all_documents_of_a_run_are_of_one_moment(run, lived, conn, root):
    """Whatever is written while the run goes on."""
    with looked(conn) as look:
        first = [look.whole(kind) for kind in WHOLE[:3]]
        more(run, lived, 31)
        rest = [look.whole(kind) for kind in WHOLE]
    assert rest[:3] == first
    assert len({(each.transaction_id, each.position, each.made_at) for each in rest}) == 1
    with looked(conn) as look:
        assert content(look.whole(d.TransformationLedger)) != content(
            next(each for each in rest if isinstance(each, d.TransformationLedger))
        )


TOUCHES = {
    "another word": lambda said: said.replace(b'"more":false', b'"more":true'),
    "half of it": lambda said: said[:-30],
    "a byte more": lambda said: said + b" ",
    "nothing in it": lambda said: b"",
    "no JSON": lambda said: b"\xff\x00",
}
TOUCHED = (d.LoopStates, d.ExecutionQueue, d.TransformationLedger, d.AgentState)


def test_what_somebody_altered_is_noticed_and_made_anew(lived, conn, root):
    """Named by the check, which writes nothing; counted by the round, which does."""
    keeper = Keeper(root)
    keeper.round(conn)
    for count, (how, kind) in enumerate(product(TOUCHES, TOUCHED), 1):
        path = path_of(root, kind, *(["p1-agent-0"] if kind is d.AgentState else []))
        was = path.read_bytes()
        path.write_bytes(TOUCHES[how](was))

        assert faults(conn, root) == {str(path.relative_to(root)): "altered"}, how
        assert keeper.round(conn).made_anew == count
        assert content(read(path, kind)) == content(kind.model_validate_json(was))
    assert faults(conn, root) == {}


def test_what_somebody_removed_or_forged_is_made_anew(lived, conn, root):
    """A whole folder; a document with a hash that fits and rows that do not; a stranger's file."""
    keeper = Keeper(root)
    keeper.round(conn)
    shutil.rmtree(root / "ledger")
    path_of(root, d.AgentState, "p1-agent-0").unlink()
    path = path_of(root, d.AgentState, "p1-agent-1")
    write(path, read(path, d.AgentState).model_copy(update={"memory_depth": 99}))
    (root / "clusters/active/nobody.json").write_text("{}")

    assert faults(conn, root) == {
        "ledger/prophecies.json": "missing",
        "ledger/blessings.json": "missing",
        "ledger/transformations.json": "missing",
        "agents/p1-agent-0/state.json": "missing",
        "agents/p1-agent-1/state.json": "altered",
        "clusters/active/nobody.json": "nobody's",
    }
    made = keeper.round(conn)
    assert (made.made_anew, made.removed) == (5, 1)
    assert faults(conn, root) == {}


def test_a_tree_that_forgot_how_far_it_is_makes_all(run, lived, conn, root):
    """Its own document altered: everything is looked at, what is as it was stays."""
    keeper = Keeper(root)
    keeper.round(conn)
    more(run, lived, 33)
    path_of(root, d.Tree).write_text("{")
    made = Keeper(root).round(conn)

    assert (made.runs, made.made_anew) == (1, 1)
    assert faults(conn, root) == {}


def test_what_is_behind_is_no_fault(run, lived, conn, root):
    """Something happened, and the next round comes by itself."""
    Keeper(root).round(conn)
    give(
        run, lived,
        c.RegisterUser(username="eve", email="eve@x.org"),
        c.MeasureAgent(agent_id="p1-agent-0", memory_depth=100),
        c.Whisper(loop_id="new", agent_id="p1-agent-0", text="x"),
        c.FormCluster(cluster_id="fresh", cluster_name="fresh", loops=("new",), mythology="once"),
    )  # fmt: skip
    found = faults(conn, root)

    assert set(found.values()) == {"behind"}
    assert {"runtime/loop_state.json", "clusters/active/fresh.json"} <= found.keys()
    assert Keeper(root).round(conn).made_anew == 0
    assert faults(conn, root) == {}


def test_a_cluster_that_dissolves_leaves(run, lived, conn, root, ask):
    """Both its documents."""
    keeper = Keeper(root)
    keeper.round(conn)
    [(name,), *_] = ask("SELECT cluster_id FROM soulfra.clusters WHERE status = 'active'")
    give(run, lived, c.DissolveCluster(cluster_id=name))
    made = keeper.round(conn)

    assert made.removed == 2
    assert not list(root.glob(f"clusters/*/{name}.json"))
    assert faults(conn, root) == {}


def test_long_lists_are_cut_and_say_so(run, lived, conn, root, monkeypatch):
    """The newest of what was, the oldest of what waits."""
    Keeper(root).round(conn)
    whole = read(path_of(root, d.TransformationLedger), d.TransformationLedger)
    queue = read(path_of(root, d.ExecutionQueue), d.ExecutionQueue)
    monkeypatch.setattr(d, "MOST", 3)
    with looked(conn) as look:
        cut, waits = look.whole(d.TransformationLedger), look.whole(d.ExecutionQueue)
        blessed = look.whole(d.BlessedLoops)

    assert not whole.more
    assert (cut.transformations, cut.more) == (whole.transformations[:3], True)
    assert (waits.pending, waits.more) == (queue.pending[:3], True)
    assert len(blessed.loops) <= 3
    assert blessed.more


def test_drift_is_told_as_of_its_instant(run, lived, conn, root):
    """What the follower counted, with how far it was; it moving on is a reason to write."""
    keeper = Keeper(root)
    keeper.round(conn)
    before = read(path_of(root, d.DriftMetrics), d.DriftMetrics)

    async def count():
        async with await psycopg.AsyncConnection.connect(lived.app, autocommit=True) as other:
            while await drift.counted(other):
                pass
            return await drift.told(other)

    told = run(count())
    assert keeper.round(conn).runs == 2
    after = read(path_of(root, d.DriftMetrics), d.DriftMetrics)

    assert (before.index, before.follower) == (0, 0)
    assert after.index == pytest.approx(told.index, rel=1e-3)
    assert [each.id for each in after.critical] == [each.id for each in told.critical]
    assert after.follower == after.transaction_id


ROUNDS = """
import sys, pathlib, psycopg
from apps.soulfra.tree.keep import Keeper
root = pathlib.Path(sys.argv[2])
with psycopg.connect(sys.argv[1], autocommit=True, options="-c timezone=UTC") as conn:
    while True:
        (root / "tree.json").unlink(missing_ok=True)
        Keeper(root).round(conn)
"""


def test_killed_in_the_middle_each_is_the_old_or_the_new(run, lived, conn, root):
    """At any moment, again and again: never half, nothing left that the next does not mend."""
    Keeper(root).round(conn)
    chance = random.Random(7)
    for _ in range(int(os.environ.get("ABODE_KILLS", "8"))):
        process = subprocess.Popen(
            [sys.executable, "-c", ROUNDS, lived.app, str(root)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        before = path_of(root, d.LoopStates).stat().st_mtime_ns
        while path_of(root, d.LoopStates).stat().st_mtime_ns == before:
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for kind in (*WHOLE, d.AgentState, d.ActiveCluster, d.ClusterMythology):
            for path in root.glob(str(path_of(root, kind).relative_to(root))):
                assert read(path, kind) is not None
        assert set(faults(conn, root).values()) <= {"missing"}  # tree.json only
    Keeper(root).round(conn)
    assert faults(conn, root) == {}


def test_two_at_once_do_not_tread_on_each_other(lived, conn, root):
    """The process and a person's command: one waits for the other."""
    more_ = [
        subprocess.Popen(
            [sys.executable, "-m", "apps.soulfra.tree", "snapshot"],
            env={
                **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DB_POSTGRES_URL": lived.app,
                "SOULFRA_DATA_DIR": str(root), "SOULFRA_TOKENS_FILE": "/dev/null",
                "SOULFRA_MASTER_KEY_FILE": "/dev/null",
            },
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    told = [json.loads(each.communicate(timeout=40)[0])["made"] for each in more_]

    assert {each["runs"] for each in told} == {1}
    assert len({each["made_at"] for each in told}) == 1
    assert faults(conn, root) == {}


def test_the_process_keeps_them_up(soulfra_database, tmp_path, root):
    """After a command the documents say so; its health tells of the task."""
    made = Process(tmp_path, soulfra_database, SOULFRA_DATA_DIR=str(root)).ready()
    try:
        user = made.give("register-user", username="ada", email="ada@x.org")["id"]
        made.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")
        made.give("whisper", loop_id="rain", agent_id="oracle", text="it rains")
        until = time.monotonic() + 30
        path = path_of(root, d.LoopStates)
        while not (found := _quietly(path)) or not found.loops:
            assert time.monotonic() < until
            time.sleep(0.2)
        health = made.ask("GET", "/health", token=None)[1]["tasks"]
    finally:
        code, said = made.end()

    assert [loop.loop_id for loop in found.loops] == ["rain"]
    assert read(path_of(root, d.AgentState, "oracle"), d.AgentState).owner_id == user
    assert health["documents"]["failed"] == health["archive"]["failed"] == 0
    assert code == 0, said


def _quietly(path):
    try:
        return read(path, d.LoopStates)
    except Altered as error:  # never half
        raise AssertionError(str(error)) from error
