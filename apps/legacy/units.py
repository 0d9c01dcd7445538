"""What of an old database is applied together, and in which order."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from apps.legacy.bring import table_in
from apps.legacy.keyset import columns, sha256_of
from apps.legacy.source import opened
from apps.legacy.stage import is_text
from schemas.legacy.shape import OldTable

FAMILIES: Final = (
    ("agent_metadata",),
    ("discoveries", "discovery_tags", "discovery_edges"),
    ("dialectic_sessions", "dialectic_messages"),
    ("session_identities",),
    ("agent_state",),
    ("calibration_state",),
)
"""Tables that are applied together, in the order of the backfill; events are appended."""
UNITS: Final = {
    "discovery_tags": "discovery_id",
    "discovery_edges": "src_id",
    "dialectic_messages": "session_id",
}
"""The column that says what a row belongs to, where it is not its key."""
EVENTS: Final = ("audit_events", "tool_usage")
LIVE: Final = ("governance.db", "knowledge.db")
"""As the old server opens them; any other database is a copy, and stands still."""
AT_ONCE: Final = 200
UNIT_BYTES: Final = 2000
"""A longer key is refused by every merge."""


class Followed(NamedTuple):
    """One table of a database that the old server writes."""

    path: Path
    old: OldTable
    there: frozenset[str]
    aim: str = ""
    """Another column than the one of its units."""

    @property
    def name(self) -> str:
        """Of the table."""
        return self.old.name

    @property
    def column(self) -> str:
        """What says to which unit a row belongs."""
        return self.aim or UNITS.get(self.name, self.old.key[0])

    @property
    def secrets(self) -> set[str]:
        """Columns that are only known by their SHA-256."""
        return {take.old for take in self.old.takes if take.how == "secret"}

    @property
    def unit(self) -> str:
        """The unit of a row, in SQL."""
        quoted = f'"{self.column}"'
        return f"sha256({quoted})" if self.column in self.secrets else quoted

    def only(self, units: Sequence[str]) -> str:
        """Rows of these units, as a condition."""
        told = json.dumps(list(units), ensure_ascii=False).replace("'", "''")
        return f"WHERE {self.unit} IN (SELECT value FROM json_each('{told}'))"  # noqa: S608

    def rows(self, units: Sequence[str]) -> str:
        """Rows of these units, as a query in brackets."""
        return f'(SELECT * FROM "{self.name}" {self.only(units)})'  # noqa: S608  # names are ours

    def present(self, units: Sequence[str]) -> set[str]:
        """Those that have a row."""
        found: set[str] = set()
        with opened(self.path) as db:
            db.create_function("sha256", 1, sha256_of, deterministic=True)
            for begin in range(0, len(units), AT_ONCE):
                where = self.only(units[begin : begin + AT_ONCE])
                query = f'SELECT DISTINCT {self.unit} FROM "{self.name}" {where}'  # noqa: S608
                found |= {str(unit) for (unit,) in db.execute(query)}
        return found

    def pointing(self, units: Sequence[str]) -> set[str]:
        """Of edges: what has one to these."""
        aimed = self._replace(aim="dst_id")
        found: set[str] = set()
        with opened(self.path) as db:
            for begin in range(0, len(units), AT_ONCE):
                where = aimed.only(units[begin : begin + AT_ONCE])
                query = f'SELECT DISTINCT src_id FROM "{self.name}" {where}'  # noqa: S608
                found |= {str(unit) for (unit,) in db.execute(query) if is_unit(unit)}
        return found


def known(path: Path, name: str, db: sqlite3.Connection) -> Followed:
    """A table as this file has it."""
    return Followed(path, table_in(db, path, name), frozenset(columns(db, name)))


def is_unit(value: object) -> bool:
    """Whether it can be applied; a row without a key, or under such a key, is refused anyway."""
    told = str(value)
    return value is not None and is_text(told) and 0 < len(told.encode()) <= UNIT_BYTES
