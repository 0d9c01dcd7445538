"""The stand-in for the Pi: a real systemd host, reached only by key, whose data outlives it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apps.lab import engine, hosts, images, keys, owner, pi, process
from apps.lab.docker import docker, inspect
from apps.lab.lab import Lab
from schemas.errors import Refused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A lab of this run only, in a checkout that holds no more than the templates."""
    if not engine.answers():
        pytest.fail("no docker engine answers: make up first")
    home = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "templates", home / "templates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB", f"t{os.getpid()}")
        patch.setenv("ABODE_OWNER_PID", str(os.getpid()))
        owner.remove_dead_labs()
        lab = Lab.here(home)
        yield lab
        owner.remove(lab)


@pytest.fixture(scope="module")
def image(lab):
    """The Pi's image."""
    base_id, _, _ = images.base(lab.home)
    return images.pi(lab.home, base_id)[0]


@pytest.fixture
def board(lab, image):
    """The Pi, standing."""
    keys.make(lab)
    pi.stand(lab, image)
    hosts.write(lab)
    pi.wait_for_ssh(lab)
    return lab


def ssh(lab, host, command, *options):
    """A command on the Pi, each time over a fresh connection."""
    config = str(lab.state / "ssh_config")
    return subprocess.run(
        ["ssh", "-F", config, "-o", "ControlPath=none", *options, host, command],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_systemd_is_up_and_nothing_failed(board):
    """A whole boot, not only sshd."""
    said = ssh(board, "pi-admin", "sudo -n systemctl is-system-running --wait")

    assert said.stdout == "running\n"


def test_only_the_key_opens_the_door(board):
    """No password, no root, no other key."""
    password = ssh(board, "pi-admin", "true", "-o", "PreferredAuthentications=password")
    root = ssh(board, "pi-admin", "true", "-l", "root")

    assert (password.returncode, root.returncode) == (255, 255)
    assert "publickey" in password.stderr


def test_a_changed_host_key_is_refused(board):
    """The Pi's key is known before the first connection; a stranger in its place is not."""
    known = board.state / "known_hosts"
    right = known.read_text()
    known.write_text(f"[127.0.0.1]:{board.port('ssh')} {keys.public(board, keys.OPERATOR)}\n")
    said = ssh(board, "pi-admin", "true")
    known.write_text(right)

    assert said.returncode == 255


def test_units_are_confined_and_bounded(board):
    """What anima.service relies on works in the stand-in."""
    run = "sudo systemd-run -q --wait --pipe -p ProtectSystem=strict -p DynamicUser=yes"
    written = ssh(board, "pi-admin", f"{run} touch /usr/x")

    assert "Read-only file system" in written.stderr


def test_memory_is_that_of_the_board(board):
    """512 MB and no swap beyond."""
    host = inspect("container", board.thing("pi"))["HostConfig"]

    assert (host["Memory"], host["MemorySwap"]) == (512 * 2**20, 512 * 2**20)


def test_the_door_is_on_loopback_only(board):
    """Nobody on the LAN may knock."""
    bound = inspect("container", board.thing("pi"))["HostConfig"]["PortBindings"]["22/tcp"]

    assert [door["HostIp"] for door in bound] == ["127.0.0.1"]


def test_standing_twice_changes_nothing(board, image):
    """Same container, same start."""
    before = inspect("container", board.thing("pi"))
    took = pi.stand(board, image)
    after = inspect("container", board.thing("pi"))

    assert took == "running"
    assert (before["Id"], before["State"]["StartedAt"]) == (
        after["Id"],
        after["State"]["StartedAt"],
    )


def test_a_new_host_key_makes_it_anew_and_data_stays(board, image):
    """The spec changed; /home is a volume."""
    ssh(board, "pi-admin", "echo kept > ~/data")
    for half in board.state.glob("pi_host_key*"):
        half.unlink()
    keys.make(board)
    took = pi.stand(board, image)
    hosts.write(board)
    pi.wait_for_ssh(board)

    assert took == "made anew"
    assert ssh(board, "pi-admin", "cat ~/data").stdout == "kept\n"


def test_a_container_that_never_started_is_made_again(board, image):
    """Killed between create and start, its keys may be missing."""
    name = board.thing("pi")
    docker("rm", "-f", name)
    args = pi.run_args(board, image)
    docker("create", "--name", name, *board.label_args, *args)

    assert pi.stand(board, image) == "made"


def test_a_taken_port_moves_the_door(board, image):
    """Somebody took the port while the Pi was down."""
    port = board.port("ssh")
    docker("stop", "-t", "10", board.thing("pi"))
    listen = (
        "import socket; s = socket.create_server(('127.0.0.1', %d)); print(1, flush=True); input()"
    )
    squatter = subprocess.Popen(
        [sys.executable, "-c", listen % port], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    squatter.stdout.readline()
    pi.stand(board, image)
    squatter.communicate()
    hosts.write(board)
    pi.wait_for_ssh(board)

    assert board.port("ssh") != port


def test_a_strangers_container_is_left_alone(board):
    """Another checkout with the same lab name is refused by name."""
    with pytest.raises(Refused, match=f"belongs to lab '{board.name}' of {board.home}"):
        owner.refuse_strangers(Lab(board.name, Path("/elsewhere")))


def test_the_lab_of_a_dead_run_is_removed_whole(lab, image, monkeypatch):
    """Its owner is gone: container, volume and network go; a living run's lab stays."""
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = Lab(f"t{os.getpid()}-dead", lab.home)
    monkeypatch.setenv("ABODE_OWNER_PID", str(sleeper.pid))
    keys.make(dead)
    pi.stand(dead, image)
    alive = owner.remove_dead_labs()
    sleeper.communicate()
    gone = owner.remove_dead_labs()

    assert alive == []
    assert gone == [
        f"container {dead.thing('pi')}",
        f"volume {dead.thing(pi.HOME)}",
        f"network {dead.thing(pi.NETWORK)}",
        f"state {dead.home}/.abode/{dead.name}",
    ]


def test_a_lab_that_a_living_run_shares_is_left_whole(monkeypatch):
    """What a dead run left in it waits: to remove it would be to remove the living one's, too."""
    name, removed = f"t{os.getpid()}-shared", []
    monkeypatch.setattr(owner, "remove", lambda lab: removed.append(lab.name) or [])
    monkeypatch.setattr(owner, "remove_state", lambda _: [])
    try:
        for of, mark in (("dead", "1:0"), ("living", process.mark())):
            labels = {"lab": name, "home": "/nowhere", "owner": mark}
            docker(
                "volume", "create", f"{name}-{of}",
                *[f"--label=abode.{key}={value}" for key, value in labels.items()],
            )  # fmt: skip
        owner.remove_dead_labs()
        assert name not in removed
        docker("volume", "rm", f"{name}-living")
        owner.remove_dead_labs()
        assert name in removed
    finally:
        docker("volume", "rm", "-f", f"{name}-living", f"{name}-dead")


def test_removal_is_whole_and_repeatable(lab, board):
    """The second one finds nothing."""
    gone = owner.remove(lab)

    assert [what.split()[0] for what in gone] == ["container", "volume", "network"]
    assert owner.remove(lab) == []
