"""The migrations of anima.db, run with SQLite alone."""

import sqlite3
import typing

import pytest
from pydantic import ValidationError

from apps.sqlite import as_row
from schemas.anima import clock, drawings, growth, primitives, tables
from schemas.eisv import Era
from schemas.table import Column, Table

NOW = "2026-11-20T12:00:00+00:00"
SEED = [
    "id", "timestamp", "E", "I", "S", "V", "C", "marks", "phase", "era", "energy", "curiosity",
    "engagement", "fatigue", "arc_phase", "gesture_entropy", "switching_rate", "intentionality",
]  # fmt: skip
LEDGER = ("sqlite_", "_yoyo_", "_abode_", "yoyo_")
TABLES = [
    found
    for module in (tables, clock, drawings, growth, primitives)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, Table) and found.__module__ == module.__name__
]
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
    """No table is nobody's, and every one is strict."""
    rows = db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    ours = {(name, strict) for name, strict in rows if not name.startswith(LEDGER)}

    assert {(model.table, 1) for model in TABLES} == ours


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.table)
def test_what_the_model_declares_beside_the_columns_is_there(db, model):
    """Key, further keys, indexes and defaults."""
    rows = db.execute(f"PRAGMA table_info({model.table})").fetchall()
    key = {name: pk for _, name, _, _, _, pk in rows if pk}
    default = {name: value for _, name, _, _, value, _ in rows if value is not None}
    indexes = db.execute(
        "SELECT name, sql FROM sqlite_schema"
        " WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        (model.table,),
    ).fetchall()
    unique = db.execute(
        "SELECT group_concat(c.name) FROM pragma_index_list(?) AS i, pragma_index_info(i.name) AS c"
        " WHERE i.origin = 'u' GROUP BY i.name",
        (model.table,),
    ).fetchall()
    said = {name: column_of(field) for name, field in model.model_fields.items()}

    assert tuple(sorted(key, key=key.get)) == model.key
    assert default == {name: of.default for name, of in said.items() if of and of.default}
    assert dict(indexes) == {
        index.name: f"CREATE INDEX {index.name} ON {model.table} ({index.columns})"
        for index in model.indexes
    }
    assert [columns for (columns,) in unique] == [",".join(key) for key in model.unique.values()]


def column_of(field):
    """What the model says of a column beside its type."""
    return next((said for said in field.metadata if isinstance(said, Column)), None)


def test_every_number_time_and_json_is_checked_where_it_lies(db):
    """One bad value for each column that has a rule; the rest of the row is good."""
    for model in TABLES:
        kinds = model.model_json_schema()["properties"]
        good = {name: good_value(name, kind) for name, kind in kinds.items()}
        names = ", ".join(good)
        insert = f"INSERT INTO {model.table} ({names}) VALUES (:{', :'.join(good)})"
        db.execute(insert, good)
        for name, kind in kinds.items():
            is_number_alone = model.key == (name,) and form(kind).get("type") == "integer"
            for value in () if is_number_alone else bad_values(kind):
                assert refused(db, insert, good | {name: value}), f"{model.table}.{name}: {value!r}"


def refused(db, insert, row):
    """Whether a CHECK refused the row, and nothing else."""
    try:
        db.execute(insert, row)
    except sqlite3.IntegrityError as error:
        return str(error).startswith("CHECK constraint failed")
    return False


def form(kind):
    """The part of a JSON schema that is not null."""
    return next((part for part in kind.get("anyOf", [kind]) if part.get("type") != "null"), kind)


def good_value(name, kind):
    """Something that the column takes."""
    of = form(kind)
    texts = {"date-time": NOW, "array": "[]", "object": "{}"}
    if text := texts.get(of.get("format", of.get("type"))):
        return text
    return {"integer": 1, "number": 0.5, "boolean": 1}.get(of.get("type"), "a1b2c3d4")


def bad_values(kind):
    """What the declaration refuses, and the database must; but for SQLite's own row numbers."""
    of = form(kind)
    if of.get("format") == "date-time":
        yield from ("2026-02-20T10:00:00", "2026-02-20T10:00:00-06:00")
    elif of.get("type") in {"array", "object"}:
        yield from ("no", '"text"', "[]" if of["type"] == "object" else "{}")
    elif of.get("type") == "boolean":
        yield 2
    else:
        if (low := of.get("minimum")) is not None:
            yield low - 1
        if (high := of.get("maximum")) is not None and high < 2**62:
            yield high * 2


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
