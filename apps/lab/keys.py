"""Keys of a lab: the operator's, the Pi's own, and the ssh files that make both known."""

import subprocess
from pathlib import Path

from apps.lab.lab import Lab
from apps.ops.reach import control_path
from schemas.errors import Unreachable

OPERATOR = "ssh_key"
PI_HOST = "pi_host_key"
ADMIN = "abode"


def make(lab: Lab) -> None:
    """Make the keys that are missing."""
    for name, comment in ((OPERATOR, f"operator of lab {lab.name}"), (PI_HOST, "lab pi")):
        path = lab.state / name
        public = path.with_suffix(".pub")
        if path.exists() and public.exists():
            continue
        path.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unreachable(f"{path}: ssh-keygen: {done.stderr.strip() or done.stdout.strip()}")


def public(lab: Lab, name: str) -> str:
    """The public half of a key, one line."""
    return (lab.state / f"{name}.pub").read_text().strip()


def write_ssh_files(lab: Lab, port: int, reader: str) -> None:
    """Write known_hosts before anybody connects, and ssh_config for people."""
    kind, key = public(lab, PI_HOST).split()[:2]
    _write(lab.state / "known_hosts", f"[127.0.0.1]:{port} {kind} {key}\n")
    shared = f"""\
    HostName 127.0.0.1
    Port {port}
    IdentityFile {_quoted(lab.state / OPERATOR)}
    IdentitiesOnly yes
    UserKnownHostsFile {_quoted(lab.state / "known_hosts")}
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    ControlMaster auto
    ControlPath {control_path(lab.state)}
    ControlPersist 60
    LogLevel ERROR
"""
    hosts = f"Host pi\n    User {reader}\n{shared}\nHost pi-admin\n    User {ADMIN}\n{shared}"
    _write(lab.state / "ssh_config", hosts)


def _quoted(path: Path) -> str:
    return f'"{path}"'


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o600)
