"""One agent's file: opened with its migrations done and its key proven."""

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from apps.migrate import runner
from apps.migrate.lines import line
from apps.migrate.snapshot import snapshot
from apps.queries import load
from apps.soulfra.memory.seal import Seal
from apps.soulfra.memory.told import Asked, Counts, Faded, Reflected, Remembered, Shifted
from apps.sqlite import as_text, connect, sync_directory
from schemas.errors import Diverged, Refused
from schemas.soulfra.memory import LIMIT_BYTES, MEMORY_DB

SQL: Final = load(Path(__file__).with_name("queries.sql"))
LINE: Final = line("soulfra_memory")
WORD: Final = b"remember"
SEALED: Final = ("content", "emotional_context", "loop_context", "metadata")
"""Columns of a memory that are sealed, and that a bundle holds."""
REFLECTED: Final = ("prompt", "response", "memory_context", "emotional_state", "insights")
BUNDLE: Final = 500
"""Memories of one bundle, at most."""
BUNDLES: Final = 50
"""At least so many would fill the file."""
COPIES: Final = 3
"""Of the file, one for each of the last reflections."""
ROOM: Final = 0.9
"""Share of the limit above which old memories are compressed."""
TIGHT: Final = 0.95
"""Share of the limit above which the file is written anew to give back what is unused."""


class MemoryFile:
    """What one agent remembers. One thread at a time; a commit survives a power cut."""

    def __init__(
        self, folder: Path, agent_id: str, user_key: bytes, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self.folder, self.agent_id, self._limit = folder, agent_id, limit_bytes
        self.path = folder / MEMORY_DB
        self._seal = Seal(user_key, agent_id)
        self._lock = threading.RLock()
        self._opened: tuple[int, dict[int, dict[str, Any]]] | None = None
        """The bundle that was opened last: those who recall it go on in it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # As fast as it is to see that nothing is left to do.
        runner.apply(LINE, str(self.path))
        self._db = connect(self.path.absolute(), any_thread=True)
        try:
            self.path.chmod(0o600)
            self._prove()
            (page,) = self._db.execute("PRAGMA page_size").fetchone()
            self._db.execute(f"PRAGMA max_page_count = {limit_bytes // page}")
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    def remember(self, what: Remembered) -> int:
        """Keep a memory; gives its number. Above its room old ones are compressed first."""
        at = as_text(what.timestamp)
        sealed = self._sealed("memories", SEALED, _said(what), at)
        row = {
            "timestamp": at,
            "type": what.type,
            "significance": what.significance,
            **sealed,
        }
        with self._lock:
            if self.size() > self._limit * ROOM:
                self._make_room(what.timestamp)
            with self._writing():
                return self._added("remember", row)

    def recall(self, asked: Asked) -> list[Remembered]:
        """The newest that fit; those that were compressed are as they were."""
        values = {
            "since": as_text(asked.since) if asked.since else "",
            "until": as_text(asked.until) if asked.until else "9999",
            "type": asked.type,
            "significance": asked.significance,
            "limit": asked.limit,
        }
        with self._lock:
            return [self._memory(row) for row in self._db.execute(SQL["recall"], values)]

    def reflect(self, what: Reflected) -> int:
        """Keep a reflection, then a copy of the file; gives its number."""
        at = as_text(what.timestamp)
        sealed = self._sealed("reflections", REFLECTED, what.model_dump(), at)
        with self._lock:
            with self._writing():
                number = self._added("reflect", {"timestamp": at, **sealed})
            self._copy()
            return number

    def reflections(self, limit: int = 100) -> list[Reflected]:
        """The newest first."""
        with self._lock:
            rows = self._db.execute(SQL["reflections"], {"limit": limit}).fetchall()
            return [
                Reflected(
                    id=row["id"],
                    timestamp=row["timestamp"],
                    **self._plain("reflections", REFLECTED, row),
                )
                for row in rows
            ]

    def shift_tone(self, what: Shifted) -> int:
        """Keep a change of tone; gives its number."""
        at = as_text(what.timestamp)
        said = what.model_dump(mode="json", exclude={"id", "timestamp", "trigger_content"})
        sealed = self._sealed("tone_shifts", ("trigger_content",), what.model_dump(), at)
        with self._lock, self._writing():
            return self._added("shift_tone", {"timestamp": at, **said, **sealed})

    def tone_shifts(self, limit: int = 100) -> list[Shifted]:
        """The newest first."""
        with self._lock:
            rows = self._db.execute(SQL["tone_shifts"], {"limit": limit}).fetchall()
            return [
                Shifted(
                    **{name: row[name] for name in row.keys() if name != "trigger_content"},  # noqa: SIM118  # a Row iterates over its values
                    **self._plain("tone_shifts", ("trigger_content",), row),
                )
                for row in rows
            ]

    def compress(self, which: Faded) -> int:
        """Put what is old and mattered little into bundles; gives how many memories."""
        done = 0
        with self._lock:
            while count := self._bundle(which):
                done += count
            if done:
                self._shrink()
        return done

    def expand(self, bundle_id: int) -> int:
        """Take a bundle apart: its memories are as they were before; gives how many."""
        with self._lock:
            inside = self._inside(bundle_id)
            with self._writing():
                members = self._db.execute(SQL["members"], {"id": bundle_id}).fetchall()
                for number, at in members:
                    sealed = self._sealed("memories", SEALED, inside[number], at)
                    self._db.execute(SQL["out_of_bundle"], {"id": number, **sealed})
                self._db.execute(SQL["drop_bundle"], {"id": bundle_id})
            self._opened = None
            with suppress(FileNotFoundError):
                self._outside(bundle_id).unlink()
            return len(members)

    def counts(self) -> Counts:
        """How much there is, and how large it is."""
        with self._lock:
            row = self._db.execute(SQL["counts"]).fetchone()
            return Counts(**dict(zip(Counts.model_fields, row, strict=False)), bytes=self.size())

    def size(self) -> int:
        """Bytes of the file that are in use."""
        with self._lock:
            (pages,) = self._db.execute("PRAGMA page_count").fetchone()
            (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
            (page,) = self._db.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * page)

    def _prove(self) -> None:
        """The key opens the word that was sealed when the file was made."""
        row = self._db.execute(SQL["keeper"]).fetchone()
        if row is None:
            word = self._seal.shut("keeper", WORD)
            made = {"agent_id": self.agent_id, "word": word, "made_at": as_text(datetime.now(UTC))}
            with self._writing():
                self._db.execute(SQL["keep"], made)
            return
        if row["agent_id"] != self.agent_id:
            raise Diverged(f"{self.path}: is the memory of {row['agent_id']!r}")
        try:
            self._seal.open("keeper", row["word"])
        except Diverged:
            raise Refused(
                f"agent {self.agent_id!r}: the key does not open its memory",
                "it is opened with its owner's key",
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._back()
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise Refused(
                    f"agent {self.agent_id!r}: its memory is full: {self._limit} bytes",
                    "forget something, or let it keep more",
                ) from None
            raise
        except BaseException:
            self._back()
            raise

    def _back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _added(self, query: str, row: Mapping[str, Any]) -> int:
        return int(self._db.execute(SQL[query], row).lastrowid or 0)

    def _sealed(
        self, table: str, columns: tuple[str, ...], said: Mapping[str, Any], at: str
    ) -> dict[str, bytes | None]:
        return {
            name: None
            if said[name] is None
            else self._seal.shut(f"{table}.{name}|{at}", said[name].encode())
            for name in columns
        }

    def _plain(
        self, table: str, columns: tuple[str, ...], row: sqlite3.Row
    ) -> dict[str, str | None]:
        return {
            name: None
            if row[name] is None
            else self._seal.open(f"{table}.{name}|{row['timestamp']}", row[name]).decode()
            for name in columns
        }

    def _memory(self, row: sqlite3.Row) -> Remembered:
        if row["compressed"]:
            said = dict(self._inside(row["bundle_id"])[row["id"]])
        else:
            said = self._plain("memories", SEALED, row)
        metadata = said.pop("metadata")
        return Remembered(
            id=row["id"],
            timestamp=row["timestamp"],
            type=row["type"],
            significance=row["significance"],
            compressed=bool(row["compressed"]),
            metadata=None if metadata is None else json.loads(metadata),
            **said,
        )

    def _bundle(self, which: Faded) -> int:
        wanted = {"below": which.below, "before": as_text(which.before), "limit": BUNDLE}
        rows = self._few(self._db.execute(SQL["faded"], wanted).fetchall())
        if not rows:
            return 0
        inside = {row["id"]: self._plain("memories", SEALED, row) for row in rows}
        text = json.dumps(inside, ensure_ascii=False).encode()
        upto = rows[-1]["timestamp"]
        content = self._seal.shut(f"bundles.content|{upto}", zlib.compress(text, 9))
        bundle = {
            "from_timestamp": rows[0]["timestamp"],
            "upto_timestamp": upto,
            "memories": len(rows),
            "plain_bytes": sum(map(_length, rows)),
            "sha256": sha256(content).digest(),
            "content": content,
        }
        self._tidy(len(content))
        with self._writing():
            bundle_id = self._added("bundle", bundle)
            for row in rows:
                self._db.execute(SQL["into_bundle"], {"id": row["id"], "bundle_id": bundle_id})
        return len(rows)

    def _few(self, rows: list[sqlite3.Row]) -> list[sqlite3.Row]:
        """As many of the first as a bundle may hold: it is written before they let go."""
        whole = 0
        for count, row in enumerate(rows):
            whole += _length(row)
            if count and whole > self._limit // BUNDLES:
                return rows[:count]
        return rows

    def _inside(self, bundle_id: int) -> dict[int, dict[str, Any]]:
        """What the memories of a bundle say, by their number."""
        if self._opened is None or self._opened[0] != bundle_id:
            row = self._db.execute(SQL["content_of_bundle"], {"id": bundle_id}).fetchone()
            if row is None:
                raise Refused(f"agent {self.agent_id!r}: no bundle {bundle_id}")
            content = row["content"]
            if content is None:
                content = self._outside(bundle_id).read_bytes()
                if sha256(content).digest() != row["sha256"]:
                    raise Diverged(f"{self._outside(bundle_id)}: is not what was moved there")
            text = zlib.decompress(
                self._seal.open(f"bundles.content|{row['upto_timestamp']}", content)
            )
            self._opened = bundle_id, {int(n): said for n, said in json.loads(text).items()}
        return self._opened[1]

    def _outside(self, bundle_id: int) -> Path:
        return self.folder / "archive" / f"bundle-{bundle_id}.sealed"

    def _make_room(self, now: datetime) -> None:
        """Compress what matters least first, then move bundles out: nothing is thrown away."""
        for below in (0.3, 0.6, 1.0):
            self.compress(Faded(before=now, below=below))
            if self.size() <= self._limit * ROOM:
                return
        while row := self._db.execute(SQL["largest_inside"]).fetchone():
            self._move_out(row["id"])
            if self.size() <= self._limit * ROOM:
                return

    def _move_out(self, bundle_id: int) -> None:
        """First the file is durable, then the row lets go of it."""
        row = self._db.execute(SQL["content_of_bundle"], {"id": bundle_id}).fetchone()
        there = self._outside(bundle_id)
        there.parent.mkdir(mode=0o700, exist_ok=True)
        draft = there.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(row["content"])
            file.flush()
            os.fsync(file.fileno())
        draft.replace(there)
        sync_directory(there.parent)
        with self._writing():
            self._db.execute(SQL["moved_out"], {"id": bundle_id})

    def _tidy(self, wanted: int) -> None:
        """Have room for so much: what was let go of is not free before its pages are."""
        if self.size() + 2 * wanted > self._limit * TIGHT:
            self._db.execute("VACUUM")

    def _shrink(self) -> None:
        """Give what is not used back to the disk."""
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _copy(self) -> None:
        """Into reflections/, checked; the newest few stay."""
        kept = self.folder / "reflections"
        kept.mkdir(mode=0o700, exist_ok=True)
        made = snapshot(self.path, "reflection")
        made.replace(kept / made.name)
        sync_directory(kept)
        for old in sorted(kept.iterdir(), reverse=True)[COPIES:]:
            old.unlink()


def _length(row: sqlite3.Row) -> int:
    return sum(len(row[name] or b"") for name in SEALED)


def _said(what: Remembered) -> dict[str, str | None]:
    metadata = None if what.metadata is None else json.dumps(what.metadata, ensure_ascii=False)
    return {name: getattr(what, name) for name in SEALED[:-1]} | {"metadata": metadata}
