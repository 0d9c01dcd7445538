"""Whose a container is, and the removal of everything that belongs to one lab."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from apps.hosts import RESERVED, state_path
from apps.lab import process
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from schemas.errors import Diverged, Refused

CONTAINERS = ("pi", "governance", "soulfra", "redis", "redis-soulfra", "postgres-age")
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
    """Remove the labs whose owner processes are gone; what is removed.

    Who dies and leaves something takes nothing from a living run that shares the lab.
    """
    gone = []
    worn = set(_worn("abode.owner"))
    alive = {(name, home) for name, home, owner in worn if process.lives(owner)}
    for name, home in sorted({(name, home) for name, home, _ in worn} - alive):
        dead = Lab(name, Path(home))
        gone += remove(dead) + remove_state(dead)
    return gone


def remove_state(lab: Lab) -> list[str]:
    """Remove keys, secrets and notes of a lab, and what only labs of its checkout shared."""
    path = state_path(lab.home, lab.name)
    house = lab.home / ".abode"
    entries = sorted(path.iterdir()) if path.is_dir() else []
    if lab.is_default:  # the other labs and the house's own rooms lie below it
        entries = [entry for entry in entries if entry.name not in RESERVED and not _is_lab(entry)]
    for entry in entries:
        # ssh removes its sockets by itself, perhaps just now.
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
    if path != house and path.is_dir():
        path.rmdir()
    gone = [f"state {path}"] if entries else []
    kept = list(house.iterdir()) if house.is_dir() else []
    if (house / "cache").is_dir() and all(entry.name in {"cache", "engine"} for entry in kept):
        shutil.rmtree(house / "cache")
        gone.append(f"cache {house / 'cache'}")
    return gone


def _is_lab(entry: Path) -> bool:
    return (entry / "ports.json").exists()


def _worn(label: str) -> Iterator[tuple[str, str, str]]:
    """Lab, checkout and owner of everything that wears a label."""
    shown = "\t".join(f'{{{{.Label "abode.{key}"}}}}' for key in ("lab", "home", "owner"))
    for command in KINDS.values():
        for line in docker(*command, "--filter", f"label={label}", "--format", shown).splitlines():
            name, home, owner = line.split("\t")
            yield name, home, owner
