"""Copies of the old databases as they were at a cutover, with their checksums."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from apps import documents
from apps.legacy.kill_list import hashed_file
from apps.legacy.manifest import File
from apps.legacy.retire import archive_of
from apps.legacy.source import opened
from apps.legacy.units import LIVE
from apps.sqlite import sync_directory
from schemas.errors import Diverged
from schemas.quantity import Closed, Instant

NAME: Final = "manifest.json"


class Archived(Closed):
    """What lies in the folder of an epoch."""

    contract: Literal[1] = 1
    epoch: int
    directory: str
    made_at: Instant
    files: list[File]


def keep(directory: Path, epoch: int) -> Path:
    """Into ``DIR-archive/epoch-N``, all of it or nothing; gives the manifest. Once is enough."""
    archive = archive_of(directory)
    folder = archive / f"epoch-{epoch}"
    if (folder / NAME).exists():
        return folder / NAME
    draft = archive / f"epoch-{epoch}.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    files = [_copied(directory / name, draft / name) for name in LIVE
             if (directory / name).is_file()]  # fmt: skip
    told = Archived(epoch=epoch, directory=str(directory.resolve()), made_at=datetime.now(UTC),
                    files=files)  # fmt: skip
    documents.replace(draft / NAME, (told.model_dump_json(indent=1), "\n"))
    draft.rename(folder)
    sync_directory(archive)
    return folder / NAME


def _copied(source: Path, target: Path) -> File:
    """A copy that opens and is whole; what SQLite keeps beside a database is in it."""
    target.touch(mode=0o600)
    with opened(source) as old, closing(sqlite3.connect(target)) as copy:
        old.backup(copy)
        said = copy.execute("PRAGMA quick_check").fetchone()
    if said != ("ok",):
        raise Diverged(f"{source}: its copy is damaged: {said[0]}", "look at the disk")
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return hashed_file(target.parent, target)
