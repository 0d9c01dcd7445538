"""One check-in followed through a living house: all is well, or exactly what is broken is named."""

import json
import os
import shlex
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.ops import reach
from apps.ops.verify.said import NEEDS
from schemas import ports
from services.anima import UNIT

ROOT = Path(__file__).resolve().parents[2]
FLIP = """
import sys
with open(sys.argv[1], "r+b") as file:
    text = file.read()
    at = text.index(b'"sha256":"', text.index(sys.argv[2].encode())) + len('"sha256":"')
    file.seek(at)
    file.write(bytes([text[at] ^ 1]))
"""
ALIVE = """
import os, sqlite3, sys
db = sqlite3.connect(os.path.expanduser("~/.anima/anima.db"), timeout=20, isolation_level=None)
"""
AGED = (
    ALIVE
    + """
rows = db.execute("SELECT id, timestamp FROM drawing_history ORDER BY id DESC LIMIT 400").fetchall()
try:
    db.execute("BEGIN IMMEDIATE")
    db.executemany("UPDATE drawing_history SET timestamp = ?2 WHERE id = ?1",
                   [(row[0], "2026-01-01T00:00:00+00:00") for row in rows])
    db.execute("COMMIT")
    db.execute("BEGIN IMMEDIATE")
    print("planted", flush=True)
    sys.stdin.readline()
finally:
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute("BEGIN IMMEDIATE")
    db.executemany("UPDATE drawing_history SET timestamp = ?2 WHERE id = ?1", rows)
    db.execute("COMMIT")
"""
)
"""The newest steps are of last winter, and no newer one comes; over when this side hangs up."""


@pytest.fixture(scope="module")
def lab(standing):
    """A lab: nothing is planted in a real house."""
    if not standing.hosts.lab:
        pytest.skip("not a lab")
    return standing


def begun(standing, *words):
    """The command, running."""
    command = "import sys; from apps.ops.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [standing.bin / "python", "-c", command, "verify", "--json", *words],
        cwd=ROOT, env=standing.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(running):
    """What it says, and its exit code."""
    said, complaint = running.communicate(timeout=180)
    assert running.returncode in {0, 3, 4}, complaint
    return json.loads(said), running.returncode


def verify(standing, *words):
    """Both."""
    return ended(begun(standing, *words))


def states(said, state):
    """The names of the lines that are so."""
    return {line["name"] for line in said["lines"] if line["state"] == state}


@pytest.fixture(scope="module")
def followed(lab):
    """The check-in that a creature makes when it wakes, followed from the Pi's loop.

    On a busy machine it may be gone from the outbox before it was seen there: then the next one.
    """
    for _ in range(3):
        running = begun(lab)
        assert "waiting for" in running.stderr.readline()
        time.sleep(1)  # it looks at what there is, over ssh
        lab.ssh(f"sudo systemctl restart {UNIT}")
        said, code = ended(running)
        if code or said["marks"][0]["sha256"]:
            break
    return said, code


def test_a_house_that_lives_is_ok_in_every_line(followed):
    """Fifteen lines, exit 0, and the very bytes of the outbox are in the row and on the trail."""
    said, code = followed
    evidence = {line["name"]: line["evidence"] for line in said["lines"]}
    mark = said["marks"][0]

    assert [line["name"] for line in said["lines"]] == list(NEEDS)
    assert (states(said, "not ok"), states(said, "not asked"), code) == (set(), set(), 0)
    assert mark["how"] == "followed"
    assert mark["seq"] > evidence["check-in"]["seq_before"]
    assert evidence["core.agent_state"]["sha256"] == mark["sha256"]
    assert evidence["audit.events"]["event_id"] == evidence["audit_log.jsonl"]["event_id"]


class House:
    """A lab with a check-in that was followed; what is planted in it is undone at the end."""

    def __init__(self, standing, said):
        self.standing, self.mark = standing, said["marks"][0]
        self.evidence = {line["name"]: line["evidence"] for line in said["lines"]}

    @property
    def key(self):
        """As --mark takes it."""
        return f"{self.mark['boot_id']}/{self.mark['seq']}"

    def do(self, text):
        """Statements of the superuser, past every trigger."""
        self.standing.sql(f"SET session_replication_role = replica; {text}")

    @contextmanager
    def changed(self, table, where, column, value):
        """Another value in one column of a row."""
        before = self.standing.sql(f"SELECT quote_literal({column}) FROM {table} WHERE {where}")
        try:
            self.do(f"UPDATE {table} SET {column} = {value} WHERE {where}")
            yield
        finally:
            self.do(f"UPDATE {table} SET {column} = {before} WHERE {where}")

    def state(self, column, value):
        """In the check-in's own row."""
        number = self.evidence["core.agent_state"]["state_id"]
        return self.changed("core.agent_state", f"state_id = {number}", column, value)

    def answer(self, value):
        """In the row of the newest check-in, while no other is due: the Pi goes by its verdict."""
        newest = (
            "SELECT max(state_id), now() - max(recorded_at) < '20 s' FROM core.agent_state"
            f" JOIN core.identities USING (identity_id) WHERE agent_id = '{self.mark['agent']}'"
        )
        for _ in range(90):
            state, is_fresh = self.standing.sql(newest).split("|")
            if is_fresh == "t":
                break
            time.sleep(1)
        where = f"state_id = {state}"
        return self.changed("core.agent_state", where, "reason", value)

    def event(self, column, value):
        """In its event's row."""
        event = self.evidence["audit.events"]["event_id"]
        return self.changed("audit.events", f"event_id = '{event}'", column, value)

    @contextmanager
    def vertex(self):
        """The graph knows the agent, and knows it wrong."""
        cypher = ("LOAD 'age'; SET search_path = ag_catalog, pg_catalog; SELECT * FROM "
                  "cypher('governance_graph', $$ %s $$) AS (a agtype)")  # fmt: skip
        of = f"(a:Agent {{id: '{self.mark['agent']}', status: 'archived', created_at: 'planted'}})"
        try:
            self.do(cypher % f"CREATE {of}")
            yield
        finally:
            self.do(cypher % f"MATCH {of} DELETE a")

    @contextmanager
    def byte(self):
        """One bit of the audit line, in its place."""
        line = self.evidence["audit_log.jsonl"]
        path = f"{ports.GOVERNANCE_DATA_DIR}/{line['file']}"
        flip = ("exec", self.standing.called("governance"), "python", "-c", FLIP, path,
                line["event_id"])  # fmt: skip
        self.standing.docker(*flip)
        try:
            yield
        finally:
            self.standing.docker(*flip)

    @contextmanager
    def paused(self, name):
        """A container stands still."""
        called = self.standing.called(name)
        self.standing.docker("pause", called)
        try:
            yield
        finally:
            self.standing.docker("unpause", called)

    @contextmanager
    def stopped(self):
        """The creature sleeps."""
        try:
            self.standing.ssh(f"sudo systemctl stop {UNIT}")
            yield
        finally:
            self.standing.ssh(f"sudo systemctl start {UNIT}")

    @contextmanager
    def aged(self):
        """The newest steps are long past, and nothing is written for as long as we look."""
        pi = self.standing.hosts.pi[0]
        to = pi.ssh.model_copy(update={"user": pi.user})
        command = reach.ssh_command(to, f"python3 -c {shlex.quote(AGED)}")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as far:
            try:
                assert far.stdout.readline() == b"planted\n"
                yield
            finally:
                far.stdin.close()
                far.wait(30)

    @contextmanager
    def cut(self):
        """The Pi looks for governance where nobody is; the check-in of its waking waits."""
        name = self.standing.called("governance")
        hosts = f"sudo sh -c 'cp /etc/hosts /tmp/hosts && echo 127.0.0.9 {name} >> /etc/hosts'"
        self.standing.ssh(hosts)
        try:
            self.standing.ssh(f"sudo systemctl restart {UNIT}")
            time.sleep(3)
            yield
        finally:
            self.standing.ssh("sudo sh -c 'cat /tmp/hosts > /etc/hosts && rm /tmp/hosts'")
            self.standing.ssh(f"sudo systemctl restart {UNIT}")


LEAST = """
jsonb_set(state_json, '{drawing_eisv,E}',
          to_jsonb((state_json #>> '{drawing_eisv,E}')::numeric + 0.0000000000000001))
"""
ROWS = {
    "verdict": lambda house: house.answer("'planted'"),
    "core.agent_state": lambda house: house.state("boot_id", "'planted-0000'"),
    "drawing_eisv": lambda house: house.state("state_json", LEAST),
    "audit.events": lambda house: house.event("payload", 'payload || \'{"margin": "planted"}\''),
    "audit_log.jsonl": lambda house: house.byte(),
    "governance_graph": lambda house: house.vertex(),
}
"""Lines, each with what turns it red; the verdict first, while no check-in is due."""
STORES = {
    "drawing_history": lambda house: house.aged(),
    "redis": lambda house: house.paused("redis"),
    "governance": lambda house: house.paused("governance"),
    "postgres": lambda house: house.paused("postgres-age"),
    "pi": lambda house: house.paused("pi"),
    "anima": lambda house: house.stopped(),
}
SILENT = {"redis", "governance", "postgres", "pi"}
QUICK = {"core.agent_state", "audit_log.jsonl"}
LONG = pytest.mark.skipif("ABODE_SOAK" not in os.environ, reason="make soak-legacy")


@pytest.fixture(scope="module")
def house(lab, followed):
    """A house with a check-in; when all is undone every line is ok again."""
    yield House(lab, followed[0])
    assert verify(lab, "--wait", "0")[1] == 0


@pytest.fixture
def well_again(lab, eventually):
    """What stood still goes on by itself."""
    yield
    assert eventually(lambda: verify(lab, "--wait", "0")[1] == 0, seconds=90, every=2)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=() if each in QUICK else LONG) for each in ROWS]
)
def test_one_wrong_row_line_or_vertex_turns_its_line_red(house, name):
    """And no other: what rests on it was not asked. Exit 4."""
    with ROWS[name](house):
        said, code = verify(house.standing, "--mark", house.key)

    assert states(said, "not ok") == {name}
    assert states(said, "not asked") <= resting(name)
    assert code == 4


@pytest.mark.parametrize("name", STORES)
@LONG
def test_one_store_or_process_that_fails_turns_its_line_red(house, well_again, name):
    """Exit 3 when it is silent, 4 when it says what is wrong."""
    with STORES[name](house):
        said, code = verify(house.standing, "--mark", house.key)

    assert states(said, "not ok") == {name}
    assert states(said, "not asked") <= resting(name)
    assert code == (3 if name in SILENT else 4)


@LONG
def test_a_bridge_that_is_cut_turns_the_outbox_red(house, well_again):
    """The check-in was made, and waits."""
    with house.cut():
        said, code = verify(house.standing, "--wait", "0")

    assert states(said, "not ok") == {"outbox"}
    assert states(said, "not asked") <= resting("outbox")
    assert code == 4


def resting(on):
    """The lines that rest on one, near or far."""
    found = {name for name, needs in NEEDS.items() if on in needs}
    return found.union(*(resting(name) for name in found))
