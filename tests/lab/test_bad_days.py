"""Killed, stopped, cut short: what was acknowledged is there, and data flows again by itself."""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from random import Random

import pytest

from services.anima import UNIT

OWED = "SELECT count(*) FROM outbox"
RESTARTS = "{{.RestartCount}}"
PI_KILLS = int(os.environ.get("ABODE_PI_KILLS", "2"))
"""Power cuts of the whole Pi; `make soak-pi` says 30."""
SEED = 20261129
DRAWN = """SELECT id, E, I, S, V, C, marks, phase, era FROM drawing_history"""
GIVEN = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"


class Ledger(threading.Thread):
    """A client that sends numbered check-ins and writes down, outside the house, what was acked."""

    def __init__(self, standing, agent):
        super().__init__(daemon=True)
        self.url = f"http://127.0.0.1:{standing.hosts.mac.governance_port}/v1/checkins"
        self.agent, self.sent, self.acked = agent, [], []
        self.done = threading.Event()

    def run(self):
        """Send until told to stop."""
        seq = 0
        while not self.done.is_set():
            seq += 1
            self.sent.append(seq)
            # The same check-in until it is answered, as the Pi's outbox does.
            while not self.done.is_set():
                if self._post(seq):
                    self.acked.append(seq)
                    break
                time.sleep(0.1)
            time.sleep(0.02)

    def _post(self, seq):
        body = {
            "agent": self.agent, "boot_id": "ledger-of-the-test", "seq": seq,
            "recorded_at": "2026-11-20T00:00:00+00:00",
            "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": seq % 10 / 10},
        }  # fmt: skip
        ask = urllib.request.Request(self.url, json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})  # fmt: skip
        try:
            with urllib.request.urlopen(ask, timeout=5) as answer:
                return json.load(answer)["success"] is True
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def settle(self, standing):
        """Stop; the seqs that are rows."""
        self.done.set()
        self.join(timeout=10)
        rows = standing.sql(
            "SELECT seq FROM core.agent_state JOIN core.identities USING (identity_id) "
            f"WHERE agent_id = '{self.agent}' ORDER BY seq"
        )
        return [int(row) for row in rows.split()]


@pytest.fixture
def ledger(standing, request):
    """Check-ins flow while the test does its worst."""
    thread = Ledger(standing, f"ledger-{request.node.name[:40].replace('[', '-').replace(']', '')}")
    thread.start()
    yield thread
    thread.done.set()


def _checkins(standing):
    return int(standing.sql(
        "SELECT count(*) FROM core.agent_state JOIN core.identities USING (identity_id) "
        f"WHERE agent_id = '{standing.hosts.pi[0].agent}'"))  # fmt: skip


def _drawn(standing):
    """Rows of drawing_history; none while the Pi does not answer yet."""
    return int(standing.anima("SELECT count(*) FROM drawing_history", check=False) or 0)


def _healthy(standing, name):
    status = "{{.State.Status}} {{.State.Health.Status}}"
    return standing.docker("inspect", "-f", status, standing.called(name)) == "running healthy"


def _nothing_lost(standing, ledger):
    rows = ledger.settle(standing)

    assert len(rows) == len(set(rows)), "a check-in became two rows"
    assert set(ledger.acked) <= set(rows), "an acknowledged check-in is gone"
    assert set(rows) <= set(ledger.sent), "a row that nobody sent"
    assert len(ledger.acked) > 20


@pytest.mark.parametrize("name", ["governance", "postgres-age", "redis"])
def test_a_container_killed_loses_nothing(standing, ledger, eventually, name):
    """kill -9 of its first process, by pid; docker brings it back and acks go on."""
    assert eventually(lambda: len(ledger.acked) > 20, seconds=20)
    pid = standing.docker("inspect", "-f", "{{.State.Pid}}", standing.called(name))

    standing.run("kill", "-9", pid)

    acked = len(ledger.acked)
    assert eventually(
        lambda: _healthy(standing, name) and len(ledger.acked) > acked + 20, seconds=60
    )
    _nothing_lost(standing, ledger)


def test_anima_killed_loses_nothing(standing, eventually):
    """kill -9 of the process on the Pi: systemd restarts it, the outbox drains, rows are unique."""
    pid = standing.ssh(f"systemctl show -p MainPID --value {UNIT}")
    before = _checkins(standing)

    standing.ssh(f"sudo kill -9 {pid}")

    assert eventually(lambda: _checkins(standing) > before, seconds=30)
    assert eventually(lambda: standing.anima(OWED) == "0", seconds=15)
    assert (
        standing.sql(
            "SELECT count(*) FROM (SELECT 1 FROM core.agent_state "
            "GROUP BY identity_id, boot_id, seq HAVING count(*) > 1) AS twice"
        )
        == "0"
    )


def test_postgres_stopped_and_back(standing, ledger, eventually):
    """Governance says so in one line, exits non-zero, returns with Postgres; the outbox drains."""
    assert eventually(lambda: len(ledger.acked) > 20, seconds=20)
    governance, postgres = standing.called("governance"), standing.called("postgres-age")

    def restarts():
        return int(standing.docker("inspect", "-f", RESTARTS, governance))

    before = restarts()
    since = standing.docker("inspect", "-f", "{{.State.StartedAt}}", governance)

    standing.docker("stop", postgres)
    assert eventually(lambda: restarts() > before, seconds=30)
    said = standing.run("docker", "logs", "--since", since, governance)
    lines = (said.stdout + said.stderr).splitlines()
    assert any("postgres" in line for line in lines)
    assert not any("Traceback" in line for line in lines)
    standing.docker("start", postgres)

    acked = len(ledger.acked)
    assert eventually(lambda: _healthy(standing, "governance") and len(ledger.acked) > acked + 20,
                      seconds=60)  # fmt: skip
    _nothing_lost(standing, ledger)
    assert eventually(lambda: standing.anima(OWED) == "0", seconds=70)


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_pi_restarted_flows_again(standing, eventually, how):
    """Within 30 s of a reboot or a power cut, check-ins arrive and drawings are recorded."""
    before, pi = _checkins(standing), standing.called("pi")
    drawn = _drawn(standing)

    if how == "restart":
        standing.docker("restart", "-t", "30", pi)
    else:
        standing.docker("kill", "-s", "KILL", pi)
        standing.docker("start", pi)

    begun = time.monotonic()
    assert eventually(lambda: _checkins(standing) > before, seconds=30), "no check-in"
    assert eventually(
        lambda: _drawn(standing) > drawn,
        seconds=30 - (time.monotonic() - begun) + 5,
    )


def test_a_pi_killed_again_and_again_loses_nothing_that_was_committed(standing, eventually, capsys):
    """At moments drawn by lot: what was read over ssh before stays, check-ins arrive once each.

    A number of the outbox that was given is a row of core.agent_state in the end, and one alone.
    """
    rng, pi = Random(SEED), standing.called("pi")
    first = given = int(standing.anima(GIVEN) or 0)
    had, rows, looks, seconds = set(_arrived(standing)), set(), 0, []
    for _ in range(PI_KILLS):
        time.sleep(rng.uniform(0, 6))
        if seen := standing.anima(DRAWN, check=False):
            rows, looks = rows | set(seen.splitlines()), looks + 1
            given = max(given, int(standing.anima(GIVEN, check=False) or 0))
        time.sleep(rng.uniform(0, 1))
        standing.docker("kill", "-s", "KILL", pi)
        known = max(given, *_arrived(standing))
        standing.docker("start", pi)
        began = time.monotonic()
        if rng.random() < 0.7:  # else it is killed again while it starts
            assert eventually(partial(_is_beyond, standing, known), seconds=60), "no check-in"
            seconds.append(time.monotonic() - began)
    assert eventually(partial(_is_beyond, standing, given), seconds=60), "no check-in"
    end = int(standing.anima(GIVEN))
    assert eventually(partial(_is_beyond, standing, end - 1), seconds=90), "not drained"
    gone = rows - set(standing.anima(DRAWN).splitlines())
    arrived = _arrived(standing)
    new = [seq for seq in arrived if first < seq <= end]
    table = {
        "kills of the Pi": PI_KILLS,
        "looks before them": looks,
        "drawing steps seen committed": len(rows),
        "of these gone": len(gone),
        "check-ins given": end - first,
        "rows of them on the Mac": len(new),
        "flows again, s at most": round(max(seconds, default=0), 1),
    }
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{table[what]:>10}  {what}\n" for what in table))

    assert gone == set()
    assert len(new) == len(set(new)), "a check-in became two rows"
    assert set(new) == set(range(first + 1, end + 1)), "a check-in never came"
    assert had <= set(arrived), "what governance had is gone"
    assert first < given <= end
    assert looks >= PI_KILLS // 2


def _is_beyond(standing, seq):
    """Whether a check-in came that has a higher number."""
    return max(_arrived(standing), default=0) > seq


def _arrived(standing):
    """The numbers of the outbox that are rows, in order; twice if it has two."""
    said = standing.sql(
        "SELECT seq FROM core.agent_state JOIN core.identities USING (identity_id) "
        f"WHERE agent_id = '{standing.hosts.pi[0].agent}' AND seq > 0 ORDER BY seq"
    )
    return [int(seq) for seq in said.split()]


def test_everything_restarted_is_as_declared(standing, eventually):
    """After docker restart of everything a deploy has nothing to do."""
    names = [standing.called(n) for n in ("postgres-age", "redis", "governance", "pi")]
    standing.docker("restart", *names)
    assert eventually(lambda: all(_healthy(standing, n) for n in
                                  ("postgres-age", "redis", "governance")), seconds=60)  # fmt: skip
    assert eventually(lambda: standing.ssh(f"systemctl is-active {UNIT}", check=False) == "active")

    said = json.loads(standing.deploy("-y", "--json").stdout)

    assert said["results"]["totals"]["success"] == 0
