"""``make down`` stops and keeps; ``make destroy`` removes what ``make up`` created."""

from pathlib import Path

from apps.hosts import state_path
from apps.lab import engine, images, owner
from apps.lab.docker import attempt, docker, inspect
from apps.lab.lab import Lab
from apps.lab.up import ENGINE_NOTES
from apps.ops import lock

STOP_SECONDS = 30


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
        left = owner.labs()
        gone += [] if left else _remove_images()  # another lab may be about to use them
    else:
        left = set()
    gone += owner.remove_state(lab)
    if not left and (stopped := engine.stop(lab.home / ENGINE_NOTES)):
        gone.append(stopped)
    house = lab.home / ".abode"
    if house.is_dir() and not any(house.iterdir()):
        house.rmdir()
        gone.append(f"directory {house}")
    return gone


def _remove_images() -> list[str]:
    """Remove our images; docker itself refuses those that a container still uses."""
    found = docker(
        *("images", "--filter", "label=abode.image", "--format", "{{.Repository}}:{{.Tag}}")
    ).split()
    found += [images.BASE] if inspect("image", images.BASE) else []
    return [f"image {tag}" for tag in found if attempt("rmi", tag).returncode == 0]
