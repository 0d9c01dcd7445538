"""What a lab says about its hosts, in the words of schemas/hosts.py."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from apps.lab import keys
from apps.lab.docker import docker
from apps.lab.lab import Lab
from apps.lab.pi import MEMORY_MB
from schemas import ports
from schemas.hosts import Hosts, MacHost, PiHost, Ssh

MAC_MEMORY_MB = 16_384
DRAW_EVERY_SECONDS = 0.02
"""The stand-in draws faster than a board would, so that data flows while you watch."""


def declare(lab: Lab) -> Hosts:
    """The two hosts of a lab."""
    there_mb = int(docker("info", "-f", "{{.MemTotal}}")) // 2**20
    return Hosts(
        lab=lab.said,
        mac=MacHost(
            memory_mb=min(MAC_MEMORY_MB, there_mb),
            postgres_port=lab.port("postgres"),
            governance_port=lab.port("governance"),
            soulfra_port=lab.port("soulfra"),
        ),
        pi=(
            PiHost(
                ssh=Ssh(
                    hostname="127.0.0.1",
                    port=lab.port("ssh"),
                    user=keys.ADMIN,
                    key=str(lab.state / keys.OPERATOR),
                    known_hosts=str(lab.state / "known_hosts"),
                ),
                operator_keys=(keys.public(lab, keys.OPERATOR),),
                governance_url=f"http://{lab.thing('governance')}:{ports.GOVERNANCE}",
                memory_mb=MEMORY_MB,
                draw_every_seconds=DRAW_EVERY_SECONDS,
            ),
        ),
    )


def write(lab: Lab) -> Hosts:
    """Write hosts.toml and the ssh files of a lab, where they differ."""
    hosts = declare(lab)
    path = lab.state / "hosts.toml"
    text = f"# Written by `make up`. Edit hosts.toml at the root for real hosts.\n{as_toml(hosts)}"
    if not path.exists() or path.read_text() != text:
        half = path.with_suffix(".half")
        half.write_text(text)
        half.replace(path)
    keys.write_ssh_files(lab, lab.port("ssh"), hosts.pi[0].user)
    return hosts


def as_toml(hosts: Hosts) -> str:
    """The file that reads back as these hosts."""
    return "\n".join(_table(hosts.model_dump(mode="json", exclude_none=True), "")) + "\n"


def _table(table: Mapping[str, Any], path: str) -> Iterator[str]:
    later: list[tuple[str, str, Mapping[str, Any]]] = []
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if value == {}:
            continue
        if isinstance(value, dict):
            later.append((name, f"[{name}]", value))
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            later.extend((name, f"[[{name}]]", each) for each in value)
        else:
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for name, heading, inner in later:
        yield f"\n{heading}"
        yield from _table(inner, name)
