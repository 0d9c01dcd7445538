"""Days that are over: packed, proved to read back, kept as long as declared, then removed."""

import asyncio
import gzip
import hashlib
import logging
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from apps.archive import replacing
from apps.governance.trail.files import (
    File,
    is_whole,
    last_link,
    listing,
    opened,
    packed,
    spoilt,
    sync_folder,
)
from apps.governance.trail.follow import Follower
from apps.governance.trail.journal import Journal
from schemas.errors import Diverged, HouseError
from schemas.governance.audit import Trail
from schemas.governance.files import AuditLine, TrailManifest, UsageLine

log = logging.getLogger("governance")
CHUNK_BYTES = 1_048_576
EVERY_SECONDS = 600.0
LOOK_SECONDS = 5.0
KEEP_DAYS = {
    Trail.AUDIT_LOG: AuditLine.keep_days or 0,
    Trail.TOOL_USAGE: UsageLine.keep_days or 0,
}


class Keeper:
    """Packs what the index has passed. Killed anywhere, the next run goes on."""

    def __init__(self, *followers: Follower) -> None:
        self._followers = followers
        self._closed = False
        self.packed = 0
        """Days since the start."""
        self.removed = 0
        """Days past their time since the start."""
        self.trouble: str | None = None
        """What hindered the last run."""

    async def watch(self) -> None:
        """Run now and then until cancelled."""
        ran = -EVERY_SECONDS
        while True:
            if time.monotonic() - ran > EVERY_SECONDS:
                self.trouble = await asyncio.to_thread(self.run)
                ran = time.monotonic()
                if self.trouble:
                    log.warning("trails: %s", self.trouble)
            await asyncio.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Stop soon; a day that is half packed stays as it was."""
        self._closed = True

    def run(self, today: date | None = None) -> str | None:
        """Pack and remove; gives what hindered it."""
        today = today or datetime.now(UTC).date()
        trouble: str | None = None
        for follower in self._followers:
            _look_again(follower.journal)
            upto = follower.position.seq if follower.position else 0
            oldest = today - timedelta(days=KEEP_DAYS[follower.trail])
            files = listing(follower.journal.path)
            for file, after in pairwise(files):
                if self._closed or file.day is None or after.first.seq > upto:
                    break  # it, or its anchor, is not in Postgres yet
                try:
                    if not file.is_packed:
                        pack(file)
                        self.packed += 1
                    elif file.day < oldest and file == listing(follower.journal.path)[0]:
                        _remove(file)
                        self.removed += 1
                except (OSError, HouseError) as error:
                    why = error.message if isinstance(error, HouseError) else error.strerror
                    trouble = trouble or f"{file.path}: {why}"
        return trouble


def pack(file: File) -> Path:
    """Compress a day's file beside it, read that back, write what it holds; then remove the plain.

    The manifest comes before the plain file goes: a day is always there whole, once or twice.
    """
    packed = file.path.with_name(file.path.name + ".gz")
    manifest = file.path.with_suffix(".json")
    written, lines, last = hashlib.sha256(), 0, last_link(file.path)
    if last is None or file.day is None:
        raise AssertionError  # it is listed by its first line, under its day
    with (
        file.path.open("rb") as plain,
        replacing(packed) as out,
        gzip.GzipFile("", "wb", 6, out, mtime=0) as into,
    ):
        while chunk := plain.read(CHUNK_BYTES):
            written.update(chunk)
            lines += chunk.count(b"\n")
            into.write(chunk)
    read = hashlib.sha256()
    with opened(packed) as back:
        while chunk := back.read(CHUNK_BYTES):
            read.update(chunk)
    if read.digest() != written.digest():
        packed.unlink()
        raise Diverged(f"{packed}: does not read back as it was written", "is the disk failing?")
    made = TrailManifest(
        day=file.day,
        first_seq=file.first.seq,
        last_seq=last.seq,
        prev=file.first.prev,
        hash=last.hash,
        lines=lines,
        sha256=read.hexdigest(),
        size_bytes=packed.stat().st_size,
        made_at=datetime.now(UTC),
    )
    with replacing(manifest) as out:
        out.write(made.model_dump_json(indent=2).encode() + b"\n")
    file.path.unlink()
    sync_folder(file.path.parent)
    return packed


def _look_again(journal: Journal) -> None:
    """A spoilt day may have been put back from a backup, or be past its time."""
    seen = {path.name for path in spoilt(journal.path)}
    journal.spoilt = seen | {
        path.name
        for path in packed(journal.path)
        if path.name in journal.spoilt and not is_whole(path)
    }


def _remove(file: File) -> None:
    file.path.unlink()
    file.path.with_name(file.path.name.removesuffix(".jsonl.gz") + ".json").unlink(missing_ok=True)
    sync_folder(file.path.parent)
    log.info("%s: past its time; removed", file.path)
