"""Two people with agents, loops and memories; everything of the first is marked."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from apps.postgres import PostgresSettings
from apps.soulfra.memory.handles import Handles
from apps.soulfra.memory.told import Faded, Reflected, Remembered
from apps.soulfra.privacy.memories import Keys
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import HOUSE, caught_up, writing

ADA, EVE = UUID(int=0xADA), UUID(int=0xE5E)
MARKS = {
    "username": "ada-zqmark1",
    "email": "zqmark2@mail.example.org",
    "archetype": "zqmark3 oracle",
    "whisper": "zqmark4 it rains",
    "mentioned": "zqmark5@mail.example.org",
    "name": "@zqmark6",
    "unsigned": "zqmark7 it hails",
    "prophecy": "zqmark8 it will snow",
    "memory": "zqmark9 it rained",
    "reflection": "zqmark10 who am I",
}
PHONE = "+49 30 901820"
GUILD = "zqguild of those that rhyme"
"""Of nobody alone: it stays."""


async def told(writer):
    """Both come and say something."""
    for user, mark in ((ADA, MARKS), (EVE, dict.fromkeys(MARKS, "eve"))):
        name = "ada" if user == ADA else "eve"
        email = mark["email"] if user == ADA else "eve@x.org"
        call = f"write {mark['mentioned']} or {PHONE}, ask {mark['name']}"
        for body in (
            c.RegisterUser(user_id=user, username=mark["username"], email=email),
            c.RegisterAgent(agent_id=f"a-{name}", user_id=user, archetype=mark["archetype"]),
            c.Whisper(loop_id=f"{name}-rain", agent_id=f"a-{name}",
                      text=f"{mark['whisper']}: {call}"),
            c.Whisper(loop_id=f"{name}-hail", agent_id=f"a-{name}", unsigned=True,
                      text=f"{mark['unsigned']}: {call}"),
            c.Prophesy(agent_id=f"a-{name}", text=f"{mark['prophecy']}: {call}"),
            c.Fork(loop_id=f"{name}-fork", parent=f"{name}-rain", agent_id=f"a-{name}"),
        ):  # fmt: skip
            await writer.give(body, by="gallery")
    await writer.give(c.FoundGuild(guild_id="g", guild_name=GUILD, agent_id="a-ada"))
    for loop, agent in (("ada-hail", "a-eve"), ("eve-rain", "a-ada")):
        await writer.give(c.OpenVoting(voting_id=f"v-{loop}", loop_id=loop, agent_id=agent))
        await writer.give(c.CastVote(voting_id=f"v-{loop}", agent_id=agent, approves=True))


@pytest.fixture
def people(run, soulfra_database):
    """A database in which both said what they say."""

    async def play():
        async with writing(soulfra_database) as writer:
            await told(writer)

    run(play())
    run(caught_up(soulfra_database))
    return soulfra_database


def remembering(database, agents: Path):
    """What opens memories, with keys that follow from their owners'."""
    keys = Keys(PostgresSettings(url=database.app, min_conn=1, max_conn=3), HOUSE)
    return Handles(agents, keys)


@pytest.fixture
def memories(people, tmp_path):
    """A folder ``agents`` in which both agents remember, with a copy and an archive."""
    handles = remembering(people, tmp_path / "agents")
    at = datetime(2026, 11, 29, tzinfo=UTC)
    for agent, mark in (("a-ada", MARKS), ("a-eve", dict.fromkeys(MARKS, "eve"))):
        with handles.using(agent) as file:
            file.remember(Remembered(timestamp=at, type="rain", content=mark["memory"],
                                     significance=0))  # fmt: skip
            file.reflect(Reflected(timestamp=at, prompt=mark["reflection"]))
            file.compress(Faded(before=at.replace(year=2027)))
            [(number,)] = file._database._db.execute("SELECT id FROM bundles").fetchall()
            file._bundles.move_out(number)
    handles.close()
    return tmp_path / "agents"


class Server:
    """The scratch server, from inside its container."""

    def __init__(self, database):
        self.database = database.name
        port = psycopg.conninfo.conninfo_to_dict(database.admin)["port"]
        listed = self._run("docker", "ps", "--format", "{{.Names}} {{.Ports}}").decode()
        [self.container] = [
            line.split()[0] for line in listed.splitlines() if f"127.0.0.1:{port}->5432" in line
        ]

    def _run(self, *words):
        return subprocess.run(words, capture_output=True, check=True).stdout

    def dump(self):
        """All of the database as pg_dump writes it."""
        of = ("-h", "/tmp", "-U", "postgres", self.database)
        return self._run("docker", "exec", self.container, "pg_dump", *of)

    def files(self, ask, *, wal):
        """Every byte of the data directory but for other databases; ``wal`` alone, or without."""
        of = ("-h", "/tmp", "-U", "postgres", "-c", "CHECKPOINT")
        self._run("docker", "exec", self.container, "psql", *of)
        [(oid,)] = ask("SELECT oid FROM pg_database WHERE datname = current_database()")
        what = "pg_wal" if wal else f"--exclude=./pg_wal --exclude=./base . base/{oid}"
        script = f"cd $PGDATA && tar cf - {what}"
        done = subprocess.run(
            ["docker", "exec", self.container, "sh", "-c", script], capture_output=True, check=False
        )
        assert done.returncode in {0, 1}, done.stderr  # 1: a file changed while it was read
        return done.stdout


@pytest.fixture
def server(soulfra_database):
    """Where the test's database lies."""
    return Server(soulfra_database)
