"""Governance itself, alive on a migrated database of the test's own."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from apps.governance.checkins import Checkins
from apps.governance.desk import Desk
from apps.governance.identities import Identities
from apps.governance.sessions import Sessions
from apps.governance.trails import Trails
from apps.postgres import PostgresSettings, pool
from apps.redis_line import RedisSettings, connect
from schemas.errors import Unreachable
from schemas.governance.thresholds import Thresholds
from tests.stand import free_port

TOKENS = {"lumen": "token-of-lumen", "ember": "token-of-ember"}


class Governance:
    """One process of it."""

    def __init__(self, folder: Path, database, **environment: str) -> None:
        self.folder, self.database = folder, database
        self.local = int(environment.get("GOVERNANCE_LOCAL_PORT") or free_port())
        self.lan = free_port(besides=self.local)
        hashes = {agent: sha256(token.encode()).hexdigest() for agent, token in TOKENS.items()}
        (folder / "tokens.json").write_text(json.dumps(hashes))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.governance"],
            env={
                "PYTHONPATH": os.pathsep.join(sys.path),
                "DB_POSTGRES_URL": database.app,
                "AGENT_TOKENS_FILE": str(folder / "tokens.json"),
                "GOVERNANCE_AUDIT_LOG": str(folder / "audit_log.jsonl"),
                "GOVERNANCE_HOST": "127.0.0.1",
                "GOVERNANCE_PORT": str(self.lan),
                "GOVERNANCE_LOCAL_PORT": str(self.local),
                "GOVERNANCE_LOCAL_OPEN": "true",
                "REDIS_SOCKET": str(folder / "no.sock"),
                **environment,
            },
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> "Governance":
        """Wait until the doors answer."""
        until = time.monotonic() + 15
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ask("GET", "/")
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError(self.end(signal.SIGKILL))

    def ask(self, method, path, body=None, headers=None, door="local"):
        """Status, headers and body of one request."""
        port = self.local if door == "local" else self.lan
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        try:
            # It may answer, and hang up, before it has heard all.
            with suppress(BrokenPipeError):
                told = {"Content-Type": "application/json"} | (headers or {})
                conn.request(method, path, body, told)
            answer = conn.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            conn.close()

    def call(self, tool, arguments, headers=None, path="/mcp/", door="local"):
        """The result of a tool call: isError and the text's JSON."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                   "params": {"name": tool, "arguments": arguments}}  # fmt: skip
        status, _, body = self.ask("POST", path, json.dumps(request), headers, door)
        assert status == 200, body
        if body.startswith("event: message\ndata: "):
            body = body.removeprefix("event: message\ndata: ")
        result = json.loads(body)["result"]
        return result["isError"], json.loads(result["content"][0]["text"])

    def rows(self, query: str) -> list[tuple]:
        """What the database holds."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            return conn.execute(query).fetchall()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and log."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, log = self.process.communicate(timeout=25)
        return self.process.returncode, log


@pytest.fixture
def start(governance_database, tmp_path) -> Iterator[Callable[..., Governance]]:
    """Start one with an environment of the test's own."""
    started: list[Governance] = []

    def begin(**environment: str) -> Governance:
        started.append(Governance(tmp_path, governance_database, **environment))
        return started[-1]

    yield begin
    for made in started:
        made.end(signal.SIGKILL)


@pytest.fixture
def governance(start) -> Governance:
    """A running one."""
    return start().ready()


@asynccontextmanager
async def _living(database, folder: Path, lost: list[str] | None = None, redis=None):
    """The writer and its neighbours, as the process has them; Redis is not there."""
    told = PostgresSettings(url=database.app, min_conn=2, max_conn=4)
    async with pool(told) as store:
        trails = Trails(told, folder / "audit_log.jsonl")
        await trails.begin()
        audit = trails.audit
        desk = Desk(store)
        redis = redis or connect(RedisSettings(socket=folder / "no.sock"))
        sessions = Sessions(desk, redis)
        made = Checkins(
            store, Thresholds(), audit, sessions, (lost if lost is not None else []).append
        )
        works = (made.run(), *(work for _, work in trails.works()), sessions.run())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield made, sessions, Identities(desk, audit)
        finally:
            made.close(Unreachable("stopping"))
            await tasks[0]
            await trails.close(*tasks[1:4])
            tasks[4].cancel()
            await sessions.close()


@pytest.fixture
def living():
    """The writer and its neighbours, alive in this very process."""
    return _living
