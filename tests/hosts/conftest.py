"""The hosts as testinfra reaches them: by other means than the deploy that made them."""

import pytest
import testinfra


@pytest.fixture(scope="session")
def loopback(standing):
    """For what is published on the Mac's loopback only: this machine must be the Mac."""
    if standing.hosts.mac.ssh is not None:
        pytest.skip("published on the Mac's loopback; log in there and run make check")


@pytest.fixture(scope="session")
def pi(standing):
    """The Pi, with sudo."""
    ssh = standing.hosts.pi[0].ssh
    extra = "-o StrictHostKeyChecking=yes -o LogLevel=ERROR"
    if ssh.key:
        extra += " -o IdentitiesOnly=yes"
    if ssh.known_hosts:
        extra += f" -o UserKnownHostsFile={ssh.known_hosts}"
    return testinfra.get_host(
        f"ssh://{ssh.user}@{ssh.hostname}:{ssh.port}",
        ssh_identity_file=ssh.key,
        ssh_extra_args=extra,
        sudo=True,
    )
