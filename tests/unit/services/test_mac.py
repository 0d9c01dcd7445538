"""A deploy to a Mac, on recorded answers of one: what macOS is asked, and what is made of it."""

from types import SimpleNamespace

import pytest

from schemas.errors import Refused, Unreachable
from schemas.hosts import MacHost, PiHost, Ssh
from services import engine as engine_room
from services.connection import data
from services.engine import Engine, Snapshot

MAC = MacHost(ssh=Ssh(hostname="studio.local", user="me"))


def test_a_macs_shell_is_given_a_path():
    """A non-login shell over ssh knows neither Homebrew's docker nor Docker Desktop's."""
    name, about = data(MAC)

    assert name == "mac"
    assert about["_env"]["PATH"].startswith("/opt/homebrew/bin:/usr/local/bin:")


def test_nothing_on_a_mac_needs_sudo():
    """Only the Pi's operations are run as root."""
    board = PiHost(ssh=Ssh(hostname="pi", user="me"), governance_url="http://studio.local:8767")

    assert "_sudo" not in data(MAC)[1]
    assert data(board)[1]["_sudo"] is True


def test_colimas_socket_is_told_to_every_command():
    """docker_host becomes DOCKER_HOST."""
    colima = "unix:///Users/me/.colima/default/docker.sock"
    _, about = data(MAC.model_copy(update={"docker_host": colima}))

    assert about["_env"]["DOCKER_HOST"] == colima


def test_docker_desktop_is_understood():
    """Recorded on an M1 with Docker Desktop: machine, our images, what exists of ours."""
    seen = Snapshot().process(
        [
            "28.5.1 arm64",
            "abode/base:trixie",
            "abode/redis:0123456789abcdef",
            "--",
            "[",
            '  {"Name": "/redis", "State": {"Status": "running"}, "Config": {"Labels": null}},',
            '  {"Name": "redis-data", "Driver": "local"},',
            '  {"Name": "abode-data", "Scope": "local"}',
            "]",
        ]
    )

    assert seen.machine == "aarch64"
    assert seen.tags == {"abode/base:trixie", "abode/redis:0123456789abcdef"}
    assert list(seen.containers) == ["redis"]
    assert set(seen.others) == {"redis-data", "abode-data"}


def test_an_engine_that_holds_nothing_of_ours_is_empty():
    """docker prints an empty list beside its complaint; older clients print nothing."""
    for nothing in (["[]"], []):
        seen = Snapshot().process(["20.10.24 amd64", "--", *nothing])
        assert (seen.machine, seen.containers, seen.others) == ("x86_64", {}, {})


def test_a_silent_engine_is_none():
    """Recorded with Docker Desktop stopped, and with no client at all: no output."""
    assert Snapshot().process([]) is None


def _deploy_begins_with(monkeypatch, seen):
    host = SimpleNamespace(name="mac", get_fact=lambda *_, **__: seen)
    monkeypatch.setattr(engine_room, "host", host)
    return engine_room.engine(["redis"], [], {"abode.lab": "dev", "abode.home": "/a b"})


def test_a_deploy_without_an_engine_is_refused(monkeypatch):
    """Before anything is changed, with what to do."""
    with pytest.raises(Unreachable, match="no docker engine answers"):
        _deploy_begins_with(monkeypatch, None)


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        ({"abode.lab": "", "abode.home": "/other"}, "/other"),
        ({"abode.lab": "dev", "abode.home": "/a"}, "dev /a"),
        (None, "something that is not abode"),
    ],
)
def test_a_strangers_container_is_refused(monkeypatch, labels, whose):
    """Another checkout's, another lab's, or nobody's we know."""
    found = {"State": {}, "Config": {"Labels": labels}}
    with pytest.raises(Refused, match=whose):
        _deploy_begins_with(monkeypatch, Engine("x86_64", frozenset(), {"redis": found}))


def test_a_strangers_volume_is_refused(monkeypatch):
    """A name alone does not make a volume ours."""
    found = {"Name": "redis-data", "Labels": {"abode.home": "/other"}}
    with pytest.raises(Refused, match="volume or network 'redis-data': belongs to /other"):
        _deploy_begins_with(monkeypatch, Engine("x86_64", frozenset(), {}, {"redis-data": found}))


def test_our_own_container_is_not_a_stranger(monkeypatch):
    """The same lab of the same checkout."""
    worn = {"abode.lab": "dev", "abode.home": "/a b"}
    seen = Engine("x86_64", frozenset(), {"redis": {"State": {}, "Config": {"Labels": worn}}})

    assert _deploy_begins_with(monkeypatch, seen) is seen
