"""``make down`` stops and keeps; ``make destroy`` removes what ``make up`` created."""

import shutil
from pathlib import Path

from apps.hosts import state_path
from apps.lab import engine, images, owner
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from apps.lab.up import ENGINE_NOTES
from apps.ops import lock

STOP_SECONDS = 30
OTHERS = {"engine", "real"}
"""What else lies below .abode and is no part of the default lab."""


def down(root: Path) -> list[str]:
    """Stop this lab's containers, writers first; what was stopped."""
    lab = Lab.here(root)
    if not engine.answers():
        return []
    if state_path(lab.home, lab.name).is_dir():
        lock.hold(lab.state, "make down")
    running = set(owner.names("container", [*lab.mine, "--filter", "status=running"]))
    order = [lab.thing(name) for name in owner.CONTAINERS]
    stopped = [name for name in order if name in running]
    stopped += sorted(running - set(order))
    for name in stopped:
        docker("stop", "-t", str(STOP_SECONDS), name, seconds=STOP_SECONDS + 30)
    return [f"container {name}" for name in stopped]


def destroy(root: Path) -> list[str]:
    """Remove everything of this lab, and the engine if we started it for nobody else."""
    lab = Lab.here(root)
    if state_path(lab.home, lab.name).is_dir():
        lock.hold(lab.state, "make destroy")
    gone = []
    if engine.answers():
        gone += owner.remove(lab)
        gone += _remove_images()
        left = owner.labs()
    else:
        left = set()
    gone += _remove_state(lab)
    notes = lab.home / ENGINE_NOTES
    if not left and (stopped := engine.stop(notes)):
        gone.append(stopped)
    house = lab.home / ".abode"
    if house.is_dir() and not any(house.iterdir()):
        house.rmdir()
        gone.append(f"directory {house}")
    return gone


def _remove_images() -> list[str]:
    """Remove our images that no container uses; docker itself refuses the others."""
    found = docker(
        *("images", "--filter", "label=abode.image", "--format", "{{.Repository}}:{{.Tag}}")
    ).split()
    gone = [f"image {tag}" for tag in found if attempt("rmi", tag).returncode == 0]
    still = docker("images", "-q", "--filter", "label=abode.image")
    unused = not still and not owner.labs() and inspect("image", images.BASE) is not None
    if unused and attempt("rmi", images.BASE).returncode == 0:
        gone.append(f"image {images.BASE}")
    return gone


def _remove_state(lab: Lab) -> list[str]:
    """Remove keys, secrets and notes of this lab; other labs live below the default one's."""
    path = state_path(lab.home, lab.name)
    if not path.is_dir():
        return []
    if not lab.is_default:
        shutil.rmtree(path)
        return [f"directory {path}"]
    gone = []
    for entry in sorted(path.iterdir()):
        if entry.name in OTHERS or (entry.is_dir() and (entry / "ports.json").exists()):
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        gone.append(f"file {entry}")
    return gone
