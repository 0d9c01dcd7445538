"""An old server that writes into its database, whatever it may, by a seed."""

import random
import sqlite3
from contextlib import closing

from tests.legacy.databases import GOVERNANCE_A, GOVERNANCE_B, KNOWLEDGE, agent
from tests.legacy.nasty import RATIOS, TEXTS, instant


class Server:
    """Of one variant."""

    def __init__(self, folder, variant, seed):
        self.folder, self.variant = folder, variant
        self.dice = random.Random(seed)
        self.made = 0

    def write(self, times):
        """Rows that are made, changed and gone; no agent goes, since what names it would not."""
        with closing(sqlite3.connect(self.folder / "governance.db")) as db:
            for _ in range(times):
                with db:
                    self._one(db)

    def _one(self, db):
        table = self.dice.choice([*MADE[self.variant]])
        key, changes, goes = MADE[self.variant][table]
        rows = db.execute(f"SELECT rowid FROM {table}").fetchall()
        how = self.dice.choice(["make", "change", "change", "go"])
        if how == "make" or not rows:
            self.made += 1
            number = 1_000 + self.made
            maker = {**GOVERNANCE_A, **KNOWLEDGE} if self.variant == "A" else GOVERNANCE_B
            row = maker[table][1](number, self.dice, 2_000) | {
                name: value for name, value in (("agent_id", agent(self.dice.randrange(20))),)
                if name in key}  # fmt: skip
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})",
                       tuple(row.values()))  # fmt: skip
            return
        (row,) = self.dice.choice(rows)
        if how == "go" and goes:
            db.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        elif changes:
            column, values = self.dice.choice(changes)
            db.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?",
                       (self.dice.choice(values), row))  # fmt: skip


NOTES = ("notes", TEXTS)
TIMES_OF = (instant(60), instant(61), instant(62))
MADE = {
    "A": {
        "agent_metadata": ((), [NOTES, ("status", ("active", "paused")), ("label", TEXTS)], False),
        "session_identities": ((), [("bind_count", (1, 2)), ("updated_at", TIMES_OF)], True),
        "agent_state": ((), [("E", RATIOS), ("updated_at", TIMES_OF)], True),
        "audit_events": (("agent_id",), [], False),
        "discoveries": (("agent_id",), [("summary", TEXTS), ("status", ("open", "resolved"))],
                        True),
        "discovery_tags": ((), [("tag", TEXTS)], True),
        "discovery_edges": ((), [("weight", RATIOS)], True),
        "dialectic_sessions": ((), [("topic", TEXTS)], True),
        "dialectic_messages": (("agent_id",), [("reasoning", TEXTS), ("timestamp", TIMES_OF)],
                               True),
        "calibration_state": ((), [("updated_at", TIMES_OF)], False),
    },
    "B": {
        "agent_metadata": ((), [("status", ("active", "disabled")), ("updated_at", TIMES_OF)],
                           False),
        "session_identities": ((), [("is_active", (0, 1)), ("last_active", TIMES_OF)], True),
        "agent_state": (("agent_id",), [("entropy", RATIOS), ("recorded_at", TIMES_OF)], True),
        "audit_events": (("agent_id",), [], False),
        "tool_usage": (("agent_id",), [], False),
    },
}  # fmt: skip
"""Of each table: keys that are others', columns that change, and whether its rows go."""
