"""Everything that a data set is made of, found where it lies."""

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
from pydantic import ValidationError

from apps.anima.instants import Zones, as_instant, zones
from apps.eisv.checkins import CheckedIn
from apps.eisv.columns import TABLE, Series, Source
from apps.eisv.parts import DAMAGED, SQL, InFile, Manifest, Packed, Part
from apps.eisv.selection import Selection
from schemas.anima.tables import Event
from schemas.errors import Diverged, Refused, Unreachable
from schemas.ports import ANIMA_DB

LAST_ID: Final = 2**63 - 1


class Happened(NamedTuple):
    """A row of ``events``."""

    at: datetime
    kind: str
    data: dict[str, Any]


class Elsewhere(NamedTuple):
    """Rows that are known to exist and were not read: they are outside the span of time."""

    first: int
    last: int
    rows: int


@dataclass(slots=True)
class Sources:
    """The parts of each series, and what explains their gaps."""

    parts: dict[Series, list[Part]] = field(default_factory=lambda: {each: [] for each in Series})
    elsewhere: dict[Series, list[Elsewhere]] = field(
        default_factory=lambda: {each: [] for each in Series}
    )
    events: list[Happened] = field(default_factory=list)
    checkins: list[CheckedIn] = field(default_factory=list)
    zones: Zones = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    _open: list[sqlite3.Connection] = field(default_factory=list)

    def opened(self, path: Path) -> sqlite3.Connection:
        """An SQLite file that stays open until ``close``."""
        self._open.append(opened(path))
        return self._open[-1]

    def close(self) -> None:
        """Let go of every file."""
        while self._open:
            self._open.pop().close()

    def add_archives(self, folder: Path, selection: Selection) -> None:
        """The archives of a folder that can hold rows of the selection."""
        if not folder.is_dir():
            hint = "it holds drawing_history/ and state_history/"
            raise Refused(f"{folder}: is no directory", hint)
        for series, table in TABLE.items():
            self.add_packed(series, Source.ARCHIVE, folder / table.table, selection)

    def add_packed(
        self, series: Series, source: Source, folder: Path, selection: Selection
    ) -> None:
        """Every file that a manifest tells of; one without is not finished, and none."""
        for path in sorted(folder.glob("*.json")):
            manifest = read_manifest(path)
            if not manifest.rows or manifest.first_id is None or manifest.last_id is None:
                continue
            ids = manifest.first_id, manifest.last_id
            if not selection.overlaps(manifest.from_at, manifest.upto_at):
                self.elsewhere[series].append(Elsewhere(*ids, manifest.rows))
                continue
            packed = path.with_suffix(".csv.gz")
            part = Packed(source, str(packed), *ids, packed, manifest, TABLE[series])
            self.parts[series].append(part)

    def add_events(self, rows: pa.Table) -> None:
        """What happened, in the order of writing."""
        zone = self.zones.get(Event.table)
        for row in rows.to_pylist():
            at = as_instant(row["timestamp"], zone) if zone else as_instant(row["timestamp"])
            self.events.append(Happened(at, row["event_type"], json.loads(row["data"] or "{}")))


def read_manifest(path: Path) -> Manifest:
    """A manifest, or Diverged: half of an archive is none."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise Diverged(f"{path}: is no manifest", DAMAGED) from error


def of_file(path: Path, archive: Path | None, selection: Selection) -> Sources:
    """A copied anima.db, with the archives that were copied beside it."""
    sources = Sources(provenance={"host": None, "file": path.name})
    db = sources.opened(path)
    try:
        there = {row[0] for row in db.execute(SQL["tables"])}
        if missing := {table.table for table in TABLE.values()} - there:
            raise Refused(f"{path}: no table {min(missing)}", f"is it an {ANIMA_DB}?")
        if "_abode_adopted" in there:
            db.row_factory = sqlite3.Row
            sources.zones = zones(db, SQL["adopted"])
            db.row_factory = None
        for series, table in TABLE.items():
            first, last = db.execute(f"SELECT min(id), max(id) FROM {table.table}").fetchone()  # noqa: S608
            if first is not None:
                part = InFile(Source.LIVE, str(path), first, last, db, table)
                sources.parts[series].append(part)
        if "events" in there:
            sources.add_events(
                InFile(Source.LIVE, str(path), 1, LAST_ID, db, Event).read(1, LAST_ID)
            )
    except sqlite3.DatabaseError as error:
        raise Diverged(f"{path}: {error}", "restore it from a backup") from error
    if archive:
        sources.add_archives(archive, selection)
        sources.provenance["archive"] = archive.name
    return sources


def opened(path: Path) -> sqlite3.Connection:
    """An SQLite file that is only read, and left as it lies: no log and no index beside it."""
    if not path.is_file():
        hint = f"copy the Pi's {ANIMA_DB}, with its -wal if there is one"
        raise Refused(f"{path}: no such file", hint)
    # Without a log nobody has it open, and then it can be read where nothing can be written.
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None
        )
        db.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        raise Unreachable(f"{path}: {error}", "may you read it, and its -wal?") from error
    except sqlite3.DatabaseError as error:
        raise Diverged(f"{path}: {error}", f"is it an {ANIMA_DB}?") from error
    return db
