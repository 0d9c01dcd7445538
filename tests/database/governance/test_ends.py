"""How the process ends: drained, or with one clear line and its own exit code."""

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

SAID = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
SEED = json.dumps(SAID)


def ended(made) -> tuple[int, str]:
    """Exit code and log of one that ends by itself."""
    made.process.wait(25)
    return made.end()


def test_term_drains_and_exits_zero(governance):
    """Everything acknowledged is on disk, and one line says so."""

    def send(seq: int) -> bool:
        body = json.dumps({**SAID, "agent": "lumen", "boot_id": "boot-0001", "seq": seq})
        try:
            return governance.ask("POST", "/v1/checkins", body)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    with ThreadPoolExecutor(8) as clients:
        sent = [clients.submit(send, seq) for seq in range(200)]
        time.sleep(0.1)
        code, log = governance.end()
        acknowledged = {seq for seq, done in enumerate(sent) if done.result()}
    stored = {seq for (seq,) in governance.rows("SELECT seq FROM core.agent_state")}

    assert code == 0, log
    assert acknowledged <= stored
    assert log.splitlines()[-1].startswith("governance: stopped")
    assert "Traceback" not in log


def test_postgres_going_away_ends_the_process_with_one_line(governance):
    """503 and Retry-After for who asks; docker starts us again."""
    assert governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen"})[0] == 200
    with psycopg.connect(governance.database.admin, autocommit=True) as conn:
        conn.execute(
            "UPDATE pg_database SET datallowconn = false WHERE datname = current_database()"
        )
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip
    status, headers, body = governance.ask("POST", "/v1/checkins", SEED, {"X-Agent-Id": "lumen"})
    governance.process.wait(20)
    code, log = governance.end()

    assert status == 503
    assert int(headers["retry-after"]) > 0
    assert "action" not in json.loads(body)
    assert code == 3
    assert sum("lost" in line for line in log.splitlines()) == 1
    assert "Traceback" not in log


def test_a_database_that_is_not_migrated_is_refused(governance_database, start):
    """Diverged, in one line, before any door opens."""
    with psycopg.connect(governance_database.owner) as conn:
        conn.execute("ALTER TABLE core.agent_state DROP COLUMN void CASCADE")
    code, log = ended(start())

    assert code == 4
    assert "core.agent_state.void" in log
    assert "Traceback" not in log


def test_calibration_that_is_not_as_declared_is_refused(governance_database, start):
    """A typo in a threshold must not become its default."""
    with psycopg.connect(governance_database.admin) as conn:
        conn.execute("""UPDATE core.calibration SET data = '{"risk_puase": 0.9}'""")
    code, log = ended(start())

    assert code == 4
    assert "core.calibration: data/risk_puase" in log


def test_no_postgres_is_unreachable_and_names_no_password(start):
    """Waits ten seconds at most, then one clear line and exit 3."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://governance:hush-hush@127.0.0.1:{nobody.getsockname()[1]}/governance"
        code, log = ended(start(DB_POSTGRES_URL=url))

    assert code == 3
    assert "no answer for 10 s" in log
    assert "hush" not in log
    assert "Traceback" not in log


def test_a_taken_port_is_said(governance, start):
    """Which one, and what may be there."""
    code, log = ended(start(GOVERNANCE_PORT=str(governance.lan)))

    assert code == 2
    assert f"127.0.0.1:{governance.lan}: Address already in use" in log
