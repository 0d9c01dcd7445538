"""The pages that schemas write say what schemas declare."""

import json
import re

import pytest

from apps.declared.everything import documents, keys, labels, messages, tables
from apps.declared.field import fields
from apps.migrate.lines import ENGINES
from apps.ops import catalogue
from schemas.document import Document
from schemas.errors import Refused
from schemas.label import Label
from schemas.table import Store, Table


def test_the_document_is_not_stale():
    """Whoever changes a schema runs the generator."""
    assert catalogue.main(["--check"]) == 0


@pytest.fixture
def doc(tmp_path, monkeypatch):
    """A document with empty blocks, and no other page yet."""
    file = tmp_path / "where-data-lives.md"
    file.write_text(
        "prose\n<!-- catalogue: places -->\nyesterday\n<!-- end -->\nmore\n"
        "<!-- catalogue: numbers -->\n<!-- end -->\n"
    )
    monkeypatch.setattr(catalogue, "DOC", file)
    monkeypatch.setattr(catalogue, "DOCS", tmp_path)
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


def test_everything_declared_is_there():
    """By walking, not by a list that someone forgets; nothing is called like another."""
    every = list(catalogue.places())
    counts = [len(kind()) for kind in (tables, labels, keys, documents, messages)]

    assert {table.store for table in tables()} == set(ENGINES)
    assert set(Store.__args__) == set(catalogue.STORES)
    assert all(counts)
    assert len(every) == len({place.place for place in every}) == sum(counts)
    walked = {kind: set(kind.__subclasses__()) for kind in (Table, Label, Document)}
    assert {kind: _ours(found) for kind, found in walked.items()} == {
        Table: set(tables()),
        Label: set(labels()),
        Document: set(documents()),
    }


def _ours(found):
    return {each for each in found if each.__module__.startswith("schemas.")}


def test_every_place_says_whose_it_is_and_how_long_it_stays():
    """Owner, store, retention and sensitivity; freshness where it has one."""
    for place in catalogue.places():
        assert place.owner in {"pi", "mac"}
        assert place.sensitivity in {"internal", "personal", "secret"}
        assert all((place.what, place.store, place.kept)), place
    kept = {place.place: (place.kept, place.fresh) for place in catalogue.places()}
    assert kept["`audit.events`"] == ("180 d", "")
    assert kept["`core.probe`"] == ("for ever", "60 s")
    assert kept["`CheckIn`"] == ("until answered", "")


def test_the_page_needs_nothing_from_elsewhere():
    """One file: no script, style, font or picture of another address."""
    text = (catalogue.DOCS / "catalogue.html").read_text()

    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//|@import|url\(", text)
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert {each["place"] for each in data} == {p.place.strip("`") for p in catalogue.places()}
    targets = {each["place"] for each in data}
    assert {c["to"] for e in data for c in e.get("columns", ()) if "to" in c} <= targets


def test_every_table_and_label_is_in_a_diagram():
    """With every reference from one to the other."""
    text = (catalogue.DOCS / "entities.md").read_text()

    for table in tables():
        assert f'["{table.table}"]' in text
        for field in fields(table):
            if field.column.references:
                assert f" {table.table.replace('.', '_')} : {field.name}\n" in text
    for label in labels():
        assert re.search(rf'^ +{label.label} {{$| : ".*\b{label.label}\b.*"$', text, re.MULTILINE)


def test_numbers_carry_unit_range_and_source():
    """Also when they may be absent."""
    rows = {(n.place, n.column): n for n in catalogue.numbers()}

    assert rows["`core.agent_state`", "`void`"].range == "[-2, 2]"
    assert rows["`drawing_history`", "`marks`"].unit == "{mark}"
    assert rows["`drawing_history`", "`fatigue`"].range == "[0, 1]"


def test_a_redis_key_shows_its_pattern_and_its_lifetime():
    """As it is built."""
    shown = [place for place in catalogue.places() if place.store.startswith("Redis,")]

    assert [(key.place, key.store, key.sensitivity) for key in shown] == [
        ("`session:{session_id}`", "Redis, 86400 s", "secret"),
        ("`agent_meta:{agent_id}`", "Redis, 300 s", "personal"),
        ("`rate_limit:{agent_id}`", "Redis, 3600 s", "internal"),
        ("`lock:{name}`", "Redis, 3600 s", "internal"),
        ("`fence:{name}`", "Redis, 2592000 s", "internal"),
        ("`probe:{process}`", "Redis, 60 s", "internal"),
    ]
