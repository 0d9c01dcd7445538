"""The mapping agrees with both ends: the documented DDL, and what is declared of Postgres."""

import sqlite3
from contextlib import closing

import pytest

import schemas.governance.audit
import schemas.governance.dialectic
import schemas.governance.knowledge
import schemas.governance.tables  # noqa: F401
from schemas.legacy.files import LINES
from schemas.legacy.shape import HOW
from schemas.legacy.tables import SEARCHES, TABLES
from schemas.table import Table
from tests.legacy.databases import SQL

FILES = {"A": ("variant_a.sql", "knowledge.sql"), "B": ("variant_b.sql",)}


def declared(kind=Table):
    """Every declared table of governance, by its name."""
    for each in kind.__subclasses__():
        yield from declared(each)
        if getattr(each, "table", None):
            yield each.table, set(each.model_fields)


@pytest.mark.parametrize("variant", FILES)
def test_every_column_of_the_old_tables_has_a_place(variant):
    """No table and no column of the DDL is forgotten, and none is made up."""
    with closing(sqlite3.connect(":memory:")) as db:
        for file in FILES[variant]:
            db.executescript((SQL / file).read_text())
        names = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {
            name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")}
            for name in names
            if not name.startswith(("sqlite_", *SEARCHES))
        }
    told = {t.name: set(t.columns) for t in TABLES if t.variant in {variant, "both"}}

    assert found == told


def test_every_target_is_declared():
    """A target column that nobody made would be found at three in the morning."""
    known = dict(declared())
    wrong = [
        (each, take)
        for each in (*TABLES, *LINES)
        for take in each.takes
        if take.how not in HOW
        or (take.new and take.new.rpartition(".")[2] not in
            known[take.new.rpartition(".")[0] or each.target])
    ]  # fmt: skip

    assert not wrong
    assert all(set(table.key) <= table.columns for table in TABLES)


def test_no_raw_key_is_copied():
    """Old API keys and session keys are told apart by their hash, if at all."""
    takes = [
        take for table in TABLES for take in table.takes if take.old in {"api_key", "session_key"}
    ]

    assert takes
    assert all(take.how == "secret" for take in takes)
