"""``make up``: from a bare host to check-ins that arrive as rows."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from apps.lab import cache, engine, flow, hosts, images, keys, owner, packages, pi, preflight
from apps.lab.lab import Lab
from apps.lab.progress import Progress, Step
from apps.ops import deploy, lock
from schemas import ports
from schemas.errors import Diverged, Refused
from schemas.hosts import Hosts

ENGINE_NOTES = Path(".abode/engine")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def up(root: Path) -> None:
    """Have everything standing and flowing; show where it is."""
    if problems := preflight.missing(root):
        raise Refused("\n".join(f"{what}\n  hint: {fix}" for what, fix in problems))
    if (root / "hosts.toml").exists() and not os.environ.get("LAB"):
        raise Refused(
            f"{root / 'hosts.toml'}: names real hosts", "make deploy, or LAB=lumen make up"
        )
    lab = Lab.here(root)
    lock.hold(lab.state, "make up")
    progress = Progress()
    with progress.step("docker engine") as step:
        step.note, step.fetching = engine.have(lab.home / ENGINE_NOTES)
    owner.refuse_strangers(lab)
    if gone := owner.remove_dead_labs():
        progress.console.print(f"  removed what dead runs left: {', '.join(gone)}")
    stand = _pi(lab, progress)
    begun = datetime.now(UTC)
    with progress.step("deploy") as step:
        _deploy(lab, step)
    with progress.step("first check-in is a row") as step:
        since = flow.flowing_since(stand, begun)
        step.note = f"{flow.wait_for_row(stand, since)} since {since:%H:%M:%S} UTC"
    cache.prune(lab.home / ".abode/cache")
    progress.show_breakdown()
    progress.console.print(addresses(lab, stand))
    for line in commands(lab, stand):
        progress.console.print(f"  {line}", markup=False, soft_wrap=True)


def _pi(lab: Lab, progress: Progress) -> Hosts:
    with progress.step("keys") as step:
        keys.make(lab)
        step.note = str(lab.state)
    with progress.step("Debian base image") as step:
        base_id, step.note, step.fetching = images.base(lab.home)
    with progress.step("Pi image") as step:
        image, said = images.pi(lab.home, base_id)
        step.note, step.fetching = image, packages.downloading(said)
    with progress.step("Pi container") as step:
        step.note = pi.stand(lab, image)
        declared = hosts.write(lab)
    with progress.step("Pi answers by ssh"):
        pi.wait_for_ssh(lab)
    return declared


def _deploy(lab: Lab, step: Step) -> None:
    """Run pyinfra quietly; its whole output lies in deploy.log, its end is shown on failure."""
    log = lab.state / "deploy.log"
    with (
        log.open("w", encoding="utf-8") as kept,
        deploy.begin(lab.home, deploy.command(), "make up", piped=True) as process,
    ):
        log.chmod(0o600)
        if process.stdout is None:
            raise Diverged("pyinfra: its output was not piped")
        for line in process.stdout:
            kept.write(line)
            if (now := ANSI.sub("", line).partition("Starting operation: ")[2]).strip():
                step.doing(now.strip())
    said = ANSI.sub("", log.read_text(encoding="utf-8"))
    step.fetching = packages.downloading(said)
    if process.returncode:
        last = "\n".join(said.strip().splitlines()[-40:])
        raise Diverged(f"pyinfra ended with {process.returncode}\n{last}", f"all of it: {log}")


def addresses(lab: Lab, declared: Hosts) -> Table:
    """Where everything is."""
    table = Table("what", "where", title=f"lab {lab.name}")
    mac, board = declared.mac, declared.pi[0]
    table.add_row("governance", f"http://localhost:{mac.governance_port}")
    table.add_row("soulfra", f"http://localhost:{mac.soulfra_port}")
    table.add_row("postgres", f"localhost:{mac.postgres_port}  databases governance, soulfra")
    table.add_row("redis", f"docker exec {lab.thing('redis')}, {lab.thing('redis-soulfra')}")
    table.add_row("pi", f"ssh -F {_short(lab)}/ssh_config {board.name}")
    table.add_row("secrets and keys", f"{_short(lab)}/")
    return table


def commands(lab: Lab, declared: Hosts) -> list[str]:
    """Four things to try."""
    agents = "SELECT agent_id, status FROM core.identities"
    steps = "SELECT COUNT(*) FROM drawing_history;"
    ssh = f"ssh -F {_short(lab)}/ssh_config {declared.pi[0].name}"
    env = "" if lab.is_default else f"LAB={lab.name} "
    return [
        f"{env}.venv/bin/abode status",
        f"curl http://localhost:{declared.mac.governance_port}/health",
        f'docker exec {lab.thing("postgres-age")} psql -U postgres -d governance -c "{agents}"',
        f"{ssh} \"sqlite3 ~/{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB} '{steps}'\"",
    ]


def _short(lab: Lab) -> Path:
    return lab.state.relative_to(lab.home)
