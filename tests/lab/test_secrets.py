"""No secret shows: not in logs, arguments, environments, labels, plans, JSON or git."""

import json
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from apps.ops.ask import CONTAINERS
from schemas import ports


@pytest.fixture(scope="module")
def canaries(standing):
    """Every secret of the house by name, keys and passwords alike."""
    kept = {path.name: path.read_text() for path in (standing.state / "secrets").iterdir()}
    found = {}
    for name, text in kept.items():
        if name.endswith(".crt"):
            continue
        # Of a PEM key one line of its body is enough to know it by.
        found[name] = text.splitlines()[1] if "BEGIN" in text else text.strip()
    assert len(found) >= 6
    return found


def _absent(canaries, where, text):
    shown = [name for name, secret in canaries.items() if secret in text]
    assert shown == [], f"{where} shows {shown}"


def test_every_secret_is_closed(standing):
    """The state directory is 0700; what it keeps is 0600."""
    assert standing.state.stat().st_mode & 0o077 == 0
    for path in (standing.state / "secrets").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_docker_shows_none(standing, canaries):
    """Neither docker inspect nor the containers' logs nor the images hold one."""
    names = [standing.called(n) for n in (*CONTAINERS, "pi")]
    _absent(canaries, "docker inspect", standing.docker("inspect", *names))
    for name in names:
        said = standing.run("docker", "logs", name)
        _absent(canaries, f"the log of {name}", said.stdout + said.stderr)
    for image in standing.docker("images", "-q", "--filter", "label=abode.image").split():
        history = standing.docker("history", "--no-trunc", image)
        _absent(canaries, f"image {image}", history)


def test_no_process_shows_one(standing, canaries):
    """Arguments and environments of every process, here and on the Pi."""
    everything = "for p in /proc/[0-9]*; do cat $p/cmdline $p/environ 2>/dev/null; echo; done"
    here = standing.run("sh", "-c", everything + " | tr '\\0' ' '").stdout
    there = standing.ssh(f"sudo sh -c '{everything}' | tr '\\0' ' '")

    _absent(canaries, "a process here", here)
    _absent(canaries, "a process on the Pi", there)


def test_the_pi_shows_none(standing, canaries):
    """Unit files, environment files and the journal."""
    said = standing.ssh(
        "sudo sh -c 'systemctl show anima.service; cat /etc/systemd/system/anima.service "
        "/etc/anima/anima.env; journalctl --no-pager -q'"
    )

    _absent(canaries, "the Pi", said)
    assert standing.ssh("stat -c '%a %U' /etc/anima/governance_token") == "600 root"


@pytest.mark.parametrize("flags", [("-y", "-vvv"), ("-y", "--json"), ("--dry", "--diff", "-vv"),
                                   ("--dry", "--debug-operations")])  # fmt: skip
def test_a_deploy_shows_none(standing, canaries, flags):
    """Whatever pyinfra is asked to print."""
    said = standing.deploy(*flags)

    _absent(canaries, f"pyinfra {flags}", said.stdout + said.stderr)


def test_a_deploy_that_changes_everything_shows_none(standing, canaries, request):
    """Also while secrets are being rotated and containers made anew."""
    path = standing.state / "secrets" / "redis_governance"
    old = path.read_text()
    request.addfinalizer(lambda: (path.write_text(old), standing.deploy("-y")))
    path.write_text("another-secret-of-redis-that-nobody-may-see\n")

    every = {**canaries, "rotated": path.read_text().strip()}
    with _watched() as arguments:
        said = standing.deploy("-y", "-vvv", "--diff")

    _absent(every, "pyinfra", said.stdout + said.stderr)
    assert any("docker" in each for each in arguments), "nobody was watched"
    _absent(every, "an argument", "\n".join(arguments))


@contextmanager
def _watched():
    """The arguments of every process that lives meanwhile, as a poll every 2 ms sees them."""
    seen, over = set(), threading.Event()

    def watch():
        while not over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    seen.add((process / "cmdline").read_bytes().decode(errors="replace"))
            over.wait(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_the_stores_show_none(standing, canaries):
    """No agent's token lies readable in the database, the audit trail or Redis."""
    postgres, governance = standing.called("postgres-age"), standing.called("governance")
    dump = standing.docker("exec", postgres, "pg_dump", "-U", "postgres", "governance")
    audit = standing.docker("exec", governance, "cat", ports.AUDIT_LOG)

    _absent(canaries, "the database", dump)
    _absent(canaries, "the audit trail", audit)


def test_status_shows_none(standing, canaries):
    """What an operator pastes into an issue."""
    said = standing.run(str(standing.bin / "abode"), "status", "--json")

    assert json.loads(said.stdout)["services"]
    _absent(canaries, "abode status", said.stdout + said.stderr)


def test_git_knows_none(standing, canaries):
    """Nothing below .abode is tracked, and no tracked file holds one."""
    assert standing.run("git", "ls-files", ".abode", check=False).stdout == ""
    for name, secret in canaries.items():
        found = standing.run("git", "grep", "-lF", "-e", secret, check=False)
        assert found.stdout == "", name
