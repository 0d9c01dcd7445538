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
