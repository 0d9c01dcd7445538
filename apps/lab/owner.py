"""Whose a container is, and the removal of everything that belongs to one lab."""

from collections.abc import Iterator
from pathlib import Path

from apps.lab import process
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from schemas.errors import Diverged, Refused

CONTAINERS = ("pi", "governance", "redis", "postgres-age")
"""In the order in which they are stopped: who writes goes before who stores."""
KINDS = {"container": ["ps", "-a"], "volume": ["volume", "ls"], "network": ["network", "ls"]}
REMOVE = {"container": ["rm", "-f", "-v"], "volume": ["volume", "rm"], "network": ["network", "rm"]}


def refuse_strangers(lab: Lab) -> None:
    """Stop before touching a container that bears our name but is not ours."""
    for name in CONTAINERS:
        there = inspect("container", lab.thing(name))
        if there is None:
            continue
        worn = there["Config"]["Labels"] or {}
        whose = (worn.get("abode.lab"), worn.get("abode.home"))
        if whose == (lab.name, str(lab.home)):
            continue
        holder = f"belongs to lab {whose[0]!r} of {whose[1]}" if any(whose) else "is not abode's"
        raise Refused(
            f"container {lab.thing(name)!r} {holder}",
            "LAB=name make up  gives this lab its own names, network, volumes and ports",
        )


def names(kind: str, filters: list[str]) -> list[str]:
    """Containers, volumes or networks that match."""
    shown = "{{.Names}}" if kind == "container" else "{{.Name}}"
    return docker(*KINDS[kind], *filters, "--format", shown).split()


def remove(lab: Lab) -> list[str]:
    """Remove every container, volume and network of a lab; what is removed, by kind and name."""
    gone = []
    for kind in KINDS:
        found = names(kind, lab.mine)
        if not found:
            continue
        done = attempt(*REMOVE[kind], *found)
        if left := names(kind, lab.mine):
            said = done.stderr.decode(errors="replace").strip()
            raise Diverged(f"{kind} {', '.join(left)}: not removed: {said}", "make destroy again")
        gone += [f"{kind} {name}" for name in found]
    return gone


def labs() -> set[tuple[str, str]]:
    """Every lab that this engine knows: name and checkout."""
    return {(name, home) for name, home, _ in _worn("abode.home")}


def remove_dead_labs() -> list[str]:
    """Remove the labs whose owner process is gone; what is removed."""
    gone = []
    for name, home, owner in sorted(set(_worn("abode.owner"))):
        if not process.lives(owner):
            gone += remove(Lab(name, Path(home)))
    return gone


def _worn(label: str) -> Iterator[tuple[str, str, str]]:
    """Lab, checkout and owner of everything that wears a label."""
    shown = "\t".join(f'{{{{.Label "abode.{key}"}}}}' for key in ("lab", "home", "owner"))
    for command in KINDS.values():
        for line in docker(*command, "--filter", f"label={label}", "--format", shown).splitlines():
            name, home, owner = line.split("\t")
            yield name, home, owner
