"""Old memories that mattered little, compressed together; and moved out when there is no room.

Nothing is thrown away: a bundle can be taken apart, and what it holds is recalled all the same.
"""

import json
import math
import sqlite3
import zlib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from apps.documents import replace_bytes
from apps.soulfra.decisions.decision import Missing
from apps.soulfra.memory.database import Database
from apps.soulfra.memory.told import Bundled, Faded
from apps.sqlite import as_text
from schemas.errors import Diverged
from schemas.soulfra.memory import FADED_BELOW

HELD: Final = ("content", "emotional_context", "loop_context", "metadata")
"""Columns of a memory that are sealed, and that a bundle holds."""
MOST: Final = 500
"""Memories of one bundle."""
AT_ONCE: Final = 4
"""Bundles after one reflection: who told it waits for them; the next one goes on."""
WORTH: Final = 100
"""Below this part of the limit, rows are not worth that the file is written anew."""
BUNDLES: Final = 50
"""At least so many would fill the file."""
ROOM: Final = 0.9
"""Share of the limit above which room is made."""
TIGHT: Final = 0.95
"""Share of the limit above which the file is written anew before a bundle is added."""
WHENEVER: Final = datetime.max.replace(tzinfo=UTC)
"""How old does not matter when there is no room; the oldest still go first."""
STEPS: Final = (FADED_BELOW, 0.6, 1.0)
"""What matters least goes first; what matters most of all stays as it is."""


class Bundles:
    """Those of one file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened: tuple[int, dict[int, dict[str, Any]]] | None = None
        """The one that was opened last: whoever recalls it goes on in it."""

    def compress(self, which: Faded, most: float = math.inf) -> int:
        """Put what is old and mattered little into ``most`` bundles; gives how many memories."""
        done = made = 0
        while made < most and (count := self._bundle(which)):
            done += count
            made += 1
        if done:
            self._database.shrink()
        return done

    def expand(self, bundle_id: int) -> int:
        """Take one apart: its memories are as they were before; gives how many."""
        inside = self.inside(bundle_id)
        with self._database.writing():
            members = self._database.all("members", {"id": bundle_id})
            for number, at in members:
                sealed = self._database.sealed("memories", HELD, inside[number], at)
                self._database.run("out_of_bundle", {"id": number, **sealed})
            self._database.run("drop_bundle", {"id": bundle_id})
        self._opened = None
        # What was moved out stays: copies of the file may still look for it there.
        return len(members)

    def told(self, limit: int) -> list[Bundled]:
        """The newest first."""
        rows = self._database.all("bundles", {"limit": limit})
        return [Bundled.model_validate(dict(row)) for row in rows]

    def inside(self, bundle_id: int) -> dict[int, dict[str, Any]]:
        """What its memories say, by their number."""
        if self._opened is None or self._opened[0] != bundle_id:
            row = self._database.one("content_of_bundle", {"id": bundle_id})
            if row is None:
                raise Missing(f"agent {self._database.agent_id!r}: no bundle {bundle_id}")
            content = row["content"]
            if content is None:
                content = self._moved(bundle_id)
                if sha256(content).digest() != row["sha256"]:
                    raise Diverged(f"{self._outside(bundle_id)}: is not what was moved there")
            place = f"bundles.content|{row['upto_timestamp']}"
            text = zlib.decompress(self._database.seal.open(place, content))
            self._opened = bundle_id, {int(n): said for n, said in json.loads(text).items()}
        return self._opened[1]

    def make_room(self) -> None:
        """If there is little: compress what is worth it, then move whole bundles out."""
        for below in STEPS:
            if self._has_room():
                return
            which = Faded(before=WHENEVER, below=below)
            if self._worth(self._faded(which, MOST)):
                self.compress(which)
        while not self._has_room() and (row := self._database.one("oldest_inside")):
            self.move_out(row["id"])

    def move_out(self, bundle_id: int) -> None:
        """First the file is durable, then the row lets go of it."""
        row = self._database.one("content_of_bundle", {"id": bundle_id})
        self._write_out(bundle_id, row["content"])
        with self._database.writing():
            self._database.run("moved_out", {"id": bundle_id})

    def _write_out(self, bundle_id: int, content: bytes) -> None:
        there = self._outside(bundle_id)
        there.parent.mkdir(mode=0o700, exist_ok=True)
        replace_bytes(there, content, draft=f"{there.stem}.new")

    def _moved(self, bundle_id: int) -> bytes:
        there = self._outside(bundle_id)
        try:
            return there.read_bytes()
        except FileNotFoundError:
            raise Diverged(f"{there}: is missing", "it was moved there: find it") from None

    def _bundle(self, which: Faded) -> int:
        rows = self._few(self._faded(which, MOST))
        if not rows:
            return 0
        inside = {row["id"]: self._database.plain("memories", HELD, row) for row in rows}
        text = json.dumps(inside, ensure_ascii=False).encode()
        upto = rows[-1]["timestamp"]
        content = self._database.seal.shut(f"bundles.content|{upto}", zlib.compress(text, 9))
        bundle = {
            "from_timestamp": rows[0]["timestamp"],
            "upto_timestamp": upto,
            "memories": len(rows),
            "plain_bytes": sum(map(_length, rows)),
            "sha256": sha256(content).digest(),
            "content": content,
        }
        # What rows let go of is not free before their pages are.
        if not self._fits(content):
            self._database.shrink()
        fits = self._fits(content)
        with self._database.writing():
            bundle_id = self._database.run("bundle", bundle if fits else bundle | {"content": None})
            if not fits:
                # Durable before the commit; without one it is written over by the next.
                self._write_out(bundle_id, content)
            for row in rows:
                self._database.run("into_bundle", {"id": row["id"], "bundle_id": bundle_id})
        return len(rows)

    def _faded(self, which: Faded, limit: int) -> list[sqlite3.Row]:
        wanted = {"below": which.below, "before": as_text(which.before), "limit": limit}
        return self._database.all("faded", wanted)

    def _fits(self, content: bytes) -> bool:
        whole = self._database.size() + 2 * len(content)
        return whole <= self._database.limit_bytes * TIGHT

    def _few(self, rows: list[sqlite3.Row]) -> list[sqlite3.Row]:
        """As many of the first as one may hold: it is written before they let go."""
        whole = 0
        for count, row in enumerate(rows):
            whole += _length(row)
            if count and whole > self._database.limit_bytes // BUNDLES:
                return rows[:count]
        return rows

    def _worth(self, rows: list[sqlite3.Row]) -> bool:
        held = sum(map(_length, rows))
        return len(rows) == MOST or held >= self._database.limit_bytes // WORTH

    def _has_room(self) -> bool:
        return self._database.size() <= self._database.limit_bytes * ROOM

    def _outside(self, bundle_id: int) -> Path:
        return self._database.folder / "archive" / f"bundle-{bundle_id}.sealed"


def _length(row: sqlite3.Row) -> int:
    return sum(len(row[name] or b"") for name in HELD)
