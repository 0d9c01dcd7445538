"""Each probe writes and reads back, waits for nobody, and says what is wrong in its own words."""

import asyncio
import json
import socket
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.governance import health as room
from apps.governance.audit import AuditLog
from apps.governance.checkins import Checkins
from apps.governance.desk import Desk
from apps.governance.health import Health
from apps.governance.maintenance import Maintenance
from apps.governance.numbers import Numbers
from apps.governance.probes import InThread
from apps.governance.sessions import Sessions
from apps.governance.verdict import Thresholds
from apps.postgres import PostgresSettings, pool
from apps.redis_line import RedisSettings, connect
from schemas.governance.calls.health import Overall, State

SAID = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
STEADY = (
    "INSERT INTO core.identities (agent_id) VALUES ('lumen'), ('guest'), ('gone')",
    (
        "INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256, recorded_at,"
        " received_at, late, energy, integrity, entropy, void, coherence, regime, health, risk,"
        " action, margin, nearest_edge, reason, warmth, clarity, stability, presence, state_json)"
        " SELECT i.identity_id, 'boot-0001', n, sha256('x'), now(), now() - interval '12 min',"
        " false, 0.5, 0.5, 0.2, 0, 0.5, 'STABLE', 'healthy', 0.1, 'proceed', 'comfortable',"
        " 'risk', 'x', 0.5, 0.5, 0.5, 0.5, '{}'"
        " FROM core.identities AS i, generate_series(1, 12) AS n"
        " WHERE i.agent_id <> 'guest' OR n = 1"
    ),
    "UPDATE core.identities SET last_activity_at = now() - make_interval(mins => 12)",
    "UPDATE core.identities SET status = 'archived' WHERE agent_id = 'gone'",
)


def told(database, *statements: str) -> list[tuple]:
    """What the superuser does; gives what the last statement says."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        for statement in statements:
            said = conn.execute(statement)
        return said.fetchall() if said.description else []


@pytest.fixture
def probed(governance_database, tmp_path):
    """A health of its own, on a socket of Redis that may not be there."""

    @asynccontextmanager
    async def one(numbers=None):
        async with pool(PostgresSettings(url=governance_database.app, max_conn=4)) as store:
            audit = AuditLog(tmp_path / "audit_log.jsonl")
            sessions = Sessions(Desk(store), connect(RedisSettings(socket=tmp_path / "no.sock")))
            checkins = Checkins(store, Thresholds(), audit, sessions, print)
            told = PostgresSettings(url=governance_database.app)
            maintenance = Maintenance(told, tmp_path / "archive")
            yield Health(
                store, audit, sessions, checkins,
                maintenance=maintenance, on_lost=print, numbers=numbers,
            )  # fmt: skip
            await sessions.close()

    return one


def look(probed, name, **given):
    """One component."""

    async def run():
        async with probed(**given) as health:
            return (await health.look()).checks[name]

    return asyncio.run(run())


def test_the_graph_s_probe_writes_reads_and_leaves_nothing(probed, governance_database):
    """Through the one function that may; a graph that cannot be written is an error."""
    count = 'SELECT count(*) FROM governance_graph."Tag"'
    assert look(probed, "graph").status is State.HEALTHY
    assert told(governance_database, count) == [(0,)]
    last = 'SELECT last_value FROM governance_graph."Tag_id_seq"'
    assert told(governance_database, last)[0][0] >= 1

    told(governance_database, 'ALTER TABLE governance_graph."Tag" ADD CHECK (false) NOT VALID')
    broken = look(probed, "graph")
    assert broken.status is State.ERROR
    assert broken.detail == "InternalError_"  # AGE checks by itself


def test_a_column_that_nothing_declares_is_drift(probed, governance_database):
    """Neither a month nor a view is one; a table made by hand is."""
    assert look(probed, "schema").status is State.HEALTHY
    told(governance_database, "CREATE TABLE core.scribbles (note text)")
    found = look(probed, "schema")
    assert (found.status, found.detail) == (State.WARNING, "not declared: core.scribbles.note")


def test_a_ledger_that_is_not_this_release_s_is_an_error(probed, governance_database):
    """Found while it runs, not at the next start."""
    told(
        governance_database,
        "DELETE FROM ledger._yoyo_migration WHERE migration_id = '0010.constrain-events'",
    )
    found = look(probed, "schema")
    assert found.status is State.ERROR
    assert "0010.constrain-events is missing" in found.detail


def test_a_steady_agent_that_stopped_is_told(probed, governance_database):
    """Neither one that came by once, nor one that is archived."""
    assert look(probed, "agents").status is State.HEALTHY
    told(governance_database, *STEADY)

    async def run():
        async with probed() as health:
            return await health.look()

    seen = asyncio.run(run())
    assert seen.checks["agents"].detail.startswith("lumen: no check-in for 72")
    assert seen.ages.silent_agents == ("lumen",)
    assert (seen.ages.steady_agents, seen.ages.expected_every_seconds) == (1, 60.0)
    # Twelve minutes of check-ins and not one event of them: what upstream called healthy.
    assert seen.checks["audit_events"].detail == "there are check-ins and no event at all"


def test_a_tool_that_left_no_row_is_told(probed, monkeypatch):
    """Upstream's table stayed empty for weeks and health said healthy."""
    monkeypatch.setattr(room, "BEHIND_SECONDS", 0.05)
    numbers = Numbers()
    assert look(probed, "tool_usage", numbers=numbers).status is State.HEALTHY
    numbers._tool_at = time.monotonic() - 1
    assert "no row tells of it" in look(probed, "tool_usage", numbers=numbers).detail


def test_a_disk_that_hangs_holds_up_nobody(probed, monkeypatch):
    """One thread waits, the answer comes, and the next look does not start a second one."""
    monkeypatch.setattr(room, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(room, "FRESH_SECONDS", 0.0)
    free = threading.Event()
    begun = []

    def hangs():
        begun.append(1)
        free.wait(10)

    async def run():
        async with probed() as health:
            health._file = InThread(hangs)
            at = time.monotonic()
            first = await health.look()
            await health.look()
            took = time.monotonic() - at
            free.set()
            await asyncio.sleep(0.05)
            return first, took, await health.look()

    monkeypatch.setattr(room, "PROBE_SECONDS", 1.0)
    first, took, then = asyncio.run(run())
    assert first.checks["audit_log"].detail.endswith("does not answer")
    assert took < 4
    assert len(begun) == 1
    assert then.checks["audit_log"].status is State.HEALTHY


def test_a_probe_that_never_ends_is_told_of(probed, monkeypatch):
    """The last answer comes with the news that there is no newer one."""
    monkeypatch.setattr(room, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(room, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(room, "STALE_SECONDS", 0.05)

    async def run():
        async with probed() as health:
            await health._probe()

            async def never():
                await asyncio.sleep(60)

            monkeypatch.setattr(health, "_probe", never)
            said = await health.look()
            health._running.cancel()
            return said, health.is_alive

    said, alive = asyncio.run(run())
    assert said.status is Overall.CRITICAL
    assert said.checks["probe"].detail.startswith("none was finished for")
    assert said.checks["postgres"].status is State.HEALTHY
    assert not alive


def test_a_locked_table_holds_up_nobody(probed, governance_database):
    """The probe gives up on the lock and says so; Postgres is not taken for lost."""

    async def run():
        async with probed() as health:
            at = time.monotonic()
            return await health.look(), time.monotonic() - at, health._gone

    with psycopg.connect(governance_database.admin) as holder:
        holder.execute("LOCK TABLE core.probe")
        seen, took, gone = asyncio.run(run())
    assert seen.checks["postgres"].detail == "LockNotAvailable"
    assert took < 4
    assert not gone


def test_a_thousand_looks_are_one_probe(probed, governance_database):
    """Under load it costs nothing: what is asked within a second is answered from the last look."""

    async def run():
        async with probed() as health:
            for _ in range(5):
                await asyncio.gather(*(health.look() for _ in range(200)))

    before = told(governance_database, "SELECT n_tup_upd FROM pg_stat_user_tables"
                                       " WHERE relname = 'probe'")  # fmt: skip
    assert before == [(0,)]
    asyncio.run(run())
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = told(governance_database, "SELECT n_tup_upd FROM pg_stat_user_tables"
                                          " WHERE relname = 'probe'")  # fmt: skip
        if found != before:
            break
        time.sleep(0.1)
    assert found == [(1,)]


@pytest.fixture
def liar(tmp_path):
    """A Redis that takes everything and gives back something else."""
    path = tmp_path / "liar.sock"
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen()

    def answer():
        while True:
            try:
                heard, _ = door.accept()
            except OSError:
                return
            with heard:
                while said := heard.recv(4096):
                    reply = b"$3\r\nold\r\n" if b"\nGET\r" in said.upper() else b"+OK\r\n"
                    heard.sendall(reply * max(1, said.count(b"*")))

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield path
    door.close()


def test_a_redis_that_forgets_is_not_well(liar):
    """An answer to PING proves nothing; what was written must come back."""

    async def run():
        sessions = Sessions(None, connect(RedisSettings(socket=liar)))
        try:
            return await sessions.check()
        finally:
            await sessions.close()

    assert asyncio.run(run()) == "redis: what was written cannot be read"


def test_the_living_process_tells_it_at_every_door(governance):
    """Health, liveness, readiness, numbers and both tools; nothing of SQLite was loaded for it."""
    for seq in range(2):
        body = {**SAID, "agent": "lumen", "boot_id": "boot-0001", "seq": seq,
                "eisv": {"E": 0.4, "I": 0.8, "S": 0.9, "V": 0.0}}  # fmt: skip
        assert governance.ask("POST", "/v1/checkins", json.dumps(body))[0] == 200
    assert governance.ask("POST", "/v1/checkins", '{"anima": 1}')[0] == 422
    status, _, text = governance.ask("GET", "/health", door="lan")
    whole = json.loads(text)
    is_error, check = governance.call("health_check", {})
    no_error, figures = governance.call("get_governance_metrics", {"of_agent": "lumen"})
    live = governance.ask("GET", "/health/live", door="lan")
    ready = governance.ask("GET", "/health/ready", door="lan")
    page = governance.ask("GET", "/metrics", door="lan")

    assert (status, whole["status"], whole["checks"]["graph"]["status"]) == (
        200, "moderate", "healthy",
    )  # fmt: skip
    assert not is_error
    assert check["checks"].keys() == whole["checks"].keys()
    assert whole["schema_revision"] == whole["release_revision"]
    assert not no_error
    (one,) = figures["agents"]
    assert one["agent_id"] == "lumen"
    assert sum(one["verdicts"].values()) == 2
    assert one["disagreement"]["compared"] == one["disagreement"]["disagreed"] == 2
    assert one["disagreement"]["largest"] > 0.2
    assert (live[0], json.loads(live[2])["alive"]) == (200, True)
    assert (ready[0], json.loads(ready[2])) == (200, {"ready": True})
    numbers = {f.name: f for f in text_string_to_metric_families(page[2])}
    assert sum(s.value for s in numbers["governance_checkins"].samples) == 2
    assert [s.labels for s in numbers["governance_refusals"].samples] == [{"error": "Refused"}]
    assert page[1]["content-type"].startswith("text/plain; version=0.0.4")
    maps = Path(f"/proc/{governance.process.pid}/maps").read_text()
    assert "psycopg" in maps
    assert "sqlite" not in maps
    for secret in (str(Path.home()), "password", "postgresql://"):
        assert secret not in text + page[2]


def test_a_stranger_s_numbers_are_refused(governance):
    """By name, with what to do."""
    is_error, said = governance.call("get_governance_metrics", {"of_agent": "nobody"})

    assert is_error
    assert said["error"] == "agent 'nobody': has not checked in"
