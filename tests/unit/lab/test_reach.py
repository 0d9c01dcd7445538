"""How commands reach the hosts: full paths, quoted words, and sockets that are ours alone."""

import os
import subprocess
from pathlib import Path

import pytest

from apps import hosts
from apps.ops import reach
from schemas.errors import Refused
from schemas.hosts import Hosts, MacHost, PiHost, Ssh

PI = PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1")
SSH = Ssh(hostname="mac.local", user="kenny")


@pytest.fixture
def asked(monkeypatch):
    """What would be run on this machine."""
    commands = []
    monkeypatch.setattr(reach, "run", lambda command, *_, **__: commands.append(command))
    return commands


@pytest.mark.parametrize(
    ("mac", "there"),
    [
        (MacHost(ssh=SSH), f"env PATH={hosts.MAC_PATH} docker ps"),
        (
            MacHost(ssh=SSH, path="/opt/bin", docker_host="unix:///Users/kenny/my docker.sock"),
            "env PATH=/opt/bin 'DOCKER_HOST=unix:///Users/kenny/my docker.sock' docker ps",
        ),
    ],
)
def test_a_remote_mac_is_asked_with_a_full_path(asked, mac, there):
    """Its non-login shell does not know Homebrew; words are quoted for it."""
    reach.on_mac(Hosts(mac=mac, pi=(PI,)), ["docker", "ps"])

    assert asked[0][-1] == there


def test_this_machine_is_asked_without_ssh(asked):
    """As it stands."""
    reach.on_mac(Hosts(pi=(PI,)), ["docker", "ps"])

    assert asked == [["docker", "ps"]]


def options(command):
    """What ssh itself makes of a command line."""
    said = subprocess.run(["ssh", "-G", *command[1:]], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in said.stdout.splitlines() if " " in line)


def test_ssh_needs_neither_key_nor_known_hosts():
    """Then a person's own are used, and no connection is shared."""
    read = options(reach.ssh_command(SSH, "true"))

    assert (read["user"], read["hostname"]) == ("kenny", "mac.local")
    assert read["controlmaster"] == "false"


def test_ssh_reads_paths_with_spaces_as_one(tmp_path):
    """Key, known hosts and socket."""
    home = tmp_path / "my house"
    home.mkdir()
    (home / "key").touch()
    ssh = SSH.model_copy(update={"key": f"{home}/key", "known_hosts": f"{home}/known"})
    read = options(reach.ssh_command(ssh, "true", state=Path("/x y")))

    assert read["userknownhostsfile"] == f"{home}/known"
    assert read["identityfile"] == f"{home}/key"
    assert read["controlpath"].startswith("/x y/")


def test_a_shared_connection_lies_in_the_state_directory():
    """Nobody else may enter it; the name with ssh's own end fits a Mac's 104 bytes."""
    longest = Path("/" + "s" * (reach.SOCKET_BYTES - 1))

    assert reach.control_path(longest) == f'"{longest}/%C"'
    assert len(f"{longest}/") + 40 + 17 < 104


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A state directory whose name is too long, and a temporary directory of our own."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(reach, "_own_tmp", lambda: tmp_path / "own")
    return tmp_path / ("s" * 100)


def test_a_long_path_gives_way_to_the_users_runtime_directory(deep, tmp_path, monkeypatch):
    """If it is really ours."""
    monkeypatch.setattr(reach, "SOCKET_BYTES", 100)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    ours = reach.control_path(deep)
    tmp_path.chmod(0o755)

    assert ours == f'"{tmp_path}/%C"'
    assert reach.control_path(deep) == f'"{tmp_path}/own/%C"'


def test_a_directory_below_tmp_is_made_for_us_alone(deep, tmp_path):
    """And removed when it is empty."""
    reach.control_path(deep)
    mode = (tmp_path / "own").stat().st_mode & 0o777
    reach.tidy()

    assert mode == 0o700
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("how", ["open", "link", "theirs"])
def test_a_directory_that_others_made_is_refused(deep, tmp_path, monkeypatch, how):
    """Its name is predictable: whoever made it could listen."""
    own = tmp_path / "own"
    if how == "link":
        (tmp_path / "other").mkdir(mode=0o700)
        own.symlink_to(tmp_path / "other")
    else:
        own.mkdir(mode=0o700)
    if how == "open":
        own.chmod(0o755)
    if how == "theirs":
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(Refused, match="others may enter it"):
        reach.control_path(deep)
