"""The first token of an operator, and what is swept when it has ended."""

import asyncio
import json
import os
import subprocess
import sys
import threading

import psycopg
import pytest

from apps.governance.locks import Locks
from apps.governance.maintenance import Maintenance
from apps.governance.tokens import Tokens
from apps.postgres import PostgresSettings
from schemas.governance.calls import Right


def run(database, folder, *words):
    """The command, as it is run in the container."""
    (folder / "tokens.json").write_text("{}")
    return subprocess.run(
        [sys.executable, "-m", "apps.governance.operator", *words],
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DB_POSTGRES_URL": database.app,
            "AGENT_TOKENS_FILE": str(folder / "tokens.json"),
        },
        capture_output=True, check=False, text=True,
    )  # fmt: skip


def test_a_person_gets_every_right(room, governance_database, tmp_path):
    """On stdout alone; it opens the door."""
    done = run(governance_database, tmp_path, "boss")

    async def who():
        async with room() as here:
            return await Tokens({}, here.keyring).who(f"Bearer {done.stdout.strip()}")

    assert asyncio.run(who()) == ("boss", frozenset(Right))
    assert done.stdout.strip() not in done.stderr


def test_the_trail_tells_of_it_from_the_next_start_on(start, governance_database, tmp_path):
    """Once, and never what opens: the trail is another process's while the command runs."""
    token = run(governance_database, tmp_path, "boss").stdout.strip()
    for _ in range(2):
        start().ready().end()
    text = (tmp_path / "audit_log.jsonl").read_text()
    told = [line for line in map(json.loads, text.splitlines()) if line["agent_id"] == "boss"]
    of_token = [line["payload"] for line in told if line["event_type"] == "token_issued"]

    assert [(said["by"], said["rights"]) for said in of_token] == [(None, sorted(Right))]
    assert token not in text


@pytest.mark.parametrize("words", [[], ["a b"], ["x", "y"]])
def test_nobody_else_does(governance_database, tmp_path, words):
    """No name, none that may be, two."""
    done = run(governance_database, tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")


def test_tokens_are_swept_a_month_after_their_end(governance_database, tmp_path):
    """Those that live, and those that ended just now, stay."""
    with psycopg.connect(governance_database.admin, autocommit=True) as conn:
        conn.execute("INSERT INTO core.identities (agent_id) VALUES ('x')")
        for end, revoked in (("90", "NULL"), ("-29", "NULL"), ("-31", "NULL"),
                             ("90", "now() - interval '31 days'"), ("90", "now()")):  # fmt: skip
            conn.execute(
                "INSERT INTO core.tokens (identity_id, purpose, secret_sha256, rights, expires_at,"
                " revoked_at) SELECT identity_id, 'access', sha256('x'), '{}',"
                f" now() + interval '{end} days', {revoked} FROM core.identities"
            )
    upkeep = Maintenance(PostgresSettings(url=governance_database.app), tmp_path)
    asyncio.run(upkeep.run())

    assert upkeep.trouble is None
    with psycopg.connect(governance_database.admin) as conn:
        left = conn.execute("SELECT token_id FROM core.tokens ORDER BY 1").fetchall()
    assert left == [(1,), (2,), (5,)]


def test_of_two_processes_one_keeps_house(redis, governance_database, tmp_path):
    """The other leaves it alone for an hour; when the lock is free it does it itself."""
    told = PostgresSettings(url=governance_database.app)
    ran: list[str] = []
    let = threading.Event()

    class Slow(Maintenance):
        def _upkeep(self):
            ran.append("ran")
            let.wait(5)

    async def both():
        lines = [redis.line(), redis.line()]
        first, second = (Slow(told, tmp_path, Locks(line)) for line in lines)
        task = asyncio.create_task(first._run_alone())
        await asyncio.sleep(0.3)
        await second._run_alone()
        at_once = len(ran)
        let.set()
        await task
        await second._run_alone()
        for line in lines:
            await line.close()
        return at_once

    assert asyncio.run(both()) == 1
    assert len(ran) == 2
