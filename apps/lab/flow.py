"""Whether data flows: a check-in has become a row, or the reasons why none has."""

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.hosts import container
from apps.lab.docker import attempt, docker
from apps.queries import load
from schemas.bridge import CHECK_IN_EVERY_SECONDS
from schemas.errors import Diverged
from schemas.hosts import Hosts

SQL = load(Path(__file__).with_name("queries.sql"))
WAIT_SECONDS = CHECK_IN_EVERY_SECONDS + 15
"""A Pi that was not restarted sends its next check-in in its own time."""
UNIT_STARTED = ("systemctl", "show", "anima", "-p", "ActiveEnterTimestamp", "--timestamp=us+utc")


def flowing_since(hosts: Hosts, begun: datetime) -> datetime:
    """From when on a row proves that data flows: not before anybody on its way last started.

    A Pi that was left alone checks in every minute, so within the last minute is now.
    """
    board = container(hosts, hosts.pi[0].name)
    names = [container(hosts, "governance"), board]
    said = docker("inspect", "-f", "{{.State.StartedAt}}", *names).split()
    started = [datetime.fromisoformat(at) for at in said]
    unit = docker("exec", board, *UNIT_STARTED).partition("=")[2]
    if unit:
        started.append(datetime.strptime(unit, "%a %Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC))
    return max([begun - timedelta(seconds=WAIT_SECONDS), *started])


def wait_for_row(hosts: Hosts, since: datetime) -> int:
    """Until a check-in has been received after ``since``; how many there are then."""
    until = time.monotonic() + WAIT_SECONDS
    said = ""
    while time.monotonic() < until:
        done = attempt(
            *("exec", "-i", container(hosts, "postgres-age")),
            *("psql", "-U", "postgres", "-d", "governance", "-AtqX"),
            *("-v", "ON_ERROR_STOP=1", "-v", f"since={since.isoformat()}"),
            given=SQL["check_ins_since"].encode(),
        )
        said = done.stderr.decode(errors="replace").strip()
        counted = done.stdout.decode().strip()
        if counted.isdecimal() and int(counted):
            return int(counted)
        time.sleep(0.5)
    raise Diverged(f"no check-in became a row within {WAIT_SECONDS:.0f} s\n{reasons(hosts, said)}")


def reasons(hosts: Hosts, psql: str) -> str:
    """The last words of everyone on the way from the Pi to the row."""
    pi = attempt(
        *("exec", container(hosts, hosts.pi[0].name)),
        *("journalctl", "-u", "anima", "-n", "15", "--no-pager", "-o", "short-iso"),
    )
    governance = attempt("logs", "--tail", "15", container(hosts, "governance"))
    parts = {
        "psql": psql or "answers, but there is no new row",
        "health of governance": health(hosts),
        "log of governance": _last(governance.stdout + governance.stderr),
        "journal of anima": _last(pi.stdout + pi.stderr),
    }
    return "\n".join(f"--- {title}\n{text}" for title, text in parts.items())


def health(hosts: Hosts) -> str:
    """What /health says, or why it says nothing."""
    url = f"http://127.0.0.1:{hosts.mac.governance_port}/health"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read(4096).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(4096).decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"


def _last(said: bytes) -> str:
    return said.decode(errors="replace").strip() or "(nothing)"
