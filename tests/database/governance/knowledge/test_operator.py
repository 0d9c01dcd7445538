"""The owner's way to the graph: Cypher as it pleases, but not for ever and not by mistake."""

import json
from contextlib import contextmanager
from time import monotonic

import pytest
from typer.testing import CliRunner

from apps.ops import graph, knowledge
from apps.ops.cli import app
from schemas.errors import Refused, Unreachable

CURSED = "quotes ' \" and \\ and $$ 🜁"


@pytest.fixture
def operator(room, monkeypatch, tmp_path):
    """``abode``, with the test's database as the one in force."""

    @contextmanager
    def here(*_):
        yield room.database.owner

    for module in (graph, knowledge):
        monkeypatch.setattr(module, "reached", here)
        monkeypatch.setattr(module, "in_force", lambda _: (None, tmp_path))

    def run(*words):
        done = CliRunner().invoke(app, words)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    return run


def test_cypher_is_answered_as_a_table_and_as_json(room, operator):
    """Columns by the names in RETURN; vertices and edges as objects."""
    room("store_discovery", discovery_id="d", summary=CURSED, tags=["x"])
    ask = "MATCH (d:Discovery)-[e:HAS_TAG]->(t) RETURN d.summary AS summary, type(e), t, 2"

    assert "summary" in operator("graph", ask)
    [row] = json.loads(operator("graph", ask, "--json"))
    assert list(row) == ["summary", "type(e)", "t", "2"]
    assert (row["summary"], row["type(e)"], row["2"]) == (CURSED, "HAS_TAG", 2)
    assert row["t"]["properties"] == {"name": "x"}
    assert json.loads(operator("graph", "MATCH (t:Tag {name: 'y'}) RETURN t", "--json")) == []


def test_a_change_is_kept_only_when_it_is_to_be(room, operator):
    """AGE writes even in a read-only transaction; it is taken back."""
    room("store_discovery", summary="a", tags=["x"])
    before = room.graph()
    operator("graph", "MATCH (n) DETACH DELETE n")
    operator("graph", "MATCH (t:Tag) SET t.name = 'y' RETURN t")
    assert room.graph() == before

    operator("graph", "MATCH (t:Tag) SET t.name = 'y' RETURN t", "--write")
    assert [p for label, p in room.graph()[0] if label == "Tag"] == [{"name": "y"}]


def test_cypher_that_takes_too_long_is_stopped(room, operator):
    """After the seconds that were given."""
    room("store_discovery", summary="a", tags=[f"t{n}" for n in range(30)])
    begun = monotonic()
    with pytest.raises(Refused, match=r"took longer than 0\.3 s"):
        operator("graph", "MATCH (a), (b), (c), (d), (e) RETURN count(*)", "--seconds", "0.3")

    assert monotonic() - begun < 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MATCH (n) RETURN", "syntax error"),
        ("MATCH (n) RETURN n.id, n.id", "a name twice"),
        ("RETURN $x", "'x' is not given"),
        (
            "MATCH (n) RETURN n $$) AS (a ag_catalog.agtype); DROP SCHEMA core CASCADE; --",
            "unexpected",
        ),
    ],
)
def test_cypher_that_is_none_is_refused_in_a_sentence(room, operator, text, said):
    """And nothing else is run."""
    with pytest.raises(Refused, match=said):
        operator("graph", text, "--write")

    assert room.rows("SELECT count(*) FROM core.discoveries") == [(0,)]


def test_a_file_goes_in_and_comes_out(operator, tmp_path):
    """As it was; the graph can be made anew beside."""
    said = {"version": "1.0", "nodes": {"a": {
        "id": "a", "agent_id": "lumen", "type": "note", "summary": CURSED,
        "timestamp": "2025-12-01T00:00:00",
    }}}  # fmt: skip
    file = tmp_path / "f.json"
    file.write_text(json.dumps(said, indent=2))

    assert operator("knowledge", "load", str(file)) == (
        "loaded 1 discoveries, 1 edges, 1 new agents\n"
    )
    assert "nothing changed" in operator("knowledge", "load", str(file))
    assert operator("knowledge", "dump", "f.json") == file.read_text()
    assert operator("knowledge", "rebuild") == "made 1 vertices of discoveries, 1 edges\n"
    with pytest.raises(Refused, match="no zone"):
        operator("knowledge", "load", str(file), "--zone", "Moon/Crater")
    with pytest.raises(Refused, match="No such file"):
        operator("knowledge", "load", str(tmp_path / "gone.json"))


def test_a_database_that_is_away_is_unreachable():
    """For Cypher as for files."""
    with pytest.raises(Unreachable):
        graph.ask("postgresql://127.0.0.1:1/governance", "RETURN 1")
