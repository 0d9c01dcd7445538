"""The anima service on a Pi: its user, its release, its unit."""

import re
from collections.abc import Iterator, Mapping

from pyinfra import host, logger, state
from pyinfra.api import (
    FactBase,
    StringCommand,
    operation,
)

from schemas import ports
from schemas.hosts import MEMORY_MAX_MB, PiHost
from services import board, cargo, release
from services.house import House, render
from services.migrations import anima_line
from services.told import told

PACKAGES = ("python3", "python3-venv", "sqlite3")
CPU_QUOTA_PERCENT = 60
UNIT = "anima.service"
UNITS = "/etc/systemd/system"
DROP_INS = (UNITS, "/etc/systemd/system.control", "/run/systemd/system")


class Running(FactBase[dict[str, str]]):
    """What the running process was started from, and what has changed under it since."""

    def command(self, unit: str, paths: list[str]) -> str:
        wanted = "MainPID,ActiveState,UnitFileState,NeedDaemonReload"
        show = f"systemctl show {unit} -p {wanted}"
        started = f"systemctl show {unit} -p ExecMainStartTimestamp --value --timestamp=unix"
        spec = "tr '\\0' '\\n' </proc/$pid/environ 2>/dev/null | grep '^ABODE_SPEC='"
        # A second later: the deploy writes the files just before it starts the process.
        newer = f"find {' '.join(paths)} -newermt @$((${{start#@}} + 1)) -printf 'Newer=%p\\n'"
        # Asked of the disk: systemd shows a drop-in only after it was told to look.
        added = f"ls -d {' '.join(f'{place}/{unit}.d' for place in DROP_INS)} 2>/dev/null"
        return (
            f"{show}; {added} | sed s/^/DropIns=/; "
            f"pid=$(systemctl show {unit} -p MainPID --value); {spec}; "
            f'start=$({started}); [ -z "$start" ] || {newer} 2>/dev/null; true'
        )

    def process(self, output: list[str]) -> dict[str, str]:
        return dict(line.split("=", 1) for line in output if "=" in line)

    @staticmethod
    def default() -> dict[str, str]:
        return {}


@operation()
def running(unit: str, spec: str, paths: list[str]) -> Iterator[StringCommand]:
    """The unit enabled, and its process started from ``spec``; restarted only when it was not.

    The process itself is asked, so a deploy that was cut short before its restart is finished
    by the next one, and what was changed by hand (a drop-in, a reload) is undone.
    """
    found = host.get_fact(Running, unit=unit, paths=paths)
    altered = [k for k in ("DropIns", "Newer") if found.get(k)]
    altered += ["NeedDaemonReload"] if found.get("NeedDaemonReload") == "yes" else []
    started = found.get("ABODE_SPEC") == spec and found.get("ActiveState") == "active"
    enabled = found.get("UnitFileState") == "enabled"
    if started and enabled and not altered:
        host.noop(f"{unit} runs as declared")
        return
    if state.config.DIFF:
        for what in altered:
            host.log(f"  {unit}: {what} {found[what]}", logger.info)
    if "DropIns" in altered:
        yield StringCommand(*(f"rm -rf {place}/{unit}.d;" for place in DROP_INS), "true")
    yield StringCommand("systemctl daemon-reload && systemctl enable --quiet", unit)
    if altered or not started:
        yield StringCommand(
            f"systemctl reset-failed {unit} 2>/dev/null; systemctl restart {unit} || "
            f"{{ journalctl -u {unit} -n 40 --no-pager >&2; exit 1; }}"
        )


def environment(pi: PiHost, home: str) -> dict[str, str]:
    """What the process is told; its one secret comes as a credential instead."""
    named = {"ANIMA_NAME": pi.creature} if pi.creature else {}
    return {
        **named,
        "ANIMA_HOME": f"{home}/{ports.ANIMA_DATA_DIR}",
        "ANIMA_AGENT": pi.agent,
        "GOVERNANCE_URL": pi.governance_url,
        "ANIMA_DRAW_EVERY_SECONDS": f"{pi.draw_every_seconds:g}",
        "ANIMA_I2C": str(int(pi.i2c)),
        **told(pi),
    }


PLAIN = re.compile(r"[\w./:-]([\w ./:-]*[\w./:-])?")
"""What an environment file means as it stands."""


def lines(variables: Mapping[str, str]) -> str:
    """An environment file as systemd and a shell read it: in double quotes where it matters."""
    return "".join(f"{key}={_quoted(value)}\n" for key, value in variables.items())


def _quoted(value: str) -> str:
    return value if PLAIN.fullmatch(value) else '"' + re.sub(r'(["$`\\])', r"\\\1", value) + '"'


def anima(house: House, pi: PiHost) -> None:
    """The service user, the release, the database line and the unit of one Pi."""
    home, code_dir, config_dir = pi.home, ports.ANIMA_CODE_DIR, ports.ANIMA_CONFIG_DIR
    data_dir = f"{home}/{ports.ANIMA_DATA_DIR}"
    board.packages(name="Debian packages", packages=list(PACKAGES))
    board.account(name=f"User {pi.user}", user=pi.user, home=home, keys=list(pi.operator_keys))
    board.directories(
        name="Directories",
        wanted=[
            board.Directory(home, pi.user, "700"),
            board.Directory(data_dir, pi.user, "700"),
            board.Directory(code_dir, "root", "755"),
            board.Directory(config_dir, "root", "755"),
        ],
    )
    made = release.made_for(pi)
    release.current(name=f"Release {made['release']}", code_dir=code_dir, **made)
    anima_line(pi)
    settings = lines(environment(pi, home))
    unit = render(
        "anima/anima.service.j2",
        service_user=pi.user,
        code_dir=code_dir,
        config_dir=config_dir,
        data_dir=data_dir,
        memory_max_mb=MEMORY_MAX_MB,
        cpu_quota_percent=CPU_QUOTA_PERCENT,
        i2c=pi.i2c,
    )
    token = house.vault.get(f"agent_{pi.agent}") + "\n"
    secret = board.HostFile(f"{config_dir}/governance_token", token, mode="600", secret=True)
    spec = cargo.digest({}, settings, unit, secret.sha256(), made["release"], made["venv"])
    wanted = [
        secret,
        board.HostFile(f"{config_dir}/anima.env", f"{settings}ABODE_SPEC={spec}\n"),
        board.HostFile(f"{UNITS}/{UNIT}", unit),
    ]
    board.written(name="Token, environment and unit", wanted=wanted)
    running(name=f"Run {UNIT}", unit=UNIT, spec=spec, paths=[file.path for file in wanted])
