"""Sixty-four clients, kills of everything, and a ledger that the clients keep outside the house.

Short in CI; ``make soak`` runs it for three minutes.
"""

import http.client
import json
import os
import random
import subprocess
import threading
import time
from contextlib import suppress

import psycopg
import pytest

from tests.stand import governance, stand

SEED = int(os.environ.get("ABODE_SEED") or 20261128)
SECONDS = float(os.environ.get("ABODE_LEDGER_SECONDS") or 20)
CLIENTS = 64
HEAL_SECONDS = 60 + SECONDS
"""What the kills held up is said again, one by one: it takes as long as they did."""


class Client(threading.Thread):
    """One agent with a boot of its own: sends, repeats, reorders, and writes down what was said."""

    def __init__(self, number, port, stop):
        super().__init__(daemon=True)
        self.random = random.Random(SEED * 1_000 + number)
        self.agent, self.boot = f"agent-{number:02}", f"boot-{SEED}-{number:02}"
        self.port, self.stop = port, stop
        self.sent: dict[int, str] = {}
        self.acked: dict[int, dict] = {}
        self.changed: list[str] = []
        self.odd: list[str] = []

    def run(self):
        """Until told to stop; then until all that was sent is acknowledged."""
        seq = 0
        while not self.stop.is_set():
            chance = self.random.random()
            if chance < 0.15 and self.acked:
                self.say(self.random.choice(list(self.acked)))
            elif chance < 0.30:
                # The second of two comes first.
                self.say(seq + 1)
                self.say(seq)
                seq += 2
            else:
                self.say(seq)
                seq += 1
        until = time.monotonic() + HEAL_SECONDS
        while time.monotonic() < until and (left := self.sent.keys() - self.acked.keys()):
            self.say(min(left))

    def say(self, seq):
        """One attempt; what is not acknowledged stays unknown and is said again later."""
        if seq not in self.sent:
            anima = {k: round(self.random.random(), 3) for k in ("warmth", "clarity", "presence")}
            self.sent[seq] = json.dumps(
                {"contract": 2, "agent": self.agent, "boot_id": self.boot, "seq": seq}
                # As a Pi's backlog: what is live may come once a second at most.
                | {"recorded_at": "2026-02-20T12:00:00Z", "anima": anima | {"stability": 0.9}}
            )
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {"Content-Type": "application/json", "X-Session-ID": f"session-{self.agent}"}
        try:
            conn.request("POST", "/v1/checkins", self.sent[seq], headers)
            answer = conn.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            time.sleep(0.05)
            return
        finally:
            conn.close()
        if answer.status == 200:
            self.note(seq, said)
        elif answer.status in {429, 503}:
            time.sleep(0.05)
        else:
            self.odd.append(f"{answer.status} {said}")

    def note(self, seq, said):
        """The first verdict stands for ever."""
        verdict = {k: said[k] for k in ("reason", "risk_score", "coherence", "eisv", "late")}
        first = self.acked.setdefault(seq, verdict)
        if first != verdict:
            self.changed.append(f"{self.agent}/{seq}: {first} then {verdict}")


def kill(house, server, what):
    """Without a warning; it comes back by itself, as the lab's restart policies have it."""
    if what == "governance":
        server.kill()
        return
    name = {"postgres": house.postgres, "redis": house.redis}[what]
    subprocess.run(["docker", "kill", "-s", "KILL", name], check=True, capture_output=True)
    subprocess.run(["docker", "start", name], check=True, capture_output=True)
    if what == "redis":
        with suppress(subprocess.CalledProcessError):
            subprocess.run(
                ["docker", "exec", name, "redis-cli", "-s", "/redis/redis.sock", "FLUSHALL"],
                check=True, capture_output=True,
            )  # fmt: skip


@pytest.fixture(scope="module")
def house(standing):
    """A stand with one governance that is started again whenever it ends."""
    with stand(standing.hosts) as at, governance(at, again=True) as server:
        stop = threading.Event()
        clients = [Client(number, server.port, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        chance = random.Random(SEED)
        until, kills = time.monotonic() + SECONDS, []
        while time.monotonic() < until:
            time.sleep(chance.uniform(1.5, 4.0))
            kills.append(chance.choice(["governance", "governance", "postgres", "redis"]))
            kill(at, server, kills[-1])
        stop.set()
        for client in clients:
            client.join(HEAL_SECONDS + 30)
        assert not any(client.is_alive() for client in clients)
        assert server.healthy(HEAL_SECONDS)
        yield at, server, clients, kills


def rows(at, query, *values):
    """What Postgres holds, as its superuser sees it."""
    with psycopg.connect(at.admin) as conn:
        return conn.execute(query, values or None).fetchall()


def settled(at, query, wanted):
    """The same, once the follower has caught up."""
    until = time.monotonic() + HEAL_SECONDS
    while (found := rows(at, query)) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    return found


def test_everything_sent_was_acknowledged_in_the_end(house):
    """Kills delay; they refuse nothing and change nothing that was said."""
    _, _, clients, kills = house

    assert kills
    assert sum(len(client.acked) for client in clients) > CLIENTS
    assert [odd for client in clients for odd in client.odd] == []
    assert [changed for client in clients for changed in client.changed] == []
    assert [c.agent for c in clients if c.sent.keys() > c.acked.keys()] == []


def test_what_was_acknowledged_is_stored_once_and_nothing_else(house):
    """Key by key, with the verdict that was given."""
    at, _, clients, _ = house
    query = (
        "SELECT i.agent_id, s.boot_id, s.seq, s.reason, s.risk, s.coherence FROM core.agent_state s"
        " JOIN core.identities i USING (identity_id)"
    )
    stored = sorted(rows(at, query))
    known = sorted(
        (c.agent, c.boot, seq, v["reason"], v["risk_score"], v["coherence"])
        for c in clients
        for seq, v in c.acked.items()
    )

    assert stored == known


def test_what_was_stored_is_what_was_sent(house):
    """To the last digit."""
    at, _, clients, _ = house
    found = rows(at, "SELECT boot_id, seq, warmth, clarity, presence FROM core.agent_state")
    sent = {(c.boot, seq): json.loads(b)["anima"] for c in clients for seq, b in c.sent.items()}

    assert all(
        sent[boot, seq] == {"warmth": w, "clarity": c, "stability": 0.9, "presence": p}
        for boot, seq, w, c, p in found
    )


def test_every_row_has_one_line_and_every_line_one_row(house):
    """In the trail and in its index."""
    at, _, clients, _ = house
    text = (at.folder / "audit_log.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    ids = [line["event_id"] for line in lines]
    states = [line for line in lines if line["event_type"] == "check_in"]
    told = [(line["agent_id"], line["payload"]["seq"]) for line in states]
    acked = sum(len(client.acked) for client in clients)

    assert len(ids) == len(set(ids))
    assert sorted(told) == sorted((c.agent, seq) for c in clients for seq in c.acked)
    assert settled(at, "SELECT count(*) FROM audit.events", [(len(lines),)]) == [(len(lines),)]
    index = rows(at, "SELECT event_id::text FROM audit.events")
    assert {i for (i,) in index} == set(ids)
    assert len(told) == acked


def test_nothing_is_stuck(house):
    """No lock, no transaction, no connection too many; a new check-in is answered at once."""
    at, server, _, _ = house
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
    ours = "SELECT count(*) <= 11 FROM pg_stat_activity WHERE usename = 'governance'"

    assert settled(at, held, [(0,)]) == [(0,)]
    assert settled(at, idle, [(0,)]) == [(0,)]
    assert settled(at, ours, [(True,)]) == [(True,)]
    client = Client(99, server.port, threading.Event())
    begun = time.monotonic()
    client.say(0)
    assert 0 in client.acked
    assert time.monotonic() - begun < 1
