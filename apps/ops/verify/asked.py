"""Asks both sides of the house: each store by the way that an operator has to it."""

import json
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.hosts import container
from apps.ops.reach import Answer, on_mac, run, ssh_command
from apps.ops.verify import on_mac as in_container
from apps.ops.verify import on_pi
from apps.queries import load
from schemas import ports
from schemas.governance import keys
from schemas.governance.server import GOVERNANCE
from schemas.hosts import Hosts, PiHost

SQL: Final = load(Path(__file__).with_name("verify.sql"))
HEALTH: Final = """
import os, urllib.error, urllib.request
try:
    ask = urllib.request.urlopen(f"http://127.0.0.1:{os.environ['HEALTH_PORT']}/health", timeout=8)
except urllib.error.HTTPError as error:
    ask = error
print(ask.read().decode())
"""
SETTLE_SECONDS: Final = 20.0
"""How long a check-in may be on its way before it counts as not arrived."""
STORE_SECONDS: Final = 20.0
CALLS: Final = 200
"""Of the newest calls in Redis."""


class Told(NamedTuple):
    """What one store said, or why it did not."""

    said: Any = None
    reason: str | None = None


class Key(NamedTuple):
    """What a check-in is known by for ever, beside its agent."""

    boot_id: str
    seq: int


class Mac(NamedTuple):
    """What the Mac's stores hold of one check-in and its agent."""

    rows: Told
    vertices: Told
    redis: Told
    health: Told
    trail: Told


def watch(pi: PiHost, wait: float, seq: int) -> Told:
    """A Pi, until its next check-in has arrived; at once when one is given or ``wait`` is 0."""
    asked = {"do": "watch", "wait": 0 if seq else wait, "seq": seq, "settle": SETTLE_SECONDS}
    return _on_pi(pi, asked, wait + SETTLE_SECONDS + STORE_SECONDS)


def step(pi: PiHost, drawing: dict[str, Any], before: str) -> Told:
    """The step in drawing_history that a check-in brought."""
    return _on_pi(pi, {"do": "step", "drawing": drawing, "before": before}, STORE_SECONDS)


def mac(hosts: Hosts, agent: str, mark: Key | None, newest: Key | None) -> Mac:
    """Every store of the Mac at once; one that does not answer never hides the others."""
    one, two = mark or Key("", -1), newest or Key("", -1)
    rows = {"agent": agent, "boot_id": one.boot_id, "seq": str(one.seq),
            "newest_boot_id": two.boot_id, "newest_seq": str(two.seq)}  # fmt: skip
    key = keys.CALLS.of(agent_id=agent)
    needle = f'"boot_id":"{one.boot_id}","seq":{one.seq},'
    find = json.dumps({"trail": ports.AUDIT_LOG, "needle": needle})
    trail = ["python", "-I", "-", find]
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(_psql, hosts, "rows", rows),
            pool.submit(_psql, hosts, "vertices", {"given": json.dumps({"id": agent})}),
            pool.submit(_redis, hosts, f"PING\nLRANGE {key} {-CALLS} -1\n"),
            pool.submit(_in, hosts, "governance", ["python", "-I", "-"], HEALTH),
            pool.submit(_in, hosts, "governance", trail, _source(in_container.__file__)),
        ]
    return Mac(*(each.result() for each in asked))


def _on_pi(pi: PiHost, asked: dict[str, Any], seconds: float) -> Told:
    place = f"~/{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"
    asked |= {"database": place, "condition": f"{ports.ANIMA_RUN_DIR}/condition.json"}
    # Not nice: what it waits for is there for less than a tenth of a second.
    words = [f"{ports.ANIMA_CODE_DIR}/current/venv/bin/python", "-I", "-", json.dumps(asked)]
    to = pi.ssh.model_copy(update={"user": pi.user})
    said = run(ssh_command(to, shlex.join(words)), _source(on_pi.__file__), seconds=seconds)
    return _json(said)


def _psql(hosts: Hosts, query: str, given: dict[str, str]) -> Told:
    words = ["psql", "-U", "postgres", "-d", GOVERNANCE.database, "-AtqX", "-v", "ON_ERROR_STOP=1",
             "-v", "VERBOSITY=terse"]  # fmt: skip
    words += [word for name, value in given.items() for word in ("-v", f"{name}={value}")]
    answer = _run(hosts, "postgres-age", words, SQL[query])
    if answer.reason is not None or query == "rows":
        return _json(answer)
    return Told([json.loads(line) for line in answer.said.splitlines() if line])


def _redis(hosts: Hosts, commands: str) -> Told:
    answer = _run(hosts, "redis", ["redis-cli"], commands)
    return Told(answer.said.splitlines(), answer.reason)


def _in(hosts: Hosts, name: str, words: list[str], given: str) -> Told:
    return _json(_run(hosts, name, words, given))


def _run(hosts: Hosts, name: str, words: list[str], given: str) -> Answer:
    command = ["docker", "exec", "-i", container(hosts, name), *words]
    return on_mac(hosts, command, given, seconds=STORE_SECONDS)


def _json(answer: Answer) -> Told:
    try:
        return Told(json.loads(answer.said), None)
    except ValueError:
        return Told(None, answer.reason or f"said {answer.said[:80]!r}")


def _source(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
