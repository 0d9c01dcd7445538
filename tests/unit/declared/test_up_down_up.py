"""SQLite: each migration up, down and up again gives what there was."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.declared.everything import tables
from apps.declared.field import fields
from apps.migrate import runner
from apps.migrate.catalog import sqlite
from apps.migrate.lines import line
from tests.unit.declared.round_trip import columns, fill, round_trip
from tests.unit.declared.rows import COUNT, ends, months, rows

ANIMA = line("anima")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class File:
    """anima.db by the driver of the standard library."""

    def __init__(self, path):
        self.database = str(path)

    def ask(self, sql, rows=()):
        """One statement, once or for each row."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            if rows:
                connection.executemany(sql, rows)
                return []
            return connection.execute(sql).fetchall()

    def catalog(self):
        """As the drift check reads it."""
        with closing(sqlite3.connect(self.database)) as connection:
            return sqlite.read(connection)

    def content(self, columns):
        """As SQLite would write them: 1 is not 1.0, and null stays apart from text."""
        return {
            table: sorted(self.ask(f"SELECT {', '.join(names)} FROM {table}"), key=repr)
            for table, names in columns.items()
        }

    def insert(self, model, columns, rows):
        """All at once."""
        marks = ", ".join(f":{name}" for name in columns)
        sql = f"INSERT INTO {model.table} ({', '.join(columns)}) VALUES ({marks})"
        self.ask(sql, [{name: plain(row[name]) for name in columns} for row in rows])

    def update(self, model, columns, rows):
        """By the primary key."""
        sets, keys = ([f"{n} = :{n}" for n in names] for names in (columns, model.key))
        sql = f"UPDATE {model.table} SET {', '.join(sets)} WHERE {' AND '.join(keys)}"
        self.ask(sql, [{name: plain(value) for name, value in row.items()} for row in rows])

    def more(self, now):
        """Nothing: there are tables only."""


def plain(value):
    """What SQLite takes."""
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, dict | list | tuple) else value


@pytest.fixture
def file(tmp_path):
    """Where the database will be."""
    return File(tmp_path / "anima.db")


@pytest.mark.parametrize("migration", ANIMA.migrations())
def test_each_migration_goes_and_comes_back(migration, file, tmp_path):
    """Catalog and rows are as before; what is destroyed is no more than it says."""
    assert round_trip(ANIMA, migration, file, tmp_path / "lines") == []


def test_the_whole_line_goes_and_comes_back(file):
    """To nothing, and again to all there was."""
    runner.apply(ANIMA, file.database)
    fill(ANIMA, file, {}, columns(ANIMA, file), NOW)
    catalog = file.catalog()

    runner.rollback(ANIMA, file.database, to="0000")
    assert columns(ANIMA, file) == {}
    runner.apply(ANIMA, file.database)
    assert file.catalog() == catalog


@pytest.mark.parametrize(
    ("migration", "wrongs"),
    [
        (
            "0008",
            {
                "DELETE FROM insights WHERE sample_count = 0": "rows of insights",
                "UPDATE goals SET progress = 0.5 WHERE progress = 1": "rows of goals",
                "DROP INDEX insights_category_idx": "index insights_category_idx",
            },
        ),
        (
            "0006",
            {
                "CREATE INDEX left_idx ON outbox (boot_id)": "index left_idx",
                "ALTER TABLE goals ADD COLUMN left_over TEXT": "column goals.left_over",
            },
        ),
    ],
)
def test_a_broken_rollback_is_seen(migration, wrongs, file, tmp_path):
    """The neighbours' rows and all that is around them."""
    shutil.copytree(ANIMA.folder, tmp_path / "broken")
    broken = replace(ANIMA, folder=tmp_path / "broken")
    name = next(name for name in broken.migrations() if name.startswith(migration))
    with (broken.folder / f"{name}.rollback.sql").open("a") as text:
        text.write("".join(f"\n{sql};" for sql in wrongs))

    found = round_trip(broken, name, file, tmp_path / "lines")
    assert [said for said in wrongs.values() if f"down: {said}" not in "\n".join(found)] == []


@pytest.mark.parametrize("store", ["governance", "anima"])
def test_rows_hold_what_is_rare(store):
    """Both ends of every range, every word, null and not null, every edge of a month."""
    for model, whole in rows(tables(store), NOW).items():
        for field in fields(model):
            if field.column.generated or len(whole) < COUNT:
                continue
            values = [row[field.name] for row in whole]
            if (field.name,) == model.key:
                assert len(set(values)) == len(values)
            else:
                assert (None in values) == field.nullable, field
            assert all(word in values for word in field.words)
            if field.kind in {"int", "float"} and not field.column.references:
                assert set(ends(field)) <= set(values), field
            if field.name == model.month_by:
                assert set(months(NOW)) <= set(values)


def test_rows_are_the_same_every_time():
    """A failure can be looked at again."""
    assert rows(tables("governance"), NOW) == rows(tables("governance"), NOW)
