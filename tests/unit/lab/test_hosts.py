"""hosts.toml: what is accepted, and what a refusal says."""

import re
import tomllib
from pathlib import Path

import pytest

from apps import hosts
from schemas.errors import Refused
from schemas.hosts import Hosts, Lab, MacHost, PiHost, Ssh

ROOT = Path(__file__).resolve().parents[3]
LEAST = """
[[pi]]
governance_url = "http://10.0.0.2:8767"
[pi.ssh]
hostname = "lumen.local"
user = "pi"
"""


@pytest.fixture(autouse=True)
def no_lab(monkeypatch):
    """Nobody's LAB reaches a test."""
    monkeypatch.delenv("LAB", raising=False)


def refusal(tmp_path, text):
    """What is said about a file with this text."""
    path = tmp_path / "hosts.toml"
    path.write_text(text)
    with pytest.raises(Refused) as refused:
        hosts.read(path)
    return refused.value


def test_the_example_is_a_valid_file():
    """The documented file is the one that is read."""
    assert hosts.read(ROOT / "hosts.example.toml").pi[0].agent == "lumen"


def test_the_example_uses_every_key():
    """A key that is added to the schema must be shown."""
    text = (ROOT / "hosts.example.toml").read_text()
    shown = tomllib.loads(text)
    places = {
        Hosts: shown.keys() | {"lab"},
        MacHost: shown["mac"].keys(),
        PiHost: shown["pi"][0].keys(),
        Lab: set(re.findall(r"^# (\w+) = ", text.partition("# [lab]")[2], re.MULTILINE)),
    }

    assert {model: set(model.model_fields) for model in places} == {
        model: set(keys) for model, keys in places.items()
    }
    assert set(Ssh.model_fields) == set(shown["mac"]["ssh"]) == set(shown["pi"][0]["ssh"])


def test_the_least_that_must_be_said(tmp_path):
    """One board and its way to governance are enough."""
    path = tmp_path / "hosts.toml"
    path.write_text(LEAST)

    assert hosts.read(path).mac.ssh is None


def test_a_mistyped_key_is_named_with_the_right_one(tmp_path):
    """File, key and the key that was meant."""
    error = refusal(tmp_path, "[mac]\nposgres_port = 5432\n" + LEAST)

    assert error.message == f"{tmp_path}/hosts.toml: mac.posgres_port: unknown key"
    assert error.hint == "did you mean 'postgres_port'?"


def test_a_mistyped_key_of_a_board_is_named(tmp_path):
    """Also inside a list of tables."""
    error = refusal(tmp_path, LEAST.replace("hostname", "hostnam"))

    assert error.message.endswith("pi.0.ssh.hostnam: unknown key (and 1 more)")
    assert error.hint == "did you mean 'hostname'?"


def test_a_value_out_of_range_is_shown(tmp_path):
    """The reason and what was given."""
    error = refusal(tmp_path, "[mac]\npostgres_port = 70000\n" + LEAST)

    assert "mac.postgres_port: Input should be less than or equal to 65535" in error.message
    assert "(got 70000)" in error.message


def test_two_boards_of_one_name_are_refused(tmp_path):
    """A rule across tables names the culprit."""
    assert "two hosts share a name: mac, pi, pi" in refusal(tmp_path, LEAST + LEAST).message


def test_broken_toml_is_refused_with_its_line(tmp_path):
    """No traceback from the parser."""
    assert "not TOML" in refusal(tmp_path, "[mac\n").message


def test_a_lab_that_is_not_there_says_make_up(tmp_path):
    """Asking for a lab creates nothing."""
    with pytest.raises(Refused) as refused:
        hosts.in_force(tmp_path)

    assert refused.value.hint == "make up"
    assert list(tmp_path.iterdir()) == []


def test_hosts_toml_wins_over_the_default_lab(tmp_path):
    """Real hosts keep their state apart."""
    (tmp_path / "hosts.toml").write_text(LEAST)
    found, state = hosts.in_force(tmp_path)

    assert found.lab is None
    assert state == tmp_path / ".abode/real"
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_named_lab_wins_over_hosts_toml(tmp_path, monkeypatch):
    """LAB=name never reaches real hosts."""
    (tmp_path / "hosts.toml").write_text(LEAST)
    state = hosts.state_dir(tmp_path, "probe")
    (state / "hosts.toml").write_text(f'[lab]\nname = "probe"\nhome = "{tmp_path}"\n' + LEAST)
    monkeypatch.setenv("LAB", "probe")
    found, where = hosts.in_force(tmp_path)

    assert hosts.container(found, "pi") == "probe-pi"
    assert where == state


@pytest.mark.parametrize("name", ["Bad", "a b", "../x", "engine", "real"])
def test_a_name_that_is_no_lab_is_refused(monkeypatch, name):
    """Neither a path nor a room of the house."""
    monkeypatch.setenv("LAB", name)
    with pytest.raises(Refused):
        hosts.lab_name()


def test_only_other_labs_have_a_prefix():
    """The default lab and real hosts bear the plain names."""
    pi = PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1")
    names = [
        hosts.container(Hosts(lab=lab, pi=(pi,)), "redis")
        for lab in (None, Lab(name="lumen", home="/x"), Lab(name="dev", home="/x"))
    ]

    assert names == ["redis", "redis", "dev-redis"]


def test_docker_on_a_mac_finds_its_way():
    """Over ssh a full PATH unless told; here the shell's own; the engine's socket as declared."""
    ssh = Ssh(hostname="mac.local", user="kenny")

    assert hosts.docker_environment(MacHost()) == {}
    assert hosts.docker_environment(MacHost(ssh=ssh)) == {"PATH": hosts.MAC_PATH}
    assert hosts.docker_environment(MacHost(ssh=ssh, path="/bin", docker_host="unix:///s")) == {
        "PATH": "/bin",
        "DOCKER_HOST": "unix:///s",
    }
