"""Put back what was retired: every byte where it was, or nothing is touched."""

import os
from pathlib import Path

from apps.legacy import manifest as manifests
from apps.legacy.kill_list import item_as_it_is
from apps.legacy.manifest import Item, Manifest
from apps.legacy.retire import FILES, Retired, alone, place, rename
from schemas.errors import Diverged, Refused


def undo(directory: Path, path: Path, *, dry_run: bool = False) -> Retired:
    """Look at everything first, then rename one after the other; killed, it is run again."""
    path, known = path.resolve(), manifests.read(path)
    if known.directory != str(directory.resolve()):
        raise Refused(f"{path}: is of {known.directory}", "name that directory")
    if dry_run:
        return _said(path, known, _away(path, known), is_dry=True)
    with alone(path.parent.parent):
        known = manifests.read(path)
        if not (away := _away(path, known)) and known.state == "undone":
            return _said(path, known, away, is_dry=False)
        manifests.write(path, known.model_copy(update={"state": "undoing"}))
        for item in away:
            rename(place(path, item), Path(known.directory) / item.path)
        manifests.write(path, known.model_copy(update={"state": "undone"}))
    return _said(path, known, away, is_dry=False)


def _away(path: Path, known: Manifest) -> list[Item]:
    """What is still in the archive; refused unless all of it is whole and its place is free."""
    away: list[Item] = []
    if known.state == "undone":
        return away
    for item in known.items:
        here, target = place(path, item), Path(known.directory) / item.path
        if not os.path.lexists(here):
            if not os.path.lexists(target):
                raise Diverged(f"{here}: is neither here nor at its place", "look for it by hand")
            continue  # it was never moved, or is back already
        if os.path.lexists(target):
            raise Refused(f"{target}: is there already", "move it away, then undo again")
        if item_as_it_is(path.parent / FILES, item) != item:
            raise Diverged(f"{here}: is not what was retired", "compare it with the manifest")
        away.append(item)
    return away


def _said(path: Path, known: Manifest, items: list[Item], *, is_dry: bool) -> Retired:
    return Retired(directory=known.directory, manifest=str(path), is_dry=is_dry, items=items,
                   refused=[])  # fmt: skip
