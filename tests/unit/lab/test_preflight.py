"""Everything that is missing is said at once, each with its fix."""

import json
import shutil
import socket
import types

import pytest

from apps.lab import preflight


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """A host without docker and ssh, whose user is not root, in a lab of its own."""
    monkeypatch.setenv("LAB", "probe")
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(preflight.shutil, "which", lambda name: None)


def test_all_is_said_at_once(tmp_path, monkeypatch):
    """Tools, disk and a port, not the first of them only."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=2**30))
    (tmp_path / ".abode/probe").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        (tmp_path / ".abode/probe/ports.json").write_text(json.dumps({"governance": port}))
        problems = preflight.missing(tmp_path)

    assert [what for what, _ in problems] == [
        "ssh or ssh-keygen is missing",
        "docker is missing",
        f"{tmp_path}: 1.0 GB free, needs 6 GB",
        f"port {port} (governance) on 127.0.0.1 is taken",
    ]
    assert all(fix for _, fix in problems)


def test_root_on_debian_lacks_no_tools(tmp_path, monkeypatch):
    """What make up installs by itself is not asked of the person."""
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight.shutil, "which", lambda name: "/usr/bin/apt-get")

    assert preflight.missing(tmp_path) == []


def test_the_pis_own_door_moves_by_itself(tmp_path):
    """A taken ssh port is repaired, not reported."""
    (tmp_path / ".abode/probe").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        ports = {"ssh": squatter.getsockname()[1]}
        (tmp_path / ".abode/probe/ports.json").write_text(json.dumps(ports))

        assert not any("port" in what for what, _ in preflight.missing(tmp_path))


def whose(tmp_path, monkeypatch, said):
    """What is said about a taken port whose container docker shows like this."""
    (tmp_path / ".abode/probe").mkdir(parents=True)
    docker = types.SimpleNamespace(stdout=said)
    monkeypatch.setattr(preflight.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(preflight.subprocess, "run", lambda *_, **__: docker)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        (tmp_path / ".abode/probe/ports.json").write_text(json.dumps({"postgres": port}))
        return port, [each for each in preflight.missing(tmp_path) if "taken" in each[0]]


def test_a_port_of_another_checkout_says_whose(tmp_path, monkeypatch):
    """Container, lab, checkout, and the way out."""
    port, said = whose(tmp_path, monkeypatch, "postgres-age\tlumen\t/home/kenny/abode\n")

    assert said[0][0] == (
        f"port {port} (postgres) on 127.0.0.1 is taken by container 'postgres-age' "
        "of lab 'lumen' of /home/kenny/abode"
    )
    assert said[0][1].startswith("LAB=name make up")


def test_a_port_of_a_container_that_is_not_abodes_says_its_name(tmp_path, monkeypatch):
    """Stopping it is a person's choice."""
    _, said = whose(tmp_path, monkeypatch, "my-postgres\t\t\n")

    assert said[0][0].endswith("is taken by container 'my-postgres'")


def test_our_own_port_is_not_taken(tmp_path, monkeypatch):
    """Make up on a lab that stands."""
    _, said = whose(tmp_path, monkeypatch, f"probe-postgres-age\tprobe\t{tmp_path}\n")

    assert said == []


@pytest.mark.parametrize("text", ["{", "[]", '{"postgres": "5432"}'])
def test_broken_ports_are_said_in_words(tmp_path, text):
    """File, reason, what to do; beside everything else that is missing."""
    (tmp_path / ".abode/probe").mkdir(parents=True)
    (tmp_path / ".abode/probe/ports.json").write_text(text)
    problems = preflight.missing(tmp_path)

    assert [fix for what, fix in problems if "ports.json: not" in what] == [
        "remove it; make up chooses new ports"
    ]
    assert "docker is missing" in [what for what, _ in problems]


@pytest.fixture
def halved(monkeypatch, tmp_path):
    """A root's Debian whose python3 lacks ensurepip; gives what is installed."""
    installed = []
    find = preflight.importlib.util.find_spec
    monkeypatch.setattr(
        preflight.importlib.util,
        "find_spec",
        lambda name: None if name == "ensurepip" and not installed else find(name),
    )
    monkeypatch.setattr(preflight.packages, "install", installed.append)
    monkeypatch.chdir(tmp_path)
    return installed


def test_root_on_debian_gets_what_makes_a_venv(halved, monkeypatch, capsys):
    """It is installed, and said."""
    monkeypatch.setattr(preflight.packages, "can_install", lambda: True)
    preflight.main()

    assert halved == [preflight.VENV]
    assert f"installing {preflight.VENV}" in capsys.readouterr().err


def test_others_are_told_to_install_it(halved, monkeypatch, capsys):
    """Nothing is installed without root."""
    monkeypatch.setattr(preflight.packages, "can_install", lambda: False)

    assert preflight.main() == 2
    assert halved == []
    assert "python3 cannot make a venv" in capsys.readouterr().err
