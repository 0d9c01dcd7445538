"""Memories are compressed and taken apart over HTTP and by ``abode soulfra memory``."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from apps.ops import soulfra_memory
from apps.ops.cli import app
from schemas.errors import Refused, Unreachable
from schemas.soulfra.memory import FADED_DAYS
from schemas.soulfra.server import APP, PERSON
from tests.database.soulfra.privacy.test_over_http import AT, CLIENTS
from tests.database.soulfra.test_doors import Process

OLD = datetime.now(UTC) - timedelta(days=FADED_DAYS + 1)


@pytest.fixture
def process(people, tmp_path):
    """A running one; an agent remembers three things, two of which faded."""
    url = people.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")
    made = Process(tmp_path, people, CLIENTS, SOULFRA_PERSON_POSTGRES_URL=url).ready()
    for n, significance in enumerate((0.1, 0.2, 0.9)):
        at = (OLD + timedelta(seconds=n)).isoformat()
        said = {"timestamp": at, "type": "rain", "content": f"{n}", "significance": significance}
        assert ask(made, "memories", said)[0] == 200
    yield made
    code, said = made.end()
    assert code == 0, said


def ask(process, what, told=None, by="of-ada", agent="a-ada"):
    """Status and answer."""
    method, body = ("GET", None) if told is None else ("POST", json.dumps(told))
    return process.ask(method, f"{AT}/{what}/{agent}", body, token=by)


def test_whoever_may_remember_may_compress(process):
    """The person and who may remember; nobody else, and not otherwise than it is said."""
    for token in ("of-eve", "of-gallery"):
        for what, told in (("compress", {}), ("expand", {"bundle_id": 1}), ("bundles", None)):
            assert ask(process, what, told, token)[0] == 403
    assert ask(process, "memory")[1]["compressed"] == 0

    assert ask(process, "compress", {}) == (200, {"memories": 2})
    status, [bundle] = ask(process, "bundles", by="of-operator")
    assert (status, bundle["memories"], bundle["moved_out"]) == (200, 2, False)
    assert [each["content"] for each in ask(process, "memories")[1]] == ["2", "1", "0"]
    told = {"bundle_id": bundle["id"]}
    assert ask(process, "expand", told, "of-operator") == (200, {"memories": 2})
    assert ask(process, "expand", told)[0] == 404
    assert ask(process, "compress")[0] == 405
    assert ask(process, "bundles", {})[0] == 405
    assert ask(process, "compress", {"below": 2})[0] == 422
    assert ask(process, "compress", {}, "of-operator", "nobody")[0] == 404


def test_a_reflection_compresses_what_faded(process):
    """Nobody has to ask for it."""
    assert ask(process, "reflections", {"prompt": "why?"})[0] == 200
    counts = ask(process, "memory")[1]
    assert (counts["compressed"], counts["bundles"], counts["uncompressed"]) == (2, 1, 0)


@pytest.fixture
def abode(process, monkeypatch, tmp_path):
    """``abode soulfra memory``, with the process as the one in force."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / soulfra_memory.TOKEN).write_text("of-operator\n")
    hosts = SimpleNamespace(mac=SimpleNamespace(ssh=None, soulfra_port=process.port))
    monkeypatch.setattr(soulfra_memory, "in_force", lambda _: (hosts, tmp_path))

    def run(*words):
        done = CliRunner().invoke(app, ["soulfra", "memory", *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    yield run
    hosts.mac.soulfra_port = 1
    with pytest.raises(Unreachable, match="soulfra: ConnectionRefusedError"):
        run("a-ada")


def test_the_operator_s_word(abode):
    """Shown to eyes and to programs; what is refused is said as the process says it."""
    assert "compressed 2 memories" in abode("a-ada", "--compress")
    said = json.loads(abode("a-ada", "--json"))
    assert (said["counts"]["memories"], said["counts"]["compressed"]) == (3, 2)
    [bundle] = said["bundles"]
    said = json.loads(abode("a-ada", "--expand", str(bundle["id"]), "--json"))
    assert (said["done"], said["bundles"]) == ({"expanded": 2}, [])
    assert "3 memories, 0 of them compressed" in " ".join(abode("a-ada").split())
    with pytest.raises(Refused, match="no bundle 7"):
        abode("a-ada", "--expand", "7")
    with pytest.raises(Refused, match="agent 'nobody': is not there"):
        abode("nobody")
