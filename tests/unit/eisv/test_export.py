"""What was recorded is in the data set, to the last digit, and the data set tells what it is."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pyarrow.csv
import pyarrow.parquet
import pytest

from apps.eisv import dataset, export
from apps.eisv.columns import Series
from apps.eisv.dataset import Format
from apps.eisv.export import Order
from apps.eisv.selection import Selection
from apps.eisv.sources import of_file
from schemas.errors import Diverged

QUERY = """SELECT id, timestamp, E, I, S, V, C, marks, phase, era, energy, curiosity, engagement,
fatigue, arc_phase, gesture_entropy, switching_rate, intentionality FROM drawing_history"""


def recorded(path):
    """The rows of drawing_history as SQLite gives them."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"{QUERY} ORDER BY id")]


@pytest.mark.parametrize("form", list(Format))
def test_every_number_arrives_as_it_was_recorded(history, exported, form):
    """In both formats: no digit is lost, no row comes twice, none is missing."""
    rows = exported(history, order=Order(Selection(), form=form)).to_pylist()

    expected = recorded(history)
    for row in expected:
        row["timestamp"] = datetime.fromisoformat(row["timestamp"])
    assert [{key: row[key] for key in expected[0]} for row in rows] == expected
    assert {row["source"] for row in rows} == {"live"}


def test_a_column_tells_its_unit_range_and_source(history, exported, tmp_path):
    """In Parquet's own fields, where a reader of the file finds them."""
    exported(history)
    schema = pyarrow.parquet.read_schema(tmp_path / "data" / "drawing.parquet")

    assert schema.field("V").metadata == {
        b"unit": b"1", b"source": b"V: running balance of E and I", b"range": b"[-2, 2]",
    }  # fmt: skip
    assert schema.field("marks").metadata[b"unit"] == b"{mark}"
    assert str(schema.field("timestamp").type) == "timestamp[us, tz=UTC]"
    schema = pyarrow.parquet.read_schema(tmp_path / "data" / "anima.parquet")
    assert schema.field("cpu_temp_c").metadata[b"unit"] == b"Cel"
    units = [name for name in schema.names if b"unit" in (schema.field(name).metadata or {})]
    assert set(schema.names) - set(units) == {"source", "timestamp"}


def test_a_csv_tells_the_same_beside_itself(history, exported, tmp_path):
    """One sidecar a table, with the columns as Parquet has them."""
    exported(history, out="p")
    exported(history, order=Order(Selection(), form=Format.CSV), out="c")
    schema = pyarrow.parquet.read_schema(tmp_path / "p" / "anima.parquet")
    told = json.loads(schema.metadata[b"abode"])
    beside = json.loads((tmp_path / "c" / "anima.json").read_text())

    assert beside["columns"] == told["columns"]
    assert beside["rows"] == 2880
    for name, column in beside["columns"].items():
        metadata = {k.decode(): v.decode() for k, v in (schema.field(name).metadata or {}).items()}
        assert {key: value for key, value in column.items() if key != "type"} == metadata
    assert {"file", "from", "upto", "abode", "made_at"} <= set(beside["provenance"])


def test_a_csv_reads_without_us(history, exported, tmp_path):
    """Plain text, instants with their offset, absent values empty."""
    exported(history, order=Order(Selection(), form=Format.CSV))
    head, first = (tmp_path / "data" / "anima.csv").read_text().splitlines()[:2]

    assert head.startswith('"source","id","timestamp","warmth"')
    assert first.startswith('"live",1,"2026-11-01T06:00:00.000000+00:00",0.4')
    assert first.endswith(",,31.5,")


def test_readings_become_columns(history, exported):
    """With what was not measured absent."""
    rows = exported(history, "anima")

    assert rows["memory_percent"].to_pylist() == [31.5] * 2880
    assert rows["cpu_temp_c"].null_count == 0
    assert rows["humidity_pct"].null_count == 2880


def test_a_span_takes_its_first_instant_and_not_its_last(history, exported):
    """So that two spans that touch make one."""
    rows = exported(history)
    cut = rows["timestamp"][700].as_py()
    before = exported(history, order=Order(Selection(upto_at=cut)), out="a")
    after = exported(history, order=Order(Selection(from_at=cut)), out="b")

    assert (before.num_rows, after.num_rows) == (700, rows.num_rows - 700)
    assert after["timestamp"][0].as_py() == cut


@pytest.mark.parametrize(
    ("column", "word"), [("era", "geometric"), ("phase", "resting"), ("arc_phase", "opening")]
)
def test_a_word_selects_its_rows(abode, history, tmp_path, column, word):
    """And only the series that has such a word."""
    option = f"--{column.replace('_', '-')}"
    code, said, _ = abode(
        "eisv", "export", "--file", history, "--out", tmp_path / "d", option, word
    )

    rows = dataset.read(tmp_path / "d", "drawing")
    expected = [row["id"] for row in recorded(history) if row[column] == word]
    assert (code, rows["id"].to_pylist()) == (0, expected)
    assert "anima" not in said
    assert not (tmp_path / "d" / "anima.parquet").exists()
    code, _, said = abode(
        "eisv", "export", "--file", history, "--out", tmp_path / "e", option, word,
        "--series", "anima",
    )  # fmt: skip
    assert (code, said.startswith(f"{option}: anima has no")) == (2, True)


def test_an_empty_range_is_refused_and_nothing_is_written(abode, history, tmp_path):
    """The hint tells what there is."""
    code, _, said = abode(
        "eisv", "export", "--file", history, "--out", tmp_path / "d", "--from", "2027-01-01T00:00Z"
    )

    assert code == 2
    assert "no row for from 2027-01-01T00:00:00+00:00" in said
    assert "there are rows from 2026-11-01T06:00:00+00:00 to 2026-11-03T21:59:00+00:00" in said
    assert [path.name for path in tmp_path.iterdir()] == ["anima.db"]


def test_nothing_is_written_over_unasked(abode, history, tmp_path):
    """With --force the old one goes when the new one is whole; what is not ours never goes."""
    out = tmp_path / "d"
    words = ("eisv", "export", "--file", history, "--out", out)
    assert abode(*words, "--format", "csv")[0] == 0
    code, _, said = abode(*words)
    assert (code, "--force" in said) == (2, True)
    assert abode(*words, "--force")[0] == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "anima.parquet", "drawing.parquet", "gaps.parquet",
    ]  # fmt: skip
    (out / "thesis.tex").touch()
    code, _, said = abode(*words, "--force")
    assert (code, "is no data set of ours" in said) == (2, True)
    assert (out / "thesis.tex").exists()


def test_an_export_that_fails_leaves_what_was_there(history, exported, tmp_path, monkeypatch):
    """Whole or not at all, also with --force."""
    exported(history)
    before = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.gap, "as_table", full)
    with pytest.raises(OSError, match="No space"):
        exported(history)

    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anima.db", "data"]


def test_a_file_that_is_no_anima_db_is_told_from_one_that_is_broken(abode, history, tmp_path):
    """Missing, another database, damaged."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE cups (handle)")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)

    for path, expected in ((tmp_path / "none.db", 2), (other, 2), (broken, 4)):
        code, _, said = abode("eisv", "export", "--file", path, "--out", tmp_path / "d")
        assert (code, str(path) in said) == (expected, True)


def test_a_copy_is_read_where_nothing_can_be_written(history):
    """As it lies on a stick or in an archive."""
    history.chmod(0o444)
    history.parent.chmod(0o555)
    try:
        sources = of_file(history, None, Selection())
        rows = sources.parts[Series.DRAWING][0].read(1, 10).num_rows
        sources.close()
    finally:
        history.parent.chmod(0o755)
    assert rows == 10
    assert [path.name for path in history.parent.iterdir()] == ["anima.db"]


def test_an_adopted_file_is_told_in_utc(history, exported):
    """Its old rows have no offset; the adoption says where they were taken."""
    with closing(sqlite3.connect(history)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("CREATE TABLE _abode_adopted (name TEXT, time_zone TEXT)")
        db.execute("INSERT INTO _abode_adopted VALUES ('drawing_history', 'Europe/Berlin')")
        db.execute("UPDATE drawing_history SET timestamp = '2026-11-01T07:00:00.5' WHERE id = 1")
    rows = exported(history)

    assert rows["timestamp"][0].as_py() == datetime(2026, 11, 1, 6, 0, 0, 500_000, tzinfo=UTC)
    assert rows["timestamp"][1].as_py() == datetime.fromisoformat(recorded(history)[1]["timestamp"])


def test_a_timestamp_without_a_zone_that_nothing_explains_is_diverged(history, exported):
    """It could be any time."""
    with closing(sqlite3.connect(history)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("UPDATE drawing_history SET timestamp = '2026-11-01T07:00:00.5' WHERE id = 5")

    with pytest.raises(Diverged, match="timestamp"):
        exported(history)


def test_words_that_are_not_offered_are_refused(abode, history, tmp_path):
    """--format and --series, as the eras."""
    for option, typo, meant in (("--format", "parket", "parquet"), ("--series", "anmia", "anima")):
        code, _, said = abode(
            "eisv", "export", "--file", history, "--out", tmp_path / "d", option, typo
        )
        assert (code, f"did you mean '{meant}'?" in said) == (2, True)


def test_csv_and_parquet_hold_the_same(history, exported):
    """Read back by the same reader."""
    plain = exported(history, order=Order(Selection(), form=Format.CSV), out="c")
    packed = exported(history, out="p")

    assert plain.to_pylist() == packed.to_pylist()
