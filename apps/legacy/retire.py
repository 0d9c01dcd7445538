"""Move what is dead to a dated archive, one rename at a time; kill it anywhere and run it again.

The manifest is on the disk before the first rename. A rename is whole or has not been, so a later
run sees from the two places how far the last one came.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from apps.legacy import manifest as manifests
from apps.legacy.cutover import Cutover
from apps.legacy.kill_list import Left, Listed, item_as_it_is, kill_list, refusal
from apps.legacy.manifest import NAME, Item, Manifest
from apps.sqlite import sync_directory
from schemas.errors import Diverged, Refused
from schemas.quantity import Closed

LOCK: Final = ".lock"
FILES: Final = "files"


class Retired(Closed):
    """What ``abode legacy retire`` says: its contract with programs."""

    contract: Literal[1] = 1
    directory: str
    manifest: str | None
    """None when nothing was moved, or would be."""
    is_dry: bool
    items: list[Item]
    """What was moved; of a dry run, what would be."""
    refused: list[Left]


def archive_of(directory: Path) -> Path:
    """Beside the old directory, so that a rename reaches it and ``inspect`` does not."""
    whole = directory.resolve()
    return whole.with_name(f"{whole.name}-archive")


def retire(directory: Path, cutover: Cutover, *, dry_run: bool = False) -> Retired:
    """Move all that is dead now; or, when a run was killed, go on with that."""
    directory, archive = directory.resolve(), archive_of(directory)
    if dry_run:
        return _looked_at(directory, archive, cutover)
    with alone(archive):
        if (killed := _unfinished(directory, archive)) is not None:
            return _move(*killed)
        listed = kill_list(directory, cutover)
        if not listed.items:
            return _said(directory, None, [], listed.refused)
        return _begin(directory, archive, cutover, listed)


def _looked_at(directory: Path, archive: Path, cutover: Cutover) -> Retired:
    if (killed := _unfinished(directory, archive)) is not None:
        return _said(directory, str(killed[0]), killed[1].items, [], is_dry=True)
    listed = kill_list(directory, cutover)
    return _said(directory, None, listed.items, listed.refused, is_dry=True)


@contextmanager
def alone(archive: Path) -> Iterator[None]:
    """Whoever moves is the only one; a kill lets go."""
    archive.mkdir(mode=0o700, exist_ok=True)
    sync_directory(archive.parent)
    with (archive / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"{archive}: another run is at it", "wait for it") from None
        yield


def place(manifest: Path, item: Item) -> Path:
    """Where a thing lies in the archive: under its own path, beside the manifest."""
    return manifest.parent / FILES / item.path


def rename(source: Path, target: Path) -> None:
    """Under another name for good, never over anything."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise Diverged(f"{target}: is there already", "look at both; nothing was moved over it")
    try:
        source.rename(target)
    except OSError as error:
        raise Refused(f"{source}: {error.strerror}", "is the archive on another disk?") from None
    sync_directory(target.parent)
    sync_directory(source.parent)


def _unfinished(directory: Path, archive: Path) -> tuple[Path, Manifest] | None:
    for path, known in manifests.found(archive):
        if known.directory != str(directory):
            continue
        if known.state == "undoing":
            raise Refused(f"{path}: is being undone", f"finish it first: --undo {path}")
        if known.state == "retiring":
            return path, known
    return None


def _begin(directory: Path, archive: Path, cutover: Cutover, listed: Listed) -> Retired:
    now = datetime.now(UTC)
    folder = manifests.free(archive, now.date())
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_directory(archive)
    known = Manifest(state="retiring", directory=str(directory), cutover_at=cutover.at,
                     made_at=now, items=listed.items)  # fmt: skip
    manifests.write(folder / NAME, known)
    return _move(folder / NAME, known, listed.refused)


def _move(path: Path, known: Manifest, refused: Sequence[Left] = ()) -> Retired:
    """Move what is not moved yet; what changed since it was hashed stays, and leaves the list."""
    directory = Path(known.directory)
    moved, left = [], list(refused)
    for item in known.items:
        why = _moved(directory, path, item, known.cutover_at)
        if why:
            left.append(Left(path=item.path, kind=item.kind, why=why))
        else:
            moved.append(item)
    manifests.write(path, known.model_copy(update={"state": "retired", "items": moved}))
    return _said(directory, str(path), moved, left)


def _moved(directory: Path, path: Path, item: Item, cutover_at: datetime) -> str:
    """Why a thing was not moved; nothing if it is in the archive, whole."""
    source, target = directory / item.path, place(path, item)
    if not os.path.lexists(target):
        if why := _changed(directory, item, cutover_at):
            return why
        rename(source, target)
    elif os.path.lexists(source):
        raise Diverged(f"{source}: is there again, and in {target}", "somebody made it anew")
    # Whoever opened it between the look and the rename writes to it there.
    if why := _changed(path.parent / FILES, item, cutover_at):
        rename(target, source)
        return why
    return ""


def _changed(root: Path, item: Item, cutover_at: datetime) -> str:
    if not os.path.lexists(root / item.path):
        return "is gone"
    if why := refusal(root, item, cutover_at):
        return why
    return "" if item_as_it_is(root, item) == item else "was changed while it was looked at"


def _said(
    directory: Path,
    manifest: str | None,
    items: Sequence[Item],
    refused: Sequence[Left],
    *,
    is_dry: bool = False,
) -> Retired:
    return Retired(directory=str(directory), manifest=manifest, is_dry=is_dry,
                   items=list(items), refused=list(refused))  # fmt: skip
