"""What goes back into the old files: only what the house said otherwise, whatever it is asked."""

import sqlite3
from contextlib import closing

import pytest

from apps.legacy import fence
from apps.legacy.back.back import House, give_back
from apps.legacy.backfill import connected
from apps.legacy.follow import live_of
from apps.legacy.inspect import inspect
from apps.legacy.rollback import _lines
from apps.legacy.run import Run
from tests.database.legacy.test_follow import once
from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

EVER = "3"
"""A transaction before all others: every row is new since."""


def given(house, folder):
    """One pass over all that the house has; gives the writes."""
    with connected(house.database.owner) as db:
        seen = inspect(folder, quick=True)
        live = live_of(Run(db, seen, ZONE, lambda _: None, []))
        for path in live:
            fence.close(path)
        done = give_back(House(db, str(folder), EVER), live, _lines(seen), ZONE)
        for path in live:
            fence.open_again(path)
    return done


def content(folder):
    """Every row of every old table, as SQLite writes it down."""
    found = {}
    for name in ("governance.db", "knowledge.db"):
        if (folder / name).exists():
            with closing(sqlite3.connect(folder / name)) as db:
                db.text_factory = bytes
                tables = db.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%'"
                ).fetchall()
                for (table,) in tables:
                    rows = db.execute(f"SELECT * FROM {table.decode()}").fetchall()
                    found[name, table.decode()] = {repr(row) for row in rows}
    return found


@pytest.mark.parametrize("variant", ["A", "B"])
def test_giving_back_all_that_came_changes_no_old_row(house, tmp_path, variant):
    """Not a letter of any; only agents that were merely spoken of there have a row then."""
    folder = make(tmp_path / "data", variant, 60)
    once(house, folder)
    before = content(folder)
    given(house, folder)
    after = content(folder)
    again = given(house, folder)

    for table, rows in before.items():
        assert rows <= after[table], (table, sorted(rows - after[table])[:3])
        more = after[table] - rows
        assert not more or table[1] == "agent_metadata", (table, sorted(more)[:3])
    assert again == 0
