"""up, down and destroy: what was kept is there again, and nobody loses what is not theirs."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.lab import flow
from services.anima import UNIT

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"container": ("ps", "-a"), "volume": ("volume", "ls"), "network": ("network", "ls")}
ON_MAC = ("core.identities", "core.agent_state", "audit.events", "ledger._yoyo_migration")
ON_PI = ("identity", "drawing_history", "state_history", "events")
READ = "import sys; sys.stdin.read()"


def counts(standing):
    """Rows of both sides, table by table."""
    lines = standing.sql(asked_of(ON_MAC)).splitlines()
    lines += standing.anima(asked_of(ON_PI)).splitlines()
    return {table: int(rows) for table, _, rows in (line.partition("|") for line in lines)}


def asked_of(tables):
    """One statement for the rows of many tables."""
    return " UNION ALL ".join(f"SELECT '{table}|' || count(*) FROM {table}" for table in tables)


def first_rows(standing, until):
    """A digest of the check-ins that were there first."""
    return standing.sql(
        "SELECT md5(string_agg(r::text, ',' ORDER BY state_id)) "
        f"FROM core.agent_state AS r WHERE state_id <= {until}"
    )


def wearing(standing, lab):
    """Containers, volumes and networks of a lab of this checkout."""
    filters = ("--filter", f"label=abode.lab={lab}", "--filter", f"label=abode.home={ROOT}")
    name = {"container": "{{.Names}}", "volume": "{{.Name}}", "network": "{{.Name}}"}
    return {
        f"{kind} {each}"
        for kind, command in KINDS.items()
        for each in standing.docker(*command, *filters, "--format", name[kind]).split()
    }


def running(standing):
    """Identity and start of every container, the Pi's too."""
    pi = standing.docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", standing.called("pi"))
    return {**standing.started(), "pi": pi}


def files(directory):
    """What lies in a lab's state, except what each run writes."""
    fleeting = {"deploy.lock", "deploy.log"}
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name not in fleeting
    }


@pytest.fixture
def other(standing):
    """Makes another lab of this checkout: its network, Pi and state; gone afterwards."""
    made = []

    def make(suffix, **environment):
        lab = f"{standing.hosts.lab.name}-{suffix}"
        made.append(lab)
        standing.run(sys.executable, "-m", "apps.lab", "pi", LAB=lab, **environment)
        return lab

    yield make
    for lab in made:
        standing.run(str(standing.bin / "abode"), "destroy", LAB=lab)


def test_down_stops_all_and_up_loses_nothing(standing):
    """Rows on both sides only grow; new ones flow; keys and secrets are the same."""
    abode, lab = str(standing.bin / "abode"), standing.hosts.lab.name
    last = standing.sql("SELECT max(state_id) FROM core.agent_state")
    before, rows, things = counts(standing), first_rows(standing, last), wearing(standing, lab)
    state = files(standing.state)

    said = standing.run(abode, "down").stdout
    alive = standing.docker("ps", "-q", "--filter", f"label=abode.lab={lab}")
    kept = wearing(standing, lab)
    again = standing.run(abode, "down").stdout
    standing.run(abode, "up")
    after = counts(standing)

    assert alive == ""
    assert said.splitlines() == [
        f"stopped container {standing.called(name)}"
        for name in ("pi", "governance", "soulfra", "redis", "redis-soulfra", "postgres-age")
    ]
    assert again == "nothing to be stopped\n"
    assert kept == things
    assert all(after[table] >= before[table] for table in (*ON_MAC, *ON_PI))
    assert first_rows(standing, last) == rows
    assert after["core.agent_state"] > before["core.agent_state"]
    assert after["drawing_history"] > before["drawing_history"]
    assert files(standing.state) == state


def test_a_row_of_the_process_before_proves_nothing(standing):
    """An anima that was restarted and is mute must not live on its predecessor's rows."""
    last = standing.sql("SELECT to_json(max(received_at)) FROM core.agent_state").strip('"')
    standing.ssh(f"sudo systemctl restart {UNIT}")
    since = flow.flowing_since(standing.hosts, datetime.now(UTC))
    there = flow.wait_for_row(standing.hosts, since)

    assert since > datetime.fromisoformat(last)
    assert there >= 1


def test_up_again_changes_nothing_but_what_a_dead_run_left(standing, other):
    """No container is made or started anew; the lab whose owner is gone goes."""
    owner = subprocess.Popen([sys.executable, "-c", READ], stdin=subprocess.PIPE)
    dead = other("d", ABODE_OWNER_PID=str(owner.pid))
    owner.communicate()
    left, before = wearing(standing, dead), running(standing)
    said = " ".join(standing.run(str(standing.bin / "abode"), "up").stdout.split())

    assert {what.split()[0] for what in left} == {"container", "volume", "network"}
    assert all(what in said for what in left)
    assert wearing(standing, dead) == set()
    assert not (ROOT / ".abode" / dead).exists()
    assert running(standing) == before


def test_destroy_takes_one_lab_and_nothing_else(standing, other):
    """Exactly its containers, volumes, networks and state."""
    lab = other("x")
    mine, state = running(standing), files(standing.state)
    things = wearing(standing, standing.hosts.lab.name)
    theirs = wearing(standing, lab) | {f"state {ROOT}/.abode/{lab}"}
    said = standing.run(str(standing.bin / "abode"), "destroy", LAB=lab).stdout

    assert len(theirs) == 4
    lines = said.splitlines()
    assert {line for line in lines if line.startswith("removed")} == {
        f"removed {w}" for w in theirs
    }
    # An engine that this checkout started goes on for the lab that is left.
    assert all("left engine" in line for line in lines if not line.startswith("removed"))
    assert wearing(standing, lab) == set()
    assert not (ROOT / ".abode" / lab).exists()
    assert wearing(standing, standing.hosts.lab.name) == things
    assert files(standing.state) == state
    assert running(standing) == mine
    assert (ROOT / ".abode/cache").is_dir()
