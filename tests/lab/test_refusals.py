"""What cannot work is said in words, with an exit code that is not 0, and nothing is half done."""

import json
import socket

import pytest


def _said(done):
    text = done.stdout + done.stderr
    assert done.returncode != 0, text
    assert "Traceback" not in text
    return text


def test_a_key_that_nobody_declared(standing, hosts_toml):
    """File, key, reason and a hint."""
    hosts_toml.write_text(hosts_toml.read_text().replace("memory_mb = 16384", "memory_mbb = 16384"))

    said = _said(standing.deploy("-y", check=False))

    assert "hosts.toml" in said
    assert "memory_mbb" in said
    assert "did you mean 'memory_mb'" in said


def test_a_pi_that_does_not_answer(standing, hosts_toml):
    """A closed port: not reached, not skipped."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        closed = door.getsockname()[1]
        port = standing.hosts.pi[0].ssh.port
        hosts_toml.write_text(hosts_toml.read_text().replace(f"port = {port}", f"port = {closed}"))

        said = _said(standing.deploy("-y", check=False))

    assert "pi" in said


def test_a_wrong_key(standing, hosts_toml, tmp_path):
    """Another key opens nothing."""
    other = tmp_path / "other"
    standing.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other))
    key = standing.hosts.pi[0].ssh.key
    hosts_toml.write_text(hosts_toml.read_text().replace(f'key = "{key}"', f'key = "{other}"'))

    assert "pi" in _said(standing.deploy("-y", check=False))


def test_a_pi_with_another_face(standing, hosts_toml, tmp_path):
    """A host key that is not the known one is not trusted."""
    fake = tmp_path / "known_hosts"
    standing.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "k"))
    ssh = standing.hosts.pi[0].ssh
    public = (tmp_path / "k.pub").read_text().split()
    fake.write_text(f"[{ssh.hostname}]:{ssh.port} {public[0]} {public[1]}\n")
    old, new = f'known_hosts = "{ssh.known_hosts}"', f'known_hosts = "{fake}"'
    hosts_toml.write_text(hosts_toml.read_text().replace(old, new))

    _said(standing.deploy("-y", check=False))


def test_no_engine(standing):
    """docker that does not answer is named, with what to do."""
    said = _said(standing.deploy("-y", check=False, DOCKER_HOST="unix:///nonexistent.sock"))

    assert "no docker engine answers" in said


def test_a_port_that_is_taken(standing, hosts_toml):
    """Docker's own word for it reaches the operator; the next deploy repairs."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        taken, port = door.getsockname()[1], standing.hosts.mac.governance_port
        said = hosts_toml.read_text()
        key = "governance_port = "
        hosts_toml.write_text(said.replace(f"{key}{port}", f"{key}{taken}"))

        assert str(taken) in _said(standing.deploy("-y", check=False))

        hosts_toml.write_text(said)
    standing.deploy("-y")


def test_a_stale_container_is_repaired(standing):
    """One that was created by hand under an older declaration is replaced, not adopted."""
    name = standing.called("redis")
    image = standing.docker("inspect", "-f", "{{.Config.Image}}", name)
    labels = json.loads(standing.docker("inspect", "-f", "{{json .Config.Labels}}", name))
    standing.docker("rm", "-fv", name)
    ours = [f"--label={k}={labels[k]}" for k in ("abode.lab", "abode.home")]
    standing.docker("create", "--name", name, *ours, image, "sleep", "60")

    standing.deploy("-y")

    assert standing.docker("inspect", "-f", "{{.State.Health.Status}}", name) == "healthy"


def test_a_container_of_somebody_else_is_left_alone(standing):
    """Its name is refused; it is neither stopped nor removed."""
    name = standing.called("redis")
    image = standing.docker("inspect", "-f", "{{.Config.Image}}", name)
    standing.docker("rm", "-fv", name)
    label = "abode.home=/somewhere/else"
    foreign = standing.docker("create", "--name", name, "--label", label, image)
    try:
        said = _said(standing.deploy("-y", check=False))

        assert "/somewhere/else" in said
        assert standing.docker("inspect", "-f", "{{.Id}}", name) == foreign
    finally:
        standing.docker("rm", "-fv", name)
        standing.deploy("-y")


@pytest.mark.parametrize("command", [("deploy",), ("status",), ("up",)])
def test_a_mistyped_lab(standing, command):
    """A lab that does not exist is refused, not deployed to nothing with exit code 0."""
    done = standing.run(str(standing.bin / "abode"), *command, check=False, LAB="No Such Lab")

    assert "No Such Lab" in _said(done)
    assert done.returncode == 2
