"""The lab's Pi: a Debian container with systemd as PID 1, 512 MB, reached by ssh on loopback."""

import hashlib
import io
import json
import subprocess
import tarfile
import time
from pathlib import Path

from apps.lab import keys
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from schemas import ports
from schemas.errors import Refused, Unreachable

NAME = "pi"
NETWORK = "abode-lan"
HOME = "abode-pi-home"
MEMORY_MB = 512
SSH_WAIT_SECONDS = 30.0


def stand(lab: Lab, image: str) -> str:
    """Have the Pi running as declared; says what it took: running, started, made or made anew."""
    network, volume = lab.thing(NETWORK), lab.thing(HOME)
    if inspect("network", network) is None:
        docker("network", "create", *lab.label_args, network)
    if inspect("volume", volume) is None:
        docker("volume", "create", *lab.label_args, volume)
    for _ in range(3):
        took = _stand_once(lab, image)
        if took:
            return took
        lab.forget_port("ssh")
    raise Refused(f"{lab.thing(NAME)}: its ssh port is taken again and again")


def _stand_once(lab: Lab, image: str) -> str | None:
    """As above; None when somebody else took its port."""
    name = lab.thing(NAME)
    args = run_args(lab, image)
    spec = hashlib.sha256(json.dumps([args, sorted(_files(lab).items())]).encode()).hexdigest()
    there = inspect("container", name)
    took = "made"
    if there is not None:
        same = there["Config"]["Labels"].get("abode.spec") == spec
        status = there["State"]["Status"]
        if same and status == "running":
            return "running"
        if same and status == "exited":
            return "started" if _start(name) else None
        docker("rm", "-f", name)
        took = "made anew" if status != "created" else "made"
    docker("create", "--name", name, "--label", f"abode.spec={spec}", *lab.label_args, *args)
    docker("cp", "-", f"{name}:/", given=_archive(_files(lab)))
    return took if _start(name) else None


def _start(name: str) -> bool:
    done = attempt("start", name)
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == 0:
        return True
    if "already allocated" in said or "already in use" in said:
        return False
    raise Unreachable(f"docker start {name}: {said}")


def run_args(lab: Lab, image: str) -> list[str]:
    """Everything that docker must be told; a change here makes the container anew."""
    return [
        *("--hostname", "raspberrypi", "--restart", "unless-stopped"),
        *("--memory", f"{MEMORY_MB}m", "--memory-swap", f"{MEMORY_MB}m"),
        *("--network", lab.thing(NETWORK), "-p", f"127.0.0.1:{lab.port('ssh')}:{ports.SSH}"),
        *("-v", f"{lab.thing(HOME)}:/home"),
        *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"),  # noqa: S108
        *("--stop-signal", "SIGRTMIN+3", "--stop-timeout", "30"),
        *boot_flags(docker("info", "-f", "{{.CgroupVersion}}"), Path("/sys/fs/cgroup")),
        image,
    ]


def boot_flags(cgroup_version: str, cgroups: Path) -> list[str]:
    """What systemd needs to boot in a container without touching the host's cgroup tree.

    On v1 a private tmpfs with exactly as many inodes as hierarchies keeps systemd from
    remounting the host's tree or adding to it; ``docker stats`` of others broke without.
    """
    if cgroup_version != "1":
        return ["--privileged", "--cgroupns", "private"]
    hierarchies = sorted(str(path) for path in cgroups.iterdir() if path.is_dir())
    return [
        *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"),
        *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
        *("--cgroupns", "host"),
        *("--tmpfs", f"/sys/fs/cgroup:mode=755,nr_inodes={len(hierarchies) + 1}"),
        *(arg for path in hierarchies for arg in ("-v", f"{path}:{path}:rw")),
    ]


def _files(lab: Lab) -> dict[str, tuple[int, str]]:
    """What is copied in before the first start: path, mode, content."""
    host_key = lab.state / keys.PI_HOST
    return {
        "etc/ssh/ssh_host_ed25519_key": (0o600, host_key.read_text()),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, keys.public(lab, keys.PI_HOST) + "\n"),
        f"etc/ssh/authorized_keys/{keys.ADMIN}": (0o644, keys.public(lab, keys.OPERATOR) + "\n"),
    }


def _archive(files: dict[str, tuple[int, str]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, (mode, text) in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def wait_for_ssh(lab: Lab) -> None:
    """Until the administrator can log in; else the Pi's own last words."""
    command = ["ssh", "-F", str(lab.state / "ssh_config"), "-o", "BatchMode=yes"]
    command += ["-o", "ConnectTimeout=3", "pi-admin", "true"]
    until = time.monotonic() + SSH_WAIT_SECONDS
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    name = lab.thing(NAME)
    journal = attempt(
        "exec", name, "journalctl", "-u", "ssh", "-n", "20", "--no-pager", "-o", "cat"
    )
    last = journal.stdout.decode(errors="replace") or docker("logs", "--tail", "20", name)
    raise Unreachable(
        f"{name}: no ssh within {SSH_WAIT_SECONDS:.0f} s: {done.stderr.strip()}\n{last.strip()}",
        f"docker logs {name}",
    )
