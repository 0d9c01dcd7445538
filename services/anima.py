"""The anima service on a Pi: its user, its release, its unit."""

import hashlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import (
    FactBase,
    FileUploadCommand,
    FunctionCommand,
    QuoteString,
    StringCommand,
    operation,
)
from pyinfra.operations import files, server

from schemas import ports
from schemas.errors import Unreachable
from schemas.hosts import PiHost
from services import cargo
from services.cargo import PI_CODE, ROOT
from services.house import House, render
from services.migrations import anima_line

PACKAGES = ("python3", "python3-venv", "sqlite3")
MEMORY_MAX_MB = 96
CPU_QUOTA_PERCENT = 60
RESERVE_MB = 256
"""What the Pi's own system keeps: kernel, journald, sshd, page cache for the card."""
KEEP_RELEASES = 3
UNIT = "anima.service"


class Python(FactBase[dict[str, str]]):
    """The Pi's Python version and machine, which decide the wheels it gets."""

    def command(self) -> str:
        return (
            'echo "$(python3 -c \'import sys; print("%d.%d" % sys.version_info[:2])\') $(uname -m)"'
        )

    def process(self, output: list[str]) -> dict[str, str]:
        words = " ".join(output).split()
        return {"python": words[0], "machine": words[1]} if len(words) == 2 else {}

    @staticmethod
    def default() -> dict[str, str]:
        return {}


class Missing(FactBase[list[str]]):
    """Which of some Debian packages are not installed."""

    def command(self, packages: list[str]) -> str:
        names = " ".join(packages)
        return (
            f"for p in {names}; do dpkg-query -W -f '${{db:Status-Status}}\\n' $p 2>/dev/null "
            "| grep -qx installed || echo $p; done"
        )

    default = list


class Running(FactBase[dict[str, str]]):
    """What the running process was started from, and whether it will start again at boot."""

    def command(self, unit: str) -> str:
        show = f"systemctl show {unit} -p MainPID,ActiveState,UnitFileState"
        spec = "tr '\\0' '\\n' </proc/$MainPID/environ 2>/dev/null | grep '^ABODE_SPEC='"
        return f'said="$({show})"; eval "$said"; echo "$said"; {spec}; true'

    def process(self, output: list[str]) -> dict[str, str]:
        return dict(line.split("=", 1) for line in output if "=" in line)

    @staticmethod
    def default() -> dict[str, str]:
        return {}


@operation()
def packages(packages: list[str]) -> Iterator[StringCommand]:
    """Debian packages, with the lists brought up to date only when one is missing."""
    missing = host.get_fact(Missing, packages=packages)
    if not missing:
        host.noop(f"installed: {', '.join(packages)}")
        return
    yield StringCommand(
        "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y",
        "--no-install-recommends", *missing,
    )  # fmt: skip


class Linked(FactBase[str]):
    """Where a symbolic link points; empty when there is none."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("readlink", QuoteString(path), "|| true")

    def process(self, output: list[str]) -> str:
        return "".join(output)

    @staticmethod
    def default() -> str:
        return ""


INSTALL = """set -eu
cd {code_dir}; mkdir -p venvs releases
rm -rf .arriving; mkdir .arriving; tar xzf {upload} -C .arriving
if [ ! -d venvs/{venv} ]; then
  rm -rf venvs/.{venv}; python3 -m venv venvs/.{venv}
  venvs/.{venv}/bin/pip install -q --no-index --find-links .arriving/wheels \\
    --require-hashes -r .arriving/requirements.txt
  # The scripts that pip wrote name the draft's path; nothing of ours starts by them.
  mv venvs/.{venv} venvs/{venv}
fi
rm -rf .arriving/wheels releases/{release}
ln -s ../../venvs/{venv} .arriving/venv; sync
mv .arriving releases/{release}
ln -sfn releases/{release} .current; mv -T .current current
rm -f {upload}
ls -1dt releases/* | tail -n +{too_many} | grep -v /{release}'$' | xargs -r rm -rf
"""


@operation()
def release(code_dir: str, release: str, venv: str, package: str, pack: Any) -> Iterator[Any]:
    """Our code and its venv under ``current``, switched in one rename."""
    if host.get_fact(Linked, path=f"{code_dir}/current") == f"releases/{release}":
        host.noop(f"release {release} is current")
        return
    if state.config.DIFF:
        host.log(f"Will install release {release} in {code_dir}", logger.info)
    yield FunctionCommand(pack, (), {})
    upload = f"{code_dir}/{Path(package).name}"
    yield FileUploadCommand(package, upload)
    script = INSTALL.format(
        code_dir=code_dir, upload=upload, release=release, venv=venv, too_many=KEEP_RELEASES + 1
    )
    yield StringCommand("sh -s", _stdin=script)


@operation()
def token(path: str, content: "Token") -> Iterator[StringCommand]:
    """A secret file for root: never printed, never readable on the way."""
    found = host.get_fact(Hashed, path=path)
    if found == content.sha256():
        host.noop(f"{path} is up to date")
        return
    if state.config.DIFF:
        host.log(f"Will write {path} (secret, not shown)", logger.info)
    where = QuoteString(path)
    yield StringCommand(
        "umask 077 && cat >", QuoteString(f"{path}.new"), "&& mv", QuoteString(f"{path}.new"), where,
        _stdin=content.text,
    )  # fmt: skip


class Token:
    """A secret that does not show itself when an operation's arguments are printed."""

    def __init__(self, text: str) -> None:
        self.text = text + "\n"

    def __repr__(self) -> str:
        return f"Token({self.sha256()[:16]})"

    def sha256(self) -> str:
        """Digest of the file as it will lie on disk."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Hashed(FactBase[str]):
    """SHA-256 of a file; empty when it is not there."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("sha256sum", QuoteString(path), "2>/dev/null || true")

    def process(self, output: list[str]) -> str:
        return " ".join(output).split(" ")[0]

    @staticmethod
    def default() -> str:
        return ""


@operation()
def running(unit: str, spec: str) -> Iterator[StringCommand]:
    """The unit enabled, and its process started from ``spec``; restarted only when it was not.

    The process itself is asked, so a deploy that was cut short before its restart is finished
    by the next one.
    """
    found = host.get_fact(Running, unit=unit)
    started = found.get("ABODE_SPEC") == spec and found.get("ActiveState") == "active"
    enabled = found.get("UnitFileState") == "enabled"
    if started and enabled:
        host.noop(f"{unit} runs as declared")
        return
    yield StringCommand("systemctl daemon-reload && systemctl enable --quiet", unit)
    if not started:
        yield StringCommand(
            f"systemctl reset-failed {unit} 2>/dev/null; systemctl restart {unit} || "
            f"{{ journalctl -u {unit} -n 40 --no-pager >&2; exit 1; }}"
        )


def environment(pi: PiHost, home: str) -> dict[str, str]:
    """What the process is told; its one secret comes as a credential instead."""
    return {
        "ANIMA_HOME": f"{home}/{ports.ANIMA_DATA_DIR}",
        "ANIMA_AGENT": pi.agent,
        "GOVERNANCE_URL": pi.governance_url,
        "ANIMA_DRAW_EVERY_SECONDS": f"{pi.draw_every_seconds:g}",
        "ANIMA_I2C": str(int(pi.i2c)),
    }


def anima(house: House, pi: PiHost) -> None:
    """The service user, the release, the database line and the unit of one Pi."""
    home, code_dir, config_dir = f"/home/{pi.user}", ports.ANIMA_CODE_DIR, ports.ANIMA_CONFIG_DIR
    data_dir = f"{home}/{ports.ANIMA_DATA_DIR}"
    packages(name="Debian packages", packages=list(PACKAGES))
    server.user(
        name=f"User {pi.user}",
        user=pi.user,
        home=home,
        shell="/bin/bash",  # noqa: S604  # a login shell, not a way to run something
        ensure_home=True,
        create_home=True,
        public_keys=list(pi.operator_keys),
        delete_keys=True,
    )
    for path, owner, mode in (
        (home, pi.user, "700"),
        (data_dir, pi.user, "700"),
        (code_dir, "root", "755"),
        (config_dir, "root", "755"),
    ):
        files.directory(name=f"Directory {path}", path=path, user=owner, group=owner, mode=mode)
    current = f"{code_dir}/current"
    made = _release(pi)
    release(name=f"Release {made['release']}", code_dir=code_dir, **made)
    anima_line(
        service_user=pi.user,
        home=home,
        run=f"cd {current}/code && ../venv/bin/python -m apps.migrate",
    )
    secret = Token(house.vault.get(f"agent_{pi.agent}"))
    token(name="Write the governance token", path=f"{config_dir}/governance_token", content=secret)
    settings = "".join(f"{key}={value}\n" for key, value in environment(pi, home).items())
    unit = render(
        "anima/anima.service.j2",
        service_user=pi.user,
        code_dir=code_dir,
        config_dir=config_dir,
        home=home,
        memory_max_mb=MEMORY_MAX_MB,
        cpu_quota_percent=CPU_QUOTA_PERCENT,
        i2c=pi.i2c,
    )
    parts = (settings, unit, secret.sha256(), made["release"], made["venv"])
    spec = cargo.digest({}, *parts)
    for path, text in (
        (f"{config_dir}/anima.env", f"{settings}ABODE_SPEC={spec}\n"),
        (f"/etc/systemd/system/{UNIT}", unit),
    ):
        files.put(
            name=f"Write {path}",
            src=StringIO(text),
            dest=path,
            user="root",
            group="root",
            mode="644",
        )
    running(name=f"Run {UNIT}", unit=UNIT, spec=spec)


def _release(pi: PiHost) -> dict[str, Any]:
    about = host.get_fact(Python)
    if not about:
        raise Unreachable(f"{pi.name}: has no python3", "sudo apt-get install python3 python3-venv")
    groups = ("pi", "i2c") if pi.i2c else ("pi",)
    code = {f"code/{name}": content for name, content in cargo.files(PI_CODE).items()}
    light = {**code, "requirements.txt": cargo.lock(*groups).encode()}
    venv = cargo.digest({}, cargo.lock(*groups), about["python"], about["machine"])
    made = cargo.digest(light, venv)
    path = ROOT / ".abode" / "cache" / f"anima-{made}.tar.gz"

    def pack() -> None:
        wheels = cargo.wheels(path.parent, about["python"], about["machine"], *groups)
        cargo.tar(path, {**light, **wheels})

    return {"release": made, "venv": venv, "package": str(path), "pack": pack}
