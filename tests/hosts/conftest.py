"""The hosts as testinfra reaches them: by other means than the deploy that made them."""

import pytest
import testinfra


@pytest.fixture(scope="session")
def pi(standing):
    """The Pi, with sudo."""
    ssh = standing.hosts.pi[0].ssh
    extra = "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o LogLevel=ERROR"
    if ssh.known_hosts:
        extra += f" -o UserKnownHostsFile={ssh.known_hosts}"
    return testinfra.get_host(
        f"ssh://{ssh.user}@{ssh.hostname}:{ssh.port}",
        ssh_identity_file=ssh.key,
        ssh_extra_args=extra,
        sudo=True,
    )


@pytest.fixture(scope="session")
def mac(standing):
    """The machine that runs the containers."""
    ssh = standing.hosts.mac.ssh
    if ssh is None:
        return testinfra.get_host("local://")
    return testinfra.get_host(
        f"ssh://{ssh.user}@{ssh.hostname}:{ssh.port}", ssh_identity_file=ssh.key
    )
