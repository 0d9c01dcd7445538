"""How pyinfra reaches a declared host."""

from pathlib import Path
from typing import Any

from apps.hosts import docker_environment
from schemas.hosts import MacHost, PiHost


def data(machine: MacHost | PiHost) -> tuple[str, dict[str, Any]]:
    """Name and host data for an inventory; ``machine`` is the typed declaration itself."""
    about: dict[str, Any] = {"machine": machine}
    if isinstance(machine, MacHost):
        about["_env"] = docker_environment(machine)
    else:
        about["_sudo"] = True
    if machine.ssh is None:
        return "@local", about
    about |= {
        "ssh_hostname": machine.ssh.hostname,
        "ssh_user": machine.ssh.user,
        "ssh_port": machine.ssh.port,
        "ssh_strict_host_key_checking": "yes",
    }
    if machine.ssh.key:
        about["ssh_key"] = str(Path(machine.ssh.key).expanduser())
    if machine.ssh.known_hosts:
        about["ssh_known_hosts_file"] = str(Path(machine.ssh.known_hosts).expanduser())
    return machine.name, about
