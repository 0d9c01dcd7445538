"""Sixty-four writers, kills of Postgres, Redis and the relay, and a ledger kept outside of all.

Short in CI; ``make soak-soulfra`` writes a million events (ABODE_EVENTS).
"""

import asyncio
import itertools
import logging
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from apps.postgres import PostgresSettings, pool
from apps.soulfra.changes import follow_changes
from apps.soulfra.log import Place, settled
from apps.soulfra.rebuild import rebuild
from apps.soulfra.writer import Writer
from schemas.errors import HouseError, Unreachable
from schemas.server import SOULFRA
from schemas.soulfra.keys import STREAM_ENTRIES
from schemas.soulfra.live import StreamName
from tests.database.soulfra.conftest import HOUSE
from tests.database.soulfra.live.conftest import ORDER, TYPES
from tests.soulfra.play import Play
from tests.stand import stand

SEED = int(os.environ.get("ABODE_SEED") or 20261129)
EVENTS = int(os.environ.get("ABODE_EVENTS") or 10_000)
KILLS_SECONDS = (0.7, 1.5) if EVENTS < 100_000 else (8.0, 15.0)
WRITERS = 64
HEAL_SECONDS = 60
GONE = (psycopg.Error, TimeoutError, OSError)


@dataclass
class Ledger:
    """What was given, and what came of it."""

    given: dict = field(default_factory=dict)
    answered: dict = field(default_factory=dict)
    refused: set = field(default_factory=set)


@dataclass
class Soak:
    """One run."""

    at: object
    streams: object
    folder: object
    ledgers: list = field(default_factory=list)
    readers: list = field(default_factory=list)
    kills: list = field(default_factory=list)
    relay: subprocess.Popen | None = None
    over: bool = False

    def relays(self):
        """A relay as a process of its own."""
        told = {"PYTHONPATH": os.pathsep.join(sys.path), "DB_POSTGRES_URL": self.at.app,
                "AT_ONCE": "500", **self.streams.environment(self.folder)}  # fmt: skip
        command = [sys.executable, "-m", "tests.soulfra.relaying"]
        self.relay = subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL)

    def kill(self, what):
        """Without a warning, and start it again."""
        self.kills.append(what)
        if what == "relay":
            self.relay.kill()
            self.relay.wait()
            self.relays()
        elif what == "redis":
            self.streams.stop()
            self.streams.begin()
        else:
            for verb in (["kill", "-s", "KILL"], ["start"]):
                subprocess.run(["docker", *verb, self.at.postgres], check=True, capture_output=True)


async def write(soak, writer, seed):
    """Give commands until there are enough events; what is not answered is given again."""
    play, ledger = Play(seed), Ledger()
    soak.ledgers.append(ledger)
    for body in itertools.chain(play.beginning(), iter(play.next, None)):
        if soak.over:
            return
        command = play.id()
        ledger.given[command] = body.name
        until = time.monotonic() + HEAL_SECONDS
        while time.monotonic() < until:
            try:
                done = await writer.give(body, command, play.name)
            except Unreachable:
                await asyncio.sleep(0.05)
            except HouseError:
                ledger.refused.add(command)
                break
            else:
                ledger.answered[command] = done.answer
                play.heard(done.answer)
                break


async def read(soak, found):
    """Follow the log from the beginning, wherever it breaks off."""
    place = Place()
    while True:
        with suppress(*GONE):
            conn = await psycopg.AsyncConnection.connect(soak.at.app, autocommit=True)
            async with conn:
                while True:
                    page = await settled(conn, place)
                    found += [each.position for each in page]
                    if page:
                        place = Place(page[-1].transaction_id, page[-1].position)
                    elif soak.over == "read":
                        return
                    else:
                        await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)


async def change(soak):
    """What follows a moment later."""
    while soak.over != "read":
        with suppress(*GONE):
            conn = await psycopg.AsyncConnection.connect(soak.at.app, autocommit=True)
            async with conn:
                while soak.over != "read":
                    await follow_changes(conn)
                    await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)


async def killed(soak):
    """Something every few seconds, until there are enough events."""
    chance = random.Random(SEED)
    victims = itertools.cycle(["relay", "postgres", "redis"])
    while len(soak.readers[0]) < EVENTS or len(soak.kills) < 3:
        await asyncio.sleep(chance.uniform(*KILLS_SECONDS))
        await asyncio.to_thread(soak.kill, next(victims))
        print(f"{len(soak.readers[0]):,} events, {len(soak.kills)} kills")  # noqa: T201  # for -s
    soak.over = True


async def soaked(soak):
    """Two processes' writers, two readers, the relay; then all that is left is taken."""
    settings = PostgresSettings(url=soak.at.app, min_conn=1, max_conn=4)
    async with pool(settings, "soulfra") as one, pool(settings, "soulfra") as two:
        writers = [Writer(one, HOUSE), Writer(two, HOUSE)]
        soak.readers = [[], []]
        beside = [asyncio.create_task(read(soak, found)) for found in soak.readers]
        beside.append(asyncio.create_task(change(soak)))
        work = [write(soak, writers[n % 2], SEED * 100 + n) for n in range(WRITERS)]
        await asyncio.gather(killed(soak), *work)
        soak.over = "read"
        async with asyncio.timeout(HEAL_SECONDS):
            await asyncio.gather(*beside)
        for writer in writers:
            await writer.close()


def rows(at, query, *values):
    """What Postgres holds."""
    with psycopg.connect(at.admin) as conn:
        return conn.execute(query, values or None).fetchall()


def test_nobody_skips_doubles_or_owes(standing, run, streams, tmp_path, caplog):
    """Readers, streams, tables and the ledger say the same, whatever was killed meanwhile."""
    caplog.set_level(logging.CRITICAL, "psycopg.pool")  # it tells of each kill at length
    with stand(standing.hosts, tenant=SOULFRA) as at:
        soak = Soak(at, streams, tmp_path)
        soak.relays()
        try:
            run(soaked(soak))
            streamed(soak)
        finally:
            soak.relay.kill()
            soak.relay.wait()
        kept(soak)
        with psycopg.connect(at.owner, autocommit=True, options="-c timezone=UTC") as owner:
            assert rebuild(owner).differing == ()
    assert {"relay", "postgres", "redis"} == set(soak.kills)


def kept(soak):
    """What the log and the tables say, beside what the readers and the writers heard."""
    log = [n for (n,) in rows(soak.at, "SELECT position FROM log.events"
                                       " ORDER BY transaction_id, position")]  # fmt: skip
    assert len(log) >= EVENTS
    assert soak.readers == [log, log]
    assert rows(soak.at, "SELECT count(*) FROM log.verify(NULL)") == [(0,)]

    given = {command for ledger in soak.ledgers for command in ledger.given}
    answered = {c: a for ledger in soak.ledgers for c, a in ledger.answered.items()}
    refused = {command for ledger in soak.ledgers for command in ledger.refused}
    done = dict(rows(soak.at, "SELECT command_id, answer FROM log.commands"))
    assert {c: a.model_dump(mode="json") for c, a in answered.items()} == done
    assert given == answered.keys() | refused
    assert not refused & done.keys()

    owed = ("SELECT count(*) FROM (SELECT sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS s"
            " FROM soulfra.credit_entries) AS e WHERE e.s < 0")  # fmt: skip
    assert rows(soak.at, owed) == [(0,)]
    granted = rows(soak.at, "SELECT v.voting_id, b.id FROM soulfra.votings AS v"
                            " FULL JOIN soulfra.blessings AS b ON b.voting_id = v.voting_id"
                            " WHERE v.status = 'granted' OR b.id IS NOT NULL")  # fmt: skip
    told = sorted(a.told["blessing_id"] for a in answered.values() if "blessing_id" in a.told)
    assert all(voting and number for voting, number in granted)
    assert sorted(number for _, number in granted) == told


def streamed(soak):
    """Each stream is the end of what the log says, nothing twice."""
    until = time.monotonic() + HEAL_SECONDS
    while True:
        log = {name: [one for (one,) in rows(soak.at, ORDER, TYPES[name])] for name in StreamName}
        held = {name: soak.streams.ids(name) for name in StreamName}
        wrong = [n for n in StreamName if held[n] != log[n][len(log[n]) - len(held[n]) :]
                 or len(held[n]) < min(len(log[n]), STREAM_ENTRIES)]  # fmt: skip
        if not wrong:
            return
        assert time.monotonic() < until, [(n, len(held[n]), len(log[n])) for n in wrong]
        time.sleep(0.2)
