"""The answer to `abode status`: closed, and true about what did not answer."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from apps.ops import ask, deploy, show
from apps.ops.reach import Answer
from apps.ops.status import Status
from schemas.anima.files import Condition
from schemas.errors import Refused
from schemas.hosts import Hosts, MacHost, PiHost, Ssh

HOSTS = Hosts(pi=(PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1"),))
NOW = datetime.now(UTC).replace(microsecond=0)
CONDITION = Condition(
    at=NOW, agent="lumen", boot_id="boot-0001", up_seconds=9.0, may_draw=False,
    anima={"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
    action="pause", margin="warning", reason="alone", decided_by="itself", era="field",
    arc_phase="opening", marks=3, pixels=5, late_seconds=0.01, rss_bytes=21_000_000,
    clock_known=False, db_bytes=2_000_000, archive_bytes=None, backup_age_seconds=None,
    written_bytes_today=1_000_000, write_budget_bytes=128_000_000, failures={"canvas": 2},
    dropped={},
)  # fmt: skip


def inspected(name, state="running", health="healthy"):
    """A container as docker shows it."""
    return {
        "Name": f"/{name}",
        "State": {
            "Status": state,
            "StartedAt": NOW.isoformat()[:19] + ".123456789Z",
            "Health": {"Status": health},
        },
        "Config": {"Image": f"abode/{name}:1"},
    }


@pytest.fixture
def house(monkeypatch):
    """A house whose every part answers as told; parts may be overruled."""
    said = {
        "inspect": Answer(json.dumps([inspected(name) for name in ask.CONTAINERS])),
        "psql": Answer(
            json.dumps({"core.agent_state": NOW.isoformat(), "audit.events": NOW.isoformat()})
        ),
        "pi": Answer(
            f"ActiveState=active\nActiveEnterTimestamp=@{int(NOW.timestamp())}\n"
            + json.dumps({"drawing_history": NOW.isoformat(), "outbox_depth": 2})
        ),
    }
    monkeypatch.setattr(
        ask, "on_mac", lambda _, command, given=None, **more: said["psql" if given else "inspect"]
    )
    monkeypatch.setattr(ask, "_on_pi", lambda *_: said["pi"])
    return said


def test_a_house_that_answers_is_whole(house):
    """Hosts, services, rows, outbox."""
    seen = ask.ask(HOSTS, Path())

    assert seen.is_whole
    assert [service.name for service in seen.services] == [*ask.CONTAINERS, "anima"]
    assert seen.outboxes[0].depth == 2
    since = (datetime.now(UTC) - NOW).total_seconds()
    assert all(0 <= row.age_seconds <= since for row in seen.last_rows)


STANDS = {
    "version": "0007.create-drift", "slots": 2048, "agents": 3,
    "behind": {"drift": 0, "transformations": 7},
}  # fmt: skip


def shards(said):
    """A house with one more server: what each says, by its container."""

    def on_mac(_, command, given=None, **more):
        if "inspect" in command:
            return said["inspect"]
        return said[command[3] if "soulfra" in command else "psql"]

    return HOSTS.model_copy(update={"mac": MacHost(soulfra_shards={"two": 5433})}), on_mac


def test_each_shard_tells_how_it_stands(house, monkeypatch):
    """Home, too, once there is another one; each server is a service."""
    hosts, on_mac = shards(house)
    monkeypatch.setattr(ask, "on_mac", on_mac)
    house["postgres-age"] = Answer(json.dumps({"name": "home", **STANDS}))
    house["postgres-age-two"] = Answer(json.dumps({"name": "two", **STANDS}))
    house["inspect"] = Answer(
        json.dumps([inspected(name) for name in (*ask.CONTAINERS, "postgres-age-two")])
    )
    seen = ask.ask(hosts, Path())

    assert seen.is_whole
    assert [shard.name for shard in seen.shards] == ["home", "two"]
    assert seen.shards[1].model_dump(exclude={"name", "answers", "reason"}) == STANDS
    assert "postgres-age-two" in {service.name for service in seen.services}
    assert Status.model_validate_json(seen.model_dump_json()) == seen
    console = Console(width=200, record=True, file=StringIO())
    console.print(show.tables(seen))
    assert "drift 0, transformations 7" in console.export_text()


@pytest.mark.parametrize(
    "said", [Answer(reason="no such container"), Answer(json.dumps({"name": None, **STANDS}))]
)
def test_a_shard_that_is_away_or_another_hides_no_other(house, monkeypatch, said):
    """A database that home never took in is none of its shards."""
    hosts, on_mac = shards(house)
    monkeypatch.setattr(ask, "on_mac", on_mac)
    house["postgres-age"] = Answer(json.dumps({"name": "home", **STANDS}))
    house["postgres-age-two"] = said
    seen = ask.ask(hosts, Path())

    assert not seen.is_whole
    assert [shard.answers for shard in seen.shards] == [True, False]
    assert seen.shards[1].reason in {"no such container", "its database is no shard yet"}


def test_the_creature_tells_of_itself(house):
    """Its own words between the unit's and the rows'; none while it sleeps."""
    assert ask.ask(HOSTS, Path()).creatures[0].condition is None
    head, rows = house["pi"].said.rsplit("\n", 1)
    house["pi"] = Answer(f"{head}\n{CONDITION.model_dump_json()}\n{rows}")
    seen = ask.ask(HOSTS, Path())
    assert seen.creatures[0].condition == CONDITION
    assert seen.outboxes[0].depth == 2
    console = Console(width=200, record=True, file=StringIO())
    console.print(show.creature(seen.creatures[0]))
    shown = console.export_text()
    for fact in (
        "pauses",
        "pause, says itself: alone",
        "field, opening: 3 marks",
        "canvas 2",
        "not known",
        "2.0 MB",
        "none yet",
    ):
        assert fact in shown


def test_json_reads_back_as_the_model(house):
    """What --json prints is the contract."""
    seen = ask.ask(HOSTS, Path())

    assert Status.model_validate_json(seen.model_dump_json()) == seen


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("inspect", Answer(reason="no such command")),
        ("inspect", Answer(json.dumps([inspected("redis")]), reason="no such container")),
        ("inspect", Answer(json.dumps([inspected(n, health="starting") for n in ask.CONTAINERS]))),
        ("psql", Answer(reason="refused")),
        ("pi", Answer(reason="timed out")),
        ("pi", Answer("ActiveState=failed\nActiveEnterTimestamp=\n", reason="no database")),
    ],
)
def test_a_part_that_does_not_answer_is_not_whole(house, part, answer):
    """The other parts are still shown."""
    house[part] = answer
    seen = ask.ask(HOSTS, Path())

    assert not seen.is_whole
    assert len(seen.hosts) == 2
    assert len(seen.services) == len(ask.CONTAINERS) + 1
    assert len(seen.last_rows) == 3


def test_an_empty_table_answers_without_an_age(house):
    """No row yet is not the same as no answer."""
    house["psql"] = Answer(json.dumps({"core.agent_state": None, "audit.events": None}))
    seen = ask.ask(HOSTS, Path())

    assert seen.is_whole
    assert seen.last_rows[0].age_seconds is None


def test_a_deploy_outside_its_checkout_is_refused(tmp_path):
    """Pyinfra would say nothing and answer 0."""
    with pytest.raises(Refused, match=r"inventory\.py: not there"):
        deploy.begin(Path(tmp_path), ["true"], "test", piped=False)
