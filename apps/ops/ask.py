"""Asks the hosts in force how they are: one docker inspect, one psql, one ssh command a Pi."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from apps.hosts import container
from apps.ops.reach import Answer, on_mac, run, ssh_command
from apps.ops.status import (
    Address,
    Creature,
    Host,
    LastRow,
    Outbox,
    Service,
    Shard,
    Status,
    age,
)
from apps.queries import load
from schemas import ports
from schemas.anima.files import Condition
from schemas.hosts import Hosts, PiHost
from schemas.server import GOVERNANCE, SOULFRA
from schemas.soulfra.shards import HOME, server

SQL = load(Path(__file__).with_name("queries.sql"))
CONTAINERS = ("postgres-age", "redis", "redis-soulfra", "governance", "soulfra")


def ask(hosts: Hosts, state: Path) -> Status:
    """The state of every part; a part that does not answer never hides the others.

    ``state`` is the hosts' state directory: connections are shared there.
    """
    shards = [HOME, *hosts.mac.soulfra_shards] if hosts.mac.soulfra_shards else []
    names = [container(hosts, name) for name in (*CONTAINERS, *map(server, shards[1:]))]
    with ThreadPoolExecutor() as pool:
        inspect = ["docker", "container", "inspect", *names]
        docker = pool.submit(on_mac, hosts, inspect, state=state)
        governance = _psql(names[0], GOVERNANCE.database.database)
        rows = pool.submit(on_mac, hosts, governance, SQL["last_rows_on_mac"], state=state)
        stands = [
            pool.submit(
                on_mac, hosts,
                _psql(container(hosts, server(name)), SOULFRA.database.database),
                SQL["shard"], state=state,
            )
            for name in shards
        ]  # fmt: skip
        boards = [pool.submit(_on_pi, pi, state) for pi in hosts.pi]
    now = datetime.now(UTC)
    mac, services = _containers(hosts, names, docker.result(), now)
    last_rows = _mac_rows(hosts.mac.name, rows.result(), now)
    seen, outboxes, creatures = [mac], [], []
    for pi, board in zip(hosts.pi, boards, strict=True):
        host, unit, row, outbox = _board(pi, board.result(), now)
        creatures.append(_creature(pi, board.result()))
        seen.append(host)
        services.append(unit)
        last_rows.append(row)
        outboxes.append(outbox)
    return Status(
        asked_at=now,
        lab=hosts.lab.name if hosts.lab else None,
        hosts=tuple(seen),
        services=tuple(services),
        last_rows=tuple(last_rows),
        shards=tuple(
            _shard(name, stand.result()) for name, stand in zip(shards, stands, strict=True)
        ),
        outboxes=tuple(outboxes),
        creatures=tuple(creatures),
        addresses=tuple(_addresses(hosts)),
    )


def _psql(called: str, database: str) -> list[str]:
    psql = ["psql", "-U", "postgres", "-d", database, "-AtqX", "-v", "ON_ERROR_STOP=1"]
    return ["docker", "exec", "-i", called, *psql]


def _on_pi(pi: PiHost, state: Path) -> Answer:
    """The unit's properties as systemd has them, the condition, then the rows, both as JSON."""
    show = "systemctl show anima.service --timestamp=unix -p ActiveState,ActiveEnterTimestamp"
    database = f"~{pi.user}/{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"
    sqlite = f"sudo -n -u {pi.user} sqlite3 -readonly -cmd '.timeout 2000' {database}"
    condition = f"sudo -n -u {pi.user} cat {ports.ANIMA_RUN_DIR}/condition.json 2>/dev/null"
    there = ssh_command(pi.ssh, f"{show}; {condition}; {sqlite}", state=state)
    return run(there, SQL["last_rows_on_pi"])


def _containers(
    hosts: Hosts, names: list[str], answer: Answer, now: datetime
) -> tuple[Host, list[Service]]:
    """Docker prints what it found even when one of the names is missing."""
    found = _parsed(answer.said)
    there: dict[str, Any] = {each["Name"].lstrip("/"): each for each in found or []}
    answers = found is not None
    mac = Host(
        name=hosts.mac.name,
        group="mac",
        address=hosts.mac.ssh.hostname if hosts.mac.ssh else "this machine",
        answers=answers,
        reason=None if answers else answer.reason,
    )
    absent = "absent" if answers else "unreachable"
    return mac, [
        _service(name, mac.name, there[name], now)
        if name in there
        else Service(name=name, host=mac.name, state=absent)
        for name in names
    ]


def _service(name: str, host: str, inspected: dict[str, Any], now: datetime) -> Service:
    state = inspected["State"]
    started = datetime.fromisoformat(state["StartedAt"][:19] + "+00:00")
    return Service(
        name=name,
        host=host,
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        image=inspected["Config"]["Image"],
        up_seconds=age(started, now) if state["Status"] == "running" else None,
    )


def _mac_rows(host: str, answer: Answer, now: datetime) -> list[LastRow]:
    found = _parsed(answer.said) if answer.reason is None else None
    return [_last_row(table, host, found, now) for table in ("core.agent_state", "audit.events")]


def _last_row(table: str, host: str, found: Any, now: datetime) -> LastRow:
    if not isinstance(found, dict):
        return LastRow(table=table, host=host, answers=False)
    at = datetime.fromisoformat(found[table]) if found[table] else None
    return LastRow(table=table, host=host, answers=True, at=at, age_seconds=age(at, now))


def _shard(name: str, answer: Answer) -> Shard:
    found = _parsed(answer.said) if answer.reason is None else None
    if not isinstance(found, dict):
        return Shard(name=name, answers=False, reason=answer.reason or "no answer")
    called = found.pop("name")
    if called != name:
        why = f"its database is {called or 'no shard yet'}"
        return Shard(name=name, answers=False, reason=why, version=found["version"])
    return Shard(name=name, answers=True, **found)


def _board(pi: PiHost, answer: Answer, now: datetime) -> tuple[Host, Service, LastRow, Outbox]:
    lines = answer.said.splitlines()
    unit = dict(line.split("=", 1) for line in lines if line.startswith("Active"))
    found = _parsed(lines[-1]) if lines and lines[-1].startswith("{") else None
    host = Host(
        name=pi.name,
        group="pi",
        address=f"{pi.ssh.hostname}:{pi.ssh.port}",
        answers=bool(unit),
        reason=answer.reason,
    )
    since = unit.get("ActiveEnterTimestamp", "").lstrip("@")
    active = unit.get("ActiveState", "unreachable")
    service = Service(
        name="anima",
        host=pi.name,
        state=active,
        up_seconds=age(datetime.fromtimestamp(int(since), UTC), now)
        if active == "active" and since.isdecimal()
        else None,
    )
    row = _last_row("drawing_history", pi.name, found, now)
    return host, service, row, _outbox(pi, found or {})


def _outbox(pi: PiHost, found: dict[str, Any]) -> Outbox:
    counts = {name: found.get(name) for name in ("rejected", "missing", "stripped")}
    return Outbox(host=pi.name, depth=found.get("outbox_depth"), **counts)


def _creature(pi: PiHost, answer: Answer) -> Creature:
    """What it last said of itself; nothing if it is asleep, or of another release."""
    for line in answer.said.splitlines():
        if line.startswith('{"at"'):
            with suppress(ValidationError):
                return Creature(host=pi.name, condition=Condition.model_validate_json(line))
    return Creature(host=pi.name)


def _parsed(said: str) -> Any:
    """The JSON of an answer; None when it is none."""
    try:
        return json.loads(said)
    except ValueError:
        return None


def _addresses(hosts: Hosts) -> list[Address]:
    mac = hosts.mac.ssh.hostname if hosts.mac.ssh else "localhost"
    listed = [
        Address(what="governance", where=f"http://{mac}:{hosts.mac.governance_port}"),
        Address(what="soulfra", where=f"http://{mac}:{hosts.mac.soulfra_port}"),
        Address(what="postgres", where=f"{mac}:{hosts.mac.postgres_port} database governance"),
    ]
    return listed + [
        Address(what=pi.name, where=f"ssh {pi.ssh.user}@{pi.ssh.hostname} -p {pi.ssh.port}")
        for pi in hosts.pi
    ]
