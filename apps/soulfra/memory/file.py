"""What one agent remembers: memories, reflections and tones, told and asked in plain words."""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from apps.migrate.snapshot import snapshot
from apps.soulfra.memory.answers import Answers
from apps.soulfra.memory.bundles import AT_ONCE, HELD, Bundles
from apps.soulfra.memory.database import Database
from apps.soulfra.memory.told import (
    Asked,
    Bundled,
    Counts,
    Faded,
    Reflected,
    Remembered,
    Shifted,
    Told,
)
from apps.sqlite import as_text, sync_directory
from schemas.errors import HouseError
from schemas.soulfra.memory import LIMIT_BYTES

log = logging.getLogger("soulfra")

REFLECTED: Final = ("prompt", "response", "memory_context", "emotional_state", "insights")
TRIGGER: Final = ("trigger_content",)
PLAIN: Final = ("id", "timestamp", "from_tone", "to_tone", "trigger_type", "magnitude")
COPIES: Final = 3
"""Of the file, one for each of the last reflections."""


class MemoryFile:
    """One agent's. Any thread may use it; a commit survives a power cut."""

    def __init__(
        self, folder: Path, agent_id: str, user_key: bytes, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self._database = Database(folder, agent_id, user_key, limit_bytes)
        self._bundles = Bundles(self._database)
        self._answers = Answers(self._database)
        self._lock = threading.RLock()
        self.folder, self.path = folder, self._database.path
        self.uncopied = 0
        """Reflections since it was opened after which no copy could be made."""
        self.uncompressed = 0
        """Those after which what faded could not be compressed."""

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()

    def remember(self, what: Remembered, command_id: UUID | None = None) -> int:
        """Keep a memory; gives its number. When there is little room, old ones are compressed.

        Given again with its id, as with all that is told here, it is not kept again.
        """
        at = as_text(what.timestamp)
        metadata = None if what.metadata is None else json.dumps(what.metadata, ensure_ascii=False)
        said = {name: getattr(what, name) for name in HELD} | {"metadata": metadata}
        row = {
            "timestamp": at,
            "type": what.type,
            "significance": what.significance,
            **self._database.sealed("memories", HELD, said, at),
        }
        return self._keep("remember", row, what, command_id)

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
            return [self._memory(row) for row in self._database.all("recall", values)]

    def reflect(self, what: Reflected, command_id: UUID | None = None) -> int:
        """Keep a reflection, compress what faded, keep a copy of the file; gives its number."""
        at = as_text(what.timestamp)
        sealed = self._database.sealed("reflections", REFLECTED, what.model_dump(), at)
        with self._lock:
            number = self._keep("reflect", {"timestamp": at, **sealed}, what, command_id)
            self.uncompressed += self._fails("nothing compressed", self._fade)
            self.uncopied += self._fails("no copy", self._copy)
            return number

    def reflections(self, limit: int = 100) -> list[Reflected]:
        """The newest first."""
        with self._lock:
            return [
                Reflected(
                    id=row["id"],
                    timestamp=row["timestamp"],
                    **self._database.plain("reflections", REFLECTED, row),
                )
                for row in self._database.all("reflections", {"limit": limit})
            ]

    def shift_tone(self, what: Shifted, command_id: UUID | None = None) -> int:
        """Keep a change of tone; gives its number."""
        at = as_text(what.timestamp)
        said = what.model_dump(mode="json", exclude={"id", "timestamp", *TRIGGER})
        sealed = self._database.sealed("tone_shifts", TRIGGER, what.model_dump(), at)
        row = {"timestamp": at, **said, **sealed}
        return self._keep("shift_tone", row, what, command_id)

    def tone_shifts(self, limit: int = 100) -> list[Shifted]:
        """The newest first."""
        with self._lock:
            return [
                Shifted(
                    **{name: row[name] for name in PLAIN},
                    **self._database.plain("tone_shifts", TRIGGER, row),
                )
                for row in self._database.all("tone_shifts", {"limit": limit})
            ]

    def compress(self, which: Faded) -> int:
        """Put what is old and mattered little into bundles; gives how many memories."""
        with self._lock:
            return self._bundles.compress(which)

    def expand(self, bundle_id: int) -> int:
        """Take a bundle apart: its memories are as they were before; gives how many."""
        with self._lock:
            return self._bundles.expand(bundle_id)

    def bundles(self, limit: int = 100) -> list[Bundled]:
        """The newest first."""
        with self._lock:
            return self._bundles.told(limit)

    def counts(self) -> Counts:
        """How much there is, and how large it is."""
        with self._lock:
            row = self._database.one("counts")
            known = zip(Counts.model_fields, row, strict=False)
            return Counts(
                **dict(known),
                uncopied=self.uncopied,
                uncompressed=self.uncompressed,
                bytes=self._database.size(),
            )

    def _keep(self, query: str, row: dict[str, Any], what: Told, command_id: UUID | None) -> int:
        with self._lock:
            before = self._answers.before(command_id, what)
            if before is not None:
                return before
            self._bundles.make_room()
            with self._database.writing():
                return self._answers.note(command_id, what, self._database.run(query, row))

    def _memory(self, row: sqlite3.Row) -> Remembered:
        if row["compressed"]:
            said = dict(self._bundles.inside(row["bundle_id"])[row["id"]])
        else:
            said = self._database.plain("memories", HELD, row)
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

    def _fails(self, what: str, do: Callable[[], None]) -> bool:
        """Of a reflection that is kept: who heard of an error would tell it again."""
        try:
            do()
        except (HouseError, OSError, sqlite3.Error) as error:
            log.warning("%s: %s: %s", self.path, what, error)
            return True
        return False

    def _fade(self) -> None:
        """Some of what faded; the next reflection goes on."""
        self._bundles.compress(Faded(), AT_ONCE)

    def _copy(self) -> None:
        """Into reflections/, checked; the newest few stay."""
        kept = self.folder / "reflections"
        kept.mkdir(mode=0o700, exist_ok=True)
        made = snapshot(self.path, "reflection")
        made.replace(kept / made.name)
        sync_directory(kept)
        for old in sorted(kept.iterdir(), reverse=True)[COPIES:]:
            old.unlink()
