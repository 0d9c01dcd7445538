"""A lab's names, ports and flags, without docker."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from apps.hosts import read
from apps.lab import hosts, images, keys, owner, packages, pi, process
from apps.lab.lab import Lab
from schemas.errors import Refused

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab in an empty checkout."""
    monkeypatch.delenv("ABODE_OWNER_PID", raising=False)
    return Lab("probe", tmp_path)


def test_a_port_is_chosen_once(lab):
    """The second question gets the same answer, also from a new object."""
    assert lab.port("ssh") == Lab("probe", lab.home).port("ssh")


def test_a_taken_port_is_not_chosen(lab):
    """Somebody listens on the first choice."""
    first = lab.port("ssh")
    lab.forget_port("ssh")
    with socket.create_server(("127.0.0.1", first)):
        assert lab.port("ssh") != first


def test_the_default_lab_has_the_standard_ports(tmp_path):
    """Other labs do not."""
    default, other = Lab("lumen", tmp_path), Lab("probe", tmp_path)

    assert (default.port("postgres"), default.port("governance")) == (5432, 8767)
    assert other.port("postgres") != 5432


def test_hosts_toml_reads_back_as_it_was_declared(lab, monkeypatch):
    """What a lab writes is what the deploy reads."""
    monkeypatch.setattr(hosts, "docker", lambda *_: str(8 * 2**30))
    keys.make(lab)
    declared = hosts.write(lab)

    assert read(lab.state / "hosts.toml") == declared
    assert declared.mac.memory_mb == 8192
    assert declared.pi[0].governance_url == "http://probe-governance:8767"


def test_writing_twice_touches_nothing(lab, monkeypatch):
    """A second run leaves the files as they are."""
    monkeypatch.setattr(hosts, "docker", lambda *_: str(8 * 2**30))
    keys.make(lab)
    hosts.write(lab)
    before = {path: path.stat().st_mtime_ns for path in lab.state.iterdir()}
    keys.make(lab)
    hosts.write(lab)

    assert {path: path.stat().st_mtime_ns for path in lab.state.iterdir()} == before


def test_keys_are_for_their_owner_only(lab):
    """Directory and private halves."""
    keys.make(lab)
    keys.write_ssh_files(lab, 20022, "anima")
    private = ["ssh_key", "pi_host_key", "ssh_config", "known_hosts"]

    assert lab.state.stat().st_mode & 0o777 == 0o700
    assert {(lab.state / name).stat().st_mode & 0o777 for name in private} == {0o600}


def test_ssh_reads_the_config_as_meant(lab):
    """Asked of ssh itself; a control path longer than 104 bytes would be refused on a Mac."""
    keys.make(lab)
    keys.write_ssh_files(lab, 20022, "anima")
    said = subprocess.run(
        ["ssh", "-G", "-F", str(lab.state / "ssh_config"), "pi"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    options = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)

    assert options["user"] == "anima"
    assert options["port"] == "20022"
    assert options["stricthostkeychecking"] == "true"
    assert len(options["controlpath"]) < 80


def test_on_cgroup_v1_the_hosts_tree_is_out_of_reach(tmp_path):
    """A private tmpfs with exactly one inode per hierarchy and one for itself."""
    for name in ("cpu", "memory", "unified"):
        (tmp_path / name).mkdir()
    flags = pi.boot_flags("1", tmp_path)

    assert "/sys/fs/cgroup:mode=755,nr_inodes=4" in flags
    assert f"{tmp_path}/memory:{tmp_path}/memory:rw" in flags
    assert "--privileged" not in flags


def test_on_cgroup_v2_the_namespace_is_private(tmp_path):
    """Nothing of the host's tree is mounted."""
    assert pi.boot_flags("2", tmp_path) == ["--privileged", "--cgroupns", "private"]


def test_the_image_tag_follows_its_context(tmp_path):
    """Any edited byte, and any other base, is another image."""
    context = tmp_path / images.CONTEXT
    context.mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM x")
    first = images.pi_tag(tmp_path, "base")
    (context / "Dockerfile").write_text("FROM y")

    assert len({first, images.pi_tag(tmp_path, "base"), images.pi_tag(tmp_path, "other")}) == 3


def test_a_dead_owner_is_known_for_dead():
    """Gone, or another process under its old id."""
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = process.mark(sleeper.pid)
    alive = process.lives(mark)
    sleeper.communicate()

    assert alive
    assert not process.lives(mark)
    assert not process.lives(f"{os.getpid()}:1")


def test_an_owner_that_does_not_run_is_refused(lab, monkeypatch):
    """A mark that nobody could ever check."""
    monkeypatch.setenv("ABODE_OWNER_PID", "999999999")
    with pytest.raises(Refused, match="not a running process"):
        _ = lab.labels


@pytest.mark.parametrize("worn", [{}, {"abode.lab": "probe", "abode.home": "/elsewhere"}])
def test_a_strangers_container_is_refused(lab, monkeypatch, worn):
    """Unlabelled or another checkout's; the way out is named."""
    monkeypatch.setattr(owner, "inspect", lambda *_: {"Config": {"Labels": worn}})
    with pytest.raises(Refused) as refused:
        owner.refuse_strangers(lab)

    assert "container 'probe-pi'" in refused.value.message
    assert "LAB=name make up" in str(refused.value.hint)


def test_state_of_other_labs_survives_the_default_one(tmp_path):
    """They live below it."""
    default, other = Lab("lumen", tmp_path), Lab("probe", tmp_path)
    default.port("ssh"), other.port("ssh")
    (default.state / "secrets").mkdir()
    (tmp_path / ".abode/cache").mkdir()
    owner.remove_state(default)

    assert sorted(path.name for path in (tmp_path / ".abode").iterdir()) == ["cache", "probe"]


def test_the_last_lab_takes_the_cache_with_it(tmp_path):
    """Nothing is left that only labs shared."""
    other = Lab("probe", tmp_path)
    other.port("ssh")
    (tmp_path / ".abode/cache").mkdir()
    owner.remove_state(other)

    assert list((tmp_path / ".abode").iterdir()) == []


def test_a_broken_ports_file_is_refused(lab):
    """With its name."""
    (lab.state / "ports.json").write_text("{")
    with pytest.raises(Refused, match=r"ports\.json: not JSON"):
        lab.port("ssh")


def test_downloads_are_read_from_apt():
    """Seconds and minutes."""
    said = "Fetched 66.2 MB in 6s (10 MB/s)\nnoise\nFetched 1 MB in 1min 5s (1 B/s)\n"

    assert packages.downloading(said) == 71


def test_ports_json_is_json(lab):
    """And holds what was chosen."""
    port = lab.port("ssh")

    assert json.loads((lab.state / "ports.json").read_text()) == {"ssh": port}
