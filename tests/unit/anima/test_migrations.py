"""The migrations of anima.db, run with SQLite alone."""

import sqlite3
import typing

import pytest
from pydantic import ValidationError

from apps.sqlite import as_row
from schemas.anima.tables import TABLES
from schemas.eisv import Era

NOW = "2026-11-20T12:00:00+00:00"
SEED = [
    "id", "timestamp", "E", "I", "S", "V", "C", "marks", "phase", "era", "energy", "curiosity",
    "engagement", "fatigue", "arc_phase", "gesture_entropy", "switching_rate", "intentionality",
]  # fmt: skip
INSERT = f"INSERT INTO drawing_history ({', '.join(SEED[1:])}) VALUES (:{', :'.join(SEED[1:])})"


@pytest.fixture
def db(path):
    """The migrated file, opened by hand."""
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def _is_nullable(annotation: object) -> bool:
    return type(None) in typing.get_args(annotation)


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.table)
def test_models_and_migrations_name_the_same_columns(db, model):
    """Same names in the same order, and NULL allowed in the same places."""
    rows = db.execute(f"PRAGMA table_info({model.table})").fetchall()
    in_database = {name: not (notnull or pk) for _, name, _, notnull, _, pk in rows}
    in_model = {
        name: _is_nullable(field.annotation) and name != "id"
        for name, field in model.model_fields.items()
    }

    assert list(in_model) == list(in_database)
    assert in_model == in_database


def test_drawing_history_has_the_seeds_columns(db):
    """The paper's queries must run unchanged."""
    rows = db.execute("PRAGMA table_info(drawing_history)").fetchall()

    assert [row[1] for row in rows] == SEED


def test_every_table_has_a_model(db):
    """No table is nobody's."""
    rows = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()

    assert {model.table for model in TABLES} == {name for (name,) in rows} - {"sqlite_sequence"}


def test_up_down_up_gives_the_same_schema(forward, back):
    """A rollback leaves nothing, and forward again builds the same."""
    db = sqlite3.connect(":memory:")
    shape = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    for file in forward:
        db.executescript(file.read_text())
    before = db.execute(shape).fetchall()
    for file in reversed(back):
        db.executescript(file.read_text())

    assert db.execute(shape).fetchall() == []

    for file in forward:
        db.executescript(file.read_text())

    assert before == db.execute(shape).fetchall()
    db.close()


def test_every_migration_has_a_way_back_and_opens_with_a_sentence(forward, back):
    """Pairs, and a first line that a reader understands."""
    names = [file.name.removesuffix(".sql") for file in forward]

    assert names == [file.name.removesuffix(".rollback.sql") for file in back]
    for file in [*forward, *back]:
        first = file.read_text().splitlines()[0]
        assert first.startswith("-- "), file
        assert first.endswith("."), file


@pytest.mark.parametrize("era", [*Era, "cubist"])
def test_every_era_can_be_stored(db, drawing_state, era):
    """Also one that is invented later: a list in a CHECK could not grow with the model."""
    db.execute(INSERT, as_row(drawing_state()) | {"era": era})


@pytest.mark.parametrize(
    ("column", "word"), [("phase", "developing"), ("arc_phase", "building"), ("era", "cubist")]
)
def test_the_model_knows_the_words(drawing_state, column, word):
    """Two vocabularies, never one in the other."""
    with pytest.raises(ValidationError, match=column):
        drawing_state(**{column: word})


@pytest.mark.parametrize(
    ("column", "value"),
    [("E", 1.1), ("E", -0.1), ("E", float("inf")), ("E", float("nan")), ("I", 2), ("S", 0),
     ("V", 2.5), ("C", -1), ("marks", -1), ("phase", ""), ("arc_phase", ""),
     ("era", ""), ("energy", 1.5), ("E", "much"), ("timestamp", "2026-11-20T12:00:00"),
     ("timestamp", "2026-11-20T12:00:00-06:00")],
)  # fmt: skip
def test_the_database_refuses_what_the_model_refuses(db, drawing_state, column, value):
    """Ranges and UTC are checked where the data lies."""
    row = as_row(drawing_state()) | {column: value}

    with pytest.raises(sqlite3.IntegrityError):
        db.execute(INSERT, row)


def test_a_check_in_must_be_a_json_object(db):
    """Neither text nor a list may wait in the outbox."""
    insert = "INSERT INTO outbox (boot_id, recorded_at, body) VALUES ('a1b2c3d4', ?, ?)"

    for body in ("", "hello", "[1]", '"text"'):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(insert, (NOW, body))


def test_an_id_is_never_given_twice(db):
    """A deleted check-in's seq is gone for good: it is half of governance's key."""
    insert = "INSERT INTO outbox (boot_id, recorded_at, body) VALUES ('a1b2c3d4', ?, '{}')"
    first = db.execute(insert, (NOW,)).lastrowid
    db.execute("DELETE FROM outbox")

    assert db.execute(insert, (NOW,)).lastrowid == first + 1
