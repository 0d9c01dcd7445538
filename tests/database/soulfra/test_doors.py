"""Soulfra over HTTP, as a process of its own: commands, entities, lives, and what is refused."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import uuid4

import psycopg
import pytest

from tests.stand import free_port

MASTER = b"k" * 32
TOKEN = "token-of-the-gallery"


class Process:
    """One of it."""

    def __init__(self, folder, database, clients=None, **environment):
        self.port = free_port()
        hashes = {"gallery": sha256(TOKEN.encode()).hexdigest(), **(clients or {})}
        (folder / "master_key").write_text(urlsafe_b64encode(MASTER).decode())
        (folder / "tokens.json").write_text(json.dumps(hashes))
        told = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DB_POSTGRES_URL": database.app,
            "DB_POSTGRES_MAX_CONN": "4",
            "SOULFRA_HOST": "127.0.0.1",
            "SOULFRA_PORT": str(self.port),
            "SOULFRA_TOKENS_FILE": str(folder / "tokens.json"),
            "SOULFRA_MASTER_KEY_FILE": str(folder / "master_key"),
            "SOULFRA_DATA_DIR": str(folder),
            **environment,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.soulfra"],
            env={name: value for name, value in told.items() if value},
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self):
        """Wait until the door answers."""
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ask("GET", "/health", token=None)
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError(self.end(signal.SIGKILL))

    def ask(self, method, path, body=None, token=TOKEN, **headers):
        """Status and JSON of one answer."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        said = {"Content-Type": "application/json"} if body is not None else {}
        said |= {"Authorization": f"Bearer {token}"} if token else {}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            conn.request(method, path, body, said)
            answer = conn.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            conn.close()

    def give(self, name, key=None, **fields):
        """A command that is done."""
        headers = {"Idempotency_Key": str(key)} if key else {}
        status, said = self.ask(
            "POST", f"/soulfra/v1/commands/{name}", json.dumps(fields), **headers
        )
        assert status == 200, said
        return said

    def end(self, number=signal.SIGTERM):
        """Exit code and log."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=25)
        return self.process.returncode, said


@pytest.fixture
def soulfra(soulfra_database, tmp_path):
    """A running one."""
    made = Process(tmp_path, soulfra_database).ready()
    yield made
    made.end(signal.SIGKILL)


@pytest.fixture
def ada(soulfra):
    """A user with an agent and a loop."""
    user = soulfra.give("register-user", username="ada", email="ada@x.org")["id"]
    soulfra.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")
    soulfra.give("whisper", loop_id="rain", agent_id="oracle", text="it rains")
    return user


def test_a_loop_s_life_from_a_whisper_to_its_blessing(soulfra, ada):
    """Each command is answered, what it came to is read, and the life is told."""
    soulfra.give("open-voting", voting_id="v", loop_id="rain", agent_id="oracle")
    done = soulfra.give("vote", voting_id="v", agent_id="oracle", approves=True)
    status, loop = soulfra.ask("GET", "/soulfra/v1/loops/rain")
    _, lived = soulfra.ask("GET", "/soulfra/v1/lives/loop:rain")
    _, voting = soulfra.ask("GET", "/soulfra/v1/votings/v")
    _, user = soulfra.ask("GET", f"/soulfra/v1/users/{ada}")

    assert done["told"]["status"] == voting["status"] == "granted"
    assert (status, loop["blessed"], loop["version"]) == (200, True, 2)
    assert loop["whisper_origin"] == lived[0]["data"]["whisper"] == "it rains"
    assert user["username"] == "ada"
    assert [(each["type"], each["by"]) for each in lived] == [
        ("loop_created", "gallery"), ("blessing_granted", "gallery")]  # fmt: skip
    assert not {"email", "emotional_credits", "version"} & user.keys()


def test_a_key_makes_a_command_one_and_the_same(soulfra, ada):
    """However often it is sent; something else under it is 409."""
    key = uuid4()
    first = soulfra.give("whisper", key, agent_id="oracle", text="x")
    again = soulfra.give("whisper", key, agent_id="oracle", text="x")
    status, said = soulfra.ask(
        "POST", "/soulfra/v1/commands/whisper", '{"agent_id": "oracle", "text": "y"}',
        Idempotency_Key=str(key),
    )  # fmt: skip

    assert first | {"repeated": True} == again
    assert status == 409
    assert "was given before and asked for something else" in said["error"]


BODY = '{"agent_id": "oracle", "text": "x"}'
WHISPER = "/soulfra/v1/commands/whisper"
REFUSED = {
    "no token": (401, "POST", WHISPER, BODY, {"token": None}),
    "another token": (401, "POST", WHISPER, BODY, {"token": "x"}),
    "another scheme": (401, "POST", WHISPER, BODY, {"token": None, "Authorization": "Basic eA=="}),
    "no JSON": (415, "POST", WHISPER, BODY, {"Content_Type": "text/plain"}),
    "half a JSON": (400, "POST", WHISPER, '{"agent_id":', {}),
    "a key twice": (400, "POST", WHISPER, '{"text": "x", "text": "y", "agent_id": "a"}', {}),
    "a NUL": (400, "POST", WHISPER, '{"agent_id": "oracle", "text": "a\\u0000b"}', {}),
    "NaN": (400, "POST", "/soulfra/v1/commands/open-voting",
            '{"loop_id": "rain", "agent_id": "oracle", "threshold": NaN}', {}),
    "too deep": (400, "POST", WHISPER, "[" * 40 + "]" * 40, {}),
    "too long": (413, "POST", WHISPER, json.dumps({"text": "x" * 70_000}), {}),
    "a field less": (422, "POST", WHISPER, '{"agent_id": "oracle"}', {}),
    "a field more": (422, "POST", WHISPER, '{"agent_id": "oracle", "text": "x", "b": 1}', {}),
    "a number in quotes": (422, "POST", "/soulfra/v1/commands/fulfil", '{"prophecy_id": "1"}', {}),
    "no agent": (404, "POST", WHISPER, '{"agent_id": "nobody", "text": "x"}', {}),
    "a loop that is there": (
        409, "POST", WHISPER, '{"agent_id": "oracle", "text": "x", "loop_id": "rain"}', {}),
    "no UUID": (422, "POST", WHISPER, BODY, {"Idempotency_Key": "x"}),
    "no command": (404, "POST", "/soulfra/v1/commands/wish", "{}", {}),
    "no path": (404, "GET", "/soulfra/v1/dreams/1", None, {}),
    "no id": (404, "GET", "/soulfra/v1/loops/", None, {}),
    "above": (404, "GET", "/", None, {}),
    "another method": (405, "GET", WHISPER, None, {}),
    "a write to a read": (405, "DELETE", "/soulfra/v1/loops/rain", None, {}),
    "no such loop": (404, "GET", "/soulfra/v1/loops/snow", None, {}),
    "no id of a loop": (422, "GET", "/soulfra/v1/loops/a%3Ab", None, {}),
    "no id of a user": (422, "GET", "/soulfra/v1/users/ada", None, {}),
    "no id of a prophecy": (422, "GET", "/soulfra/v1/prophecies/99999999999999999999", None, {}),
    "no stream": (422, "GET", "/soulfra/v1/lives/rain", None, {}),
    "no life": (404, "GET", "/soulfra/v1/lives/loop:snow", None, {}),
}  # fmt: skip


def test_what_is_wrong_is_said_and_nothing_is_done(soulfra, ada, soulfra_database):
    """Each with its status and one sentence; never ours to blame, never a word of a secret."""
    with psycopg.connect(soulfra_database.admin, autocommit=True) as conn:
        [before] = conn.execute("SELECT count(*) FROM log.events").fetchone()
        wrong = {}
        for what, (status, method, path, body, more) in REFUSED.items():
            got, said = soulfra.ask(method, path, body, **more)
            if got != status or not said["error"] or TOKEN in json.dumps(said):
                wrong[what] = got, said
        [after] = conn.execute("SELECT count(*) FROM log.events").fetchone()

    assert wrong == {}
    assert after == before


def test_a_silent_postgres_is_503_and_health_says_so(soulfra, ada, soulfra_database):
    """The process stays, and answers again when Postgres does."""
    name = soulfra_database.name
    with psycopg.connect(soulfra_database.admin, dbname="postgres", autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                     (name,))  # fmt: skip
        written, _ = soulfra.ask("POST", WHISPER, BODY)
        health, said = soulfra.ask("GET", "/health", token=None)
        conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    until = time.monotonic() + 20
    while soulfra.ask("POST", WHISPER, BODY)[0] != 200 and time.monotonic() < until:
        time.sleep(0.2)

    assert (written, health, said["status"]) == (503, 503, "unhealthy")
    assert soulfra.ask("GET", "/health", token=None)[0] == 200


def test_told_to_stop_it_answers_who_asked(soulfra, ada):
    """Exit 0; what was acknowledged is there."""
    code, said = soulfra.end()

    assert code == 0
    assert "everything acknowledged is on disk" in said


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"SOULFRA_PORT": "port"}, 2, "SOULFRA_PORT: "),
        ({"SOULFRA_MASTER_KEY_FILE": ""}, 2, "SOULFRA_MASTER_KEY_FILE: is not set"),
        ({"SOULFRA_MASTER_KEY_FILE": "/dev/null"}, 2, "the master key is of 32 bytes, this one of"),
        ({"SOULFRA_DOOR": "1"}, 2, "SOULFRA_DOOR: unknown setting"),
        ({"SOULFRA_TOKENS_FILE": "/nowhere"}, 2, "SOULFRA_TOKENS_FILE: /nowhere: No such file"),
        ({"DB_POSTGRES_URL": ""}, 2, "DB_POSTGRES_URL: is not set"),
        ({"DB_POSTGRES_URL": "postgresql://soulfra:hush@127.0.0.1:1/soulfra"}, 3, "postgres at "),
    ],
)
def test_what_it_cannot_begin_with_is_said(soulfra_database, tmp_path, environment, code, said):
    """One line, its own exit code, no password."""
    ended, log = Process(tmp_path, soulfra_database, **environment).end(signal.SIGCONT)

    assert ended == code, log
    assert log.startswith(said) or said in log
    assert "hush" not in log
    assert "Traceback" not in log
