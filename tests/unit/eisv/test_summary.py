"""The numbers are those that other code finds in the same rows."""

import json
import pty
import re
import statistics
import sys
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from apps.eisv import dataset
from apps.eisv.selection import Selection
from apps.eisv.summary import Summary, summarise


@pytest.fixture
def rows(published):
    """The drawing rows of the data set."""
    return dataset.read(published, "drawing").to_pylist()


@pytest.fixture(scope="module")
def summed(published):
    """All that is told of it."""
    return summarise(published, Selection())


def of(summaries, series, column, by="all", word=None):
    """One column of one group."""
    (found,) = [each for each in summaries if each.series == series]
    (group,) = [each for each in found.groups if (each.by, each.word) == (by, word)]
    return next(each for each in group.columns if each.column == column)


@pytest.mark.parametrize("word", [None, "gestural", "pointillist", "geometric"])
@pytest.mark.parametrize("column", ["E", "I", "S", "V", "C", "fatigue", "marks"])
def test_statistics_agree_with_the_standard_library_s(rows, summed, column, word):
    """Of all rows and of each era."""
    values = [row[column] for row in rows if word in {None, row["era"]}]
    found = of(summed, "drawing", column, "era" if word else "all", word)

    assert found.n == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert found.sd == pytest.approx(statistics.stdev(values), rel=1e-9)
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    assert [found.q1, found.median, found.q3] == pytest.approx(quartiles, rel=1e-12)
    assert (found.min, found.max) == (min(values), max(values))


def test_the_share_of_gaps_is_that_of_the_nights(summed, published):
    """Two nights of about ten hours in two and a half days."""
    (found, anima) = summed

    assert (found.gaps, found.pieces, found.sources) == (2, 16, {"live": 1126})
    gaps = [gap["seconds"] for gap in dataset.read(published, "gaps").to_pylist()]
    whole = (found.upto_at - found.from_at).total_seconds()
    assert found.gap_share == pytest.approx(sum(gaps[:2]) / whole)
    assert anima.gap_share == pytest.approx(
        2 * 28_860 / (anima.upto_at - anima.from_at).total_seconds()
    )


def test_a_gap_counts_as_far_as_it_is_in_the_span(published):
    """A summary of an exported data set may be of a part of it."""
    day = Selection(from_at=datetime(2026, 11, 2, tzinfo=UTC))
    found = summarise(published, day)[0]

    assert found.rows < 1126
    assert (found.gaps, found.from_at.day) == (1, 2)


def test_json_is_a_list_of_closed_objects(abode, history):
    """Read back by the models that it is a contract of."""
    code, said, _ = abode("eisv", "summary", "--file", history, "--json")
    found = TypeAdapter(list[Summary]).validate_json(said)

    assert (code, [each.series for each in found]) == (0, ["drawing", "anima"])
    assert {each["contract"] for each in json.loads(said)} == {1}
    assert len(found[0].groups) == 1 + 3 + 4


def test_a_word_counts_in_a_summary(abode, history, published):
    """And leaves the series without such a word out."""
    code, said, _ = abode("eisv", "summary", "--file", history, "--json", "--era", "geometric")
    (found,) = TypeAdapter(list[Summary]).validate_json(said)

    assert code == 0
    assert [group.word for group in found.groups if group.by == "era"] == ["geometric"]
    code, again, _ = abode("eisv", "summary", "--data", published, "--json", "--era", "geometric")
    assert (code, again) == (0, said)


def test_a_table_for_the_eye(abode, history, tmp_path):
    """With a part for each phase when asked; a CSV data set does as well."""
    out = tmp_path / "d"
    assert abode("eisv", "export", "--file", history, "--out", out, "--format", "csv")[0] == 0
    code, said, _ = abode("eisv", "summary", "--data", out, "--by", "phase")

    assert code == 0
    assert said.startswith("drawing: 1126 rows from 2026-11-01T06:02:02Z")
    assert "phase building" in said
    assert "era geometric" not in said


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_narrow_terminal_gets_fewer_columns_and_whole_numbers(
    published, capfd, monkeypatch, width
):
    """Looked at in a terminal of its own: nothing is cut, and what is left out is said."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    script = "import sys; from apps.ops.cli import main; sys.exit(main())"
    words = ["eisv", "summary", "--data", str(published), "--by", "phase"]
    assert pty.spawn([sys.executable, "-c", script, *words]) == 0
    said = capfd.readouterr().out

    assert "\u2026" not in said
    assert "gesture_entropy" in said
    assert "0.008163" in said
    assert ("no room for" in said) == (width < 160)
    table = [line for line in said.splitlines() if "intentionality" in line or "presence" in line]
    assert max(map(len, table)) <= max(width, 80)


def test_a_pipe_gets_every_column_at_full_width(abode, history, monkeypatch):
    """However narrow the window is from which it is piped."""
    monkeypatch.setenv("COLUMNS", "40")
    said = abode("eisv", "summary", "--file", history)[1]

    assert re.search(r"n +mean +sd +min +q1 +median +q3 +max", said)
    assert "\u2026" not in said
    assert "no room for" not in said


def test_a_source_is_given_once(abode, history, tmp_path):
    """A data set is not asked together with a file, nor is there one where there is none."""
    code, _, said = abode("eisv", "summary", "--file", history, "--data", tmp_path)
    assert (code, "--data" in said) == (2, True)
    code, _, said = abode("eisv", "summary", "--data", tmp_path)
    assert (code, "is no data set" in said) == (2, True)
    code, _, said = abode("eisv", "summary", "--archive", tmp_path)
    assert (code, "goes with --file" in said) == (2, True)
