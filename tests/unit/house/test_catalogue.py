"""docs/where-data-lives.md says what schemas declare."""

import pytest

from apps.migrate.lines import ENGINES
from apps.ops import catalogue
from schemas.errors import Refused
from schemas.table import Store, Table


def test_the_document_is_not_stale():
    """Whoever changes a schema runs the generator."""
    assert catalogue.main(["--check"]) == 0


@pytest.fixture
def doc(tmp_path, monkeypatch):
    """A document with empty blocks."""
    file = tmp_path / "where-data-lives.md"
    file.write_text(
        "prose\n<!-- catalogue: places -->\nyesterday\n<!-- end -->\nmore\n"
        "<!-- catalogue: numbers -->\n<!-- end -->\n"
    )
    monkeypatch.setattr(catalogue, "DOC", file)
    return file


def test_a_stale_document_exits_four_and_is_not_written(doc, capsys):
    """The check only looks; the hint says what to run."""
    before = doc.read_text()

    assert catalogue.main(["--check"]) == 4
    assert doc.read_text() == before
    assert "python -m apps.ops.catalogue" in capsys.readouterr().err


def test_writing_settles_it_and_keeps_the_prose(doc):
    """Only what stands between the markers changes."""
    assert catalogue.main([]) == 0
    assert catalogue.main(["--check"]) == 0
    text = doc.read_text()
    assert text.startswith("prose\n")
    assert "more\n" in text
    assert "yesterday" not in text


def test_a_document_without_its_blocks_is_refused(doc):
    """A lost marker would freeze a table unnoticed."""
    with pytest.raises(Refused, match="blocks must be places, numbers"):
        catalogue.render("prose only")


def test_every_table_of_every_line_is_there():
    """By walking, not by a list that someone forgets."""
    walked = set(catalogue.tables())

    assert {table.store for table in walked} == set(ENGINES)
    assert walked == {table for table in Table.__subclasses__() if "schemas" in table.__module__}
    assert set(Store.__args__) == set(catalogue.STORES)


def test_numbers_carry_unit_range_and_source():
    """Also when they may be absent."""
    rows = {(n.place, n.column): n for n in catalogue.numbers()}

    assert rows["`core.agent_state`", "`void`"].range == "[-2, 2]"
    assert rows["`drawing_history`", "`marks`"].unit == "{mark}"
    assert rows["`drawing_history`", "`fatigue`"].range == "[0, 1]"


def test_a_redis_key_shows_its_pattern_and_its_lifetime():
    """As the function that builds it does."""
    keys = [place for place in catalogue.places() if place.store.startswith("Redis")]

    assert [(key.place, key.store) for key in keys] == [
        ("`session:{session_id}`", "Redis, 86400 s")
    ]
