"""Reads a Pi's anima.db and archives for who asks over ssh. Sent there, run there, left nowhere.

The standard library only. It asks for at most a chunk of rows at a time and closes the statement
before it sends them, so no slow line holds a reader in the writer's way. What it prints: a line of
JSON that ends with how many bytes follow, then the bytes; a CSV as the Pi's archives have it.
"""

import hashlib
import json
import os
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from typing import Any

BUSY_SECONDS = 5.0
PACK = 16 + zlib.MAX_WBITS


def survey(db: sqlite3.Connection, asked: dict[str, Any]) -> None:
    """What there is: ids, columns, time zones of an adoption, archives, rows timed anew."""
    adopted = []
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = '_abode_adopted'").fetchone():
        query = "SELECT name, time_zone FROM _abode_adopted WHERE time_zone IS NOT NULL"
        adopted = db.execute(query).fetchall()
    tables = {}
    for table, probe in asked["tables"].items():
        columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        if not columns:
            continue
        # Text without an offset sorts up to a day from where it belongs.
        span = asked["wide"] if any(table == name for name, _ in adopted) else asked["span"]
        span = ("", "~") if table in asked["whole"] else span
        query = f"SELECT min(id), max(id) FROM {table} WHERE timestamp >= ? AND timestamp < ?"  # noqa: S608  # names are declared
        first, last = db.execute(query, span).fetchone()
        told = db.execute(f"SELECT timestamp FROM {table} WHERE id = ?", (probe,)).fetchone()  # noqa: S608
        given = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        tables[table] = {
            "columns": columns,
            "given": given[0] if given else 0,
            "first": first,
            "last": last,
            "probe": told and told[0],
        }
    archives = [
        (table, name, text)
        for table in asked["tables"]
        for name, text in _manifests(os.path.join(asked["archive"], table))  # noqa: PTH118
    ]
    shifts = []
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'clock_shifts'").fetchone():
        query = "SELECT id, table_name, from_id, upto_id, next_id FROM clock_shifts WHERE id > ?"
        shifts = db.execute(f"{query} ORDER BY id", (asked["shifts_after"],)).fetchall()
    _send({"tables": tables, "adopted": adopted, "archives": archives, "shifts": shifts})


def _manifests(folder: str) -> Iterator[tuple[str, str]]:
    if os.path.isdir(folder):  # noqa: PTH112
        for name in sorted(os.listdir(folder)):  # noqa: PTH208
            if name.endswith(".json"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                    yield name[: -len(".json")], file.read()


def rows(db: sqlite3.Connection, asked: dict[str, Any]) -> None:
    """Chunks of some tables: of each the spans of ids that are wanted."""
    for table, columns, first, last in asked["spans"]:
        query = (
            f"SELECT {', '.join(columns)} FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"  # noqa: S608  # names are declared
        )
        begin = first
        while begin <= last:
            chunk = Chunk(columns)
            for row in db.execute(query, (begin, last, asked["chunk"])):
                chunk.add(row)
            covered = chunk.last_id if chunk.rows == asked["chunk"] else last
            chunk.send(table, begin, covered)
            begin = covered + 1


class Chunk:
    """Rows, packed as they come by."""

    def __init__(self, columns: list[str]) -> None:
        self.rows, self.last_id = 0, 0
        self._at, self._told = columns.index("id"), columns.index("timestamp")
        self._first_id: int | None = None
        self._newest, self._least, self._greatest = "", "", ""
        self._packer, self._whole = zlib.compressobj(4, zlib.DEFLATED, PACK), hashlib.sha256()
        self._packed = bytearray()
        self._write(",".join(columns))

    def _write(self, line: str) -> None:
        text = f"{line}\r\n".encode()
        self._whole.update(text)
        self._packed += self._packer.compress(text)

    def add(self, row: tuple[Any, ...]) -> None:
        """One more row."""
        self._write(",".join(map(written, row)))
        self._newest = row[self._told]
        self._least = min(self._least or self._newest, self._newest)
        self._greatest = max(self._greatest, self._newest)
        self.last_id = row[self._at]
        self._first_id = self.last_id if self.rows == 0 else self._first_id
        self.rows += 1

    def send(self, table: str, first: int, last: int) -> None:
        """With what a manifest says, and the span of ids that it covers."""
        self._packed += self._packer.flush()
        # Text without an offset says nothing that a span of time could be compared with.
        zoned = all(each.endswith(("Z", "+00:00")) for each in (self._least, self._greatest))
        head = {
            "table": table, "rows": self.rows, "covers": [first, last],
            "first_id": self._first_id, "last_id": self.last_id if self.rows else None,
            "from_at": self._least if zoned else None, "upto_at": self._greatest if zoned else None,
            "newest": self._newest, "sha256": self._whole.hexdigest(),
        }  # fmt: skip
        _send(head, bytes(self._packed))


def files(asked: dict[str, Any]) -> None:
    """Archives as they lie there."""
    for table, name in asked["files"]:
        path = os.path.join(asked["archive"], table, name + ".csv.gz")  # noqa: PTH118
        with open(path, "rb") as file:  # noqa: PTH123
            _send({"table": table, "name": name}, file.read())


def written(value: Any) -> str:
    """A value of a CSV: text is always quoted, a number by repr, NULL is nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return repr(value)


def _send(head: dict[str, Any], body: bytes = b"") -> None:
    out = sys.stdout.buffer
    out.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
    out.flush()


def main() -> None:
    """Do what the argument asks, in its order."""
    asked = json.loads(sys.argv[1])
    path = os.path.expanduser(asked["database"])  # noqa: PTH111
    asked["archive"] = os.path.expanduser(asked["archive"])  # noqa: PTH111
    uri = "file:" + path.replace("%", "%25").replace("?", "%3f").replace("#", "%23") + "?mode=ro"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    if asked["do"] == "survey":
        survey(db, asked)
    else:
        rows(db, asked)
        files(asked)


if __name__ == "__main__":
    main()
