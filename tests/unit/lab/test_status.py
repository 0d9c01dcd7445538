"""The answer to `abode status`: closed, and true about what did not answer."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.ops import ask, deploy
from apps.ops.reach import Answer
from apps.ops.status import Status
from schemas.errors import Refused
from schemas.hosts import Hosts, PiHost, Ssh

HOSTS = Hosts(pi=(PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1"),))
NOW = datetime.now(UTC).replace(microsecond=0)


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
    assert len(seen.services) == 4
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
