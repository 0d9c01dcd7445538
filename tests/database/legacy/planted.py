"""One byte of one value changed, in a row that came over; as a disk or a careless hand would."""

import json
import math
import sqlite3
from contextlib import closing
from functools import partial

from psycopg import sql

from apps.legacy.stage import named
from apps.legacy.verify.rows import hidden
from apps.legacy.verify.targets import (
    CALIBRATION,
    DISPUTES,
    MESSAGES,
    SESSIONS,
    STATE,
    TARGETS,
)
from schemas.legacy.tables import TABLES

STORED = {
    SESSIONS: {"agent_id": "identity_id"},
    STATE: {"agent_id": "identity_id"},
}
"""Columns that the house keeps under another name than verify tells."""
ONLY = {
    CALIBRATION: "version < 1",
    DISPUTES: "imported_json IS NOT NULL",
    MESSAGES: "imported_json IS NOT NULL",
}
LISTS = {"provenance_chain", "proposed_conditions", "concerns"}
IDLE = {("audit.tool_usage", "success")}
"""A check forbids that it alone is another."""
WORDS = {
    "status": ("archived", "active", "resolved", "failed", "paused"),
    "type": ("note", "insight"),
    "severity": ("low", "high"),
    "phase": ("thesis", "synthesis"),
    "session_type": ("review", "dispute"),
    "message_type": ("thesis", "antithesis"),
    "dispute_type": ("correction", "dispute"),
    "resolution_action": ("resume", "block"),
    "proposed_action": ("resume", "block"),
    "response_type": ("support", "extend"),
}
"""What the house's checks let a column be."""


def places():
    """Every column that is compared."""
    for target in TARGETS:
        for column in (*target.key, *([target.named] if target.named else []), *target.columns):
            yield target, column


def plant(db, target, column, dice):
    """Change one value of one row; gives the row's key as it was, or None when there is no row."""
    stored = STORED.get(target, {}).get(column, column)
    table = sql.Identifier(*target.table.split("."))
    keys = sql.SQL(", ").join(
        sql.Identifier(STORED.get(target, {}).get(name, name)) for name in target.key
    )
    rows = db.execute(
        sql.SQL("SELECT tableoid::regclass::text, ctid, {column}, {keys}, {name}::text"
                " FROM {table} WHERE {only}").format(
            column=sql.Identifier(stored), keys=keys, table=table,
            only=sql.SQL(ONLY.get(target, "true")),
            name=sql.Identifier(target.named) if target.named else sql.SQL("NULL"),
        )
    ).fetchall()  # fmt: skip
    dice.shuffle(rows)
    for place, ctid, value, *key in rows * 4:
        kind = db.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attname = %s", (target.table, stored)
        ).fetchone()[0]  # fmt: skip
        now = other(db, column, kind, value, dice)
        if now is None:
            continue
        text = sql.SQL("UPDATE {} SET {} = %s::{} WHERE ctid = %s").format(
            sql.SQL(place), sql.Identifier(stored), sql.SQL(kind)
        )
        db.execute("SAVEPOINT planted")
        try:
            done = db.execute(text, (now, ctid))
        except Exception:  # noqa: BLE001  # a check forbids it: try another row
            db.execute("ROLLBACK TO planted")
            continue
        assert done.rowcount == 1
        return key
    return None


def other(db, column, kind, value, dice):
    """A value that is one byte, bit, microsecond or word apart."""
    if column in WORDS:
        return dice.choice([word for word in WORDS[column] if word != value])
    if kind in ("bigint", "integer") and column == "agent_id":
        found = db.execute("SELECT identity_id FROM core.identities WHERE identity_id <> %s"
                           " ORDER BY 1 LIMIT 1", (value,)).fetchone()  # fmt: skip
        return found[0] if found else None
    if kind == "timestamp with time zone":
        later = "SELECT (%s::timestamptz + interval '1 microsecond')::text"
        return db.execute(later, (value or "2025-11-28T00:00:00Z",)).fetchone()[0]
    if kind == "jsonb":
        empty = [] if column in LISTS else {}
        return json.dumps(empty if value is None else _leaf(value, dice))
    if kind == "text" and column.endswith(("_id", "_to", "_by")):
        return (value or "") + "x"
    return KINDS[kind](value, dice)


def _text(value, dice):
    if not value:
        return "" if value is None else "x"
    at = dice.randrange(len(value))
    return value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]


def _real(value, _):
    return 0.0 if value is None else math.nextafter(value, 0.5 if value != 0.5 else 1)


def _many(value, dice):
    if not value:
        return [None]
    at = dice.randrange(len(value))
    return [*value[:at], _leaf(value[at], dice), *value[at + 1 :]]


def _object(value, dice):
    if not value:
        return {"": None}
    key = dice.choice(sorted(value))
    return value | {key: _leaf(value[key], dice)}


LEAVES = {
    dict: _object, list: _many, bool: lambda value, _: not value,
    int: lambda value, _: value + 1, float: _real, str: _text, type(None): lambda *_: {},
}  # fmt: skip
KINDS = {
    "double precision": _real, "boolean": lambda value, _: not value,
    "bigint": lambda value, _: value + 1000, "integer": lambda value, _: value + 1000,
    "uuid": lambda value, _: str(value)[:-1] + ("0" if str(value)[-1] != "0" else "1"),
    "text[]": lambda value, _: [*value, ""], "text": _text,
}  # fmt: skip


def _leaf(value, dice):
    """JSON of which one value is another."""
    return LEAVES[type(value)](value, dice)


class Change:
    """One value of an old file that becomes another."""

    def __init__(self, file, part, column, make):
        self.file, self.part, self.column, self.make = file, part, column, make

    def __repr__(self):
        return f"{self.file} {self.part}.{self.column}"


def changes(folder):
    """Every column of every table that moves, and of each file of text."""
    found = []
    with closing(sqlite3.connect(folder / "governance.db")) as db:
        for table in TABLES:
            there = {row[1] for row in db.execute(f"PRAGMA table_info({table.name})")}
            if table.fate == "moves" and table.needed <= there:
                found += [
                    Change("governance.db", table.name, take.old, partial(_in_table, table))
                    for take in table.takes
                    if take.new and take.how != "follows"
                ]
    for name, keys in LINES.items():
        found += [Change(name, "lines", key, _in_line) for key in keys]
    found += [Change("knowledge_graph.json", "nodes", key, _in_node) for key in NODE]
    return found


LINES = {
    "audit_log.jsonl": ("timestamp", "agent_id", "event_type", "confidence", "details"),
    "tool_usage.jsonl": ("timestamp", "tool_name", "agent_id"),
}
COPIED = {
    ("session_identities", "expires_at"): "is_active = 1",
}
"""Of some columns the mapping takes only what it says: another row's value has no place."""
NODE = ("agent_id", "summary", "details", "timestamp")


def _in_table(table, folder, change, dice, rejected):
    key = ", ".join(f'"{name}"' for name in table.key)
    with closing(sqlite3.connect(folder / change.file)) as db, db:
        where = COPIED.get((table.name, change.column), "true")
        rows = db.execute(f'SELECT rowid, "{change.column}", {key} FROM {table.name}'
                          f" WHERE {where}").fetchall()  # fmt: skip
        dice.shuffle(rows)
        for rowid, value, *told in rows:
            secret = any(take.how == "secret" for take in table.takes if take.old in table.key)
            if (change.part, named(tuple(map(hidden, told)) if secret else told)) in rejected:
                continue
            now = _old_value(value, dice)
            try:
                db.execute(f'UPDATE {table.name} SET "{change.column}" = ? WHERE rowid = ?',
                           (now, rowid))  # fmt: skip
            except sqlite3.IntegrityError:
                continue
            return f"{told}: {value!r:.60} is {now!r:.60}"
    return None


def _old_value(value, dice):
    if value is None:
        return "2025-11-28T00:00:00"
    if isinstance(value, float):
        return _real(value, dice)
    if isinstance(value, int):
        return value + 1 if value not in (0, 1) else 1 - value
    if value[:4].isdigit() and value[4:5] == "-":  # how a time is written is not what it is
        return value[:-1] + ("1" if value[-1] != "1" else "2")
    return _text(value, dice)


def _in_line(folder, change, dice, rejected):
    path = folder / change.file
    lines = path.read_text().splitlines()
    at = dice.choice([n for n in range(len(lines)) if ("lines", str(n + 1)) not in rejected])
    told = json.loads(lines[at])
    before = told[change.column]
    is_object = isinstance(before, dict)
    now = told[change.column] = _leaf(before, dice) if is_object else _old_value(before, dice)
    lines[at] = json.dumps(told)
    path.write_text("\n".join(lines) + "\n")
    return f"{at}: {before!r:.60} is {now!r:.60}"


def _in_node(folder, change, dice, rejected):
    path = folder / change.file
    whole = json.loads(path.read_text())
    with closing(sqlite3.connect(folder / "governance.db")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        # What a table tells of, too, is as the table has it.
        twice = {i for (i,) in db.execute("SELECT id FROM discoveries")
                 } if "discoveries" in tables else set()  # fmt: skip
    alone = [k for k in whole["nodes"] if ("nodes", k) not in rejected and k not in twice]
    if not alone:
        return None
    node = whole["nodes"][dice.choice(alone)]
    node[change.column] = _old_value(node[change.column], dice)
    path.write_text(json.dumps(whole))
    return node["id"]
