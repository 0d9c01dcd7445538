"""``make down`` stops and keeps; ``make destroy`` removes what ``make up`` created."""

from pathlib import Path

from apps.hosts import BASE, state_path
from apps.lab import engine, keys, owner
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from apps.lab.up import ENGINE_NOTES
from apps.ops import lock, reach

STOP_SECONDS = 30


def down(root: Path) -> list[str]:
    """Stop this lab's containers, writers first; what was stopped."""
    lab = Lab.here(root)
    if not engine.answers():
        return []
    if (state_path(lab.home, lab.name) / keys.OPERATOR).exists():
        lock.hold(lab.state, "make down")
    running = set(owner.names("container", [*lab.mine, "--filter", "status=running"]))
    order = [lab.thing(name) for name in owner.CONTAINERS]
    stopped = [name for name in order if name in running]
    stopped += sorted(running - set(order))
    for name in stopped:
        docker("stop", "-t", str(STOP_SECONDS), name, seconds=STOP_SECONDS + 30)
    return [f"container {name}" for name in stopped]


def destroy(root: Path) -> tuple[list[str], list[str]]:
    """Remove everything of this lab, and the engine if we started it for nobody else.

    What was removed, and what was left with the reason.
    """
    lab = Lab.here(root)
    gone: list[str] = []
    notes = lab.home / ENGINE_NOTES
    if (state_path(lab.home, lab.name) / keys.OPERATOR).exists():
        lock.hold(lab.state, "make destroy")
        engine.have(notes)  # without it the volumes would outlive the keys to them
    there = engine.answers()
    gone += owner.remove(lab) if there else []
    others = owner.labs() if there else set()
    gone += _remove_images() if there and not others else []  # another lab may soon use them
    gone += owner.remove_state(lab)
    reach.tidy()
    left = []
    if (noted := engine.noted(notes)) and (users := _users(others) if there else []):
        left.append(f"engine ({noted}): in use by {', '.join(users)}")
    elif stopped := engine.stop(notes):
        gone.append(stopped)
    house = lab.home / ".abode"
    if house.is_dir() and not any(house.iterdir()):
        house.rmdir()
        gone.append(f"directory {house}")
    return gone, left


def _users(labs: set[tuple[str, str]]) -> list[str]:
    """Who would miss the engine: other labs, also stopped ones, and anybody's running container."""
    running = docker("ps", "--format", "{{.Names}}").split()
    return [f"lab {name} of {home}" for name, home in sorted(labs)] or sorted(running)


def _remove_images() -> list[str]:
    """Remove our images; docker itself refuses those that a container still uses."""
    shown = '{{if eq .Tag "<none>"}}{{.ID}}{{else}}{{.Repository}}:{{.Tag}}{{end}}'
    found = docker("images", "--filter", "label=abode.image", "--format", shown).split()
    found += [BASE] if inspect("image", BASE) else []
    return [f"image {tag}" for tag in found if attempt("rmi", tag).returncode == 0]
