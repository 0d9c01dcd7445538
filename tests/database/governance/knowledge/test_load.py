"""A file of discoveries is loaded whole and given back byte for byte."""

import asyncio
import json
import random
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from apps.governance.knowledge.load import Loaded, dump, load, rebuild
from schemas.errors import Diverged, HouseError, Refused

SHARED = next(p / "shared" for p in Path(__file__).parents if (p / "shared/data").is_dir())
REAL = SHARED / "data/knowledge_graph.json"
NAME = "knowledge_graph.json"


def owned(room, do, *given):
    """What a function of the room's loader gives to its owner."""

    async def within():
        async with await psycopg.AsyncConnection.connect(
            room.database.owner, autocommit=True
        ) as conn:
            return await do(conn, *given)

    return asyncio.run(within())


def file(*nodes, **beside) -> bytes:
    """A file as upstream writes it."""
    said = {"version": "1.0", "nodes": {node["id"]: node for node in nodes}, **beside}
    return json.dumps(said, indent=2).encode()


def node(name, **said):
    """A node with no more than it must have."""
    return {
        "id": name, "agent_id": "lumen", "type": "note", "summary": f"about {name}",
        "timestamp": "2025-12-01T00:00:00.000001", **said,
    }  # fmt: skip


@pytest.fixture
def real() -> bytes:
    """93 real discoveries."""
    return REAL.read_bytes()


def test_real_discoveries_load_whole_and_are_given_back_byte_for_byte(room, real):
    """Times without an offset, tags and links in their order, and indexes that are not true."""
    told = owned(room, load, NAME, real)

    said = json.loads(real)["nodes"]
    edges = sum(1 + len(n["tags"]) for n in said.values())
    links = sum(other in said for n in said.values() for other in n["related_to"])
    assert told == Loaded(93, edges + links, 26)
    assert owned(room, dump, NAME) == real
    assert room.rows("SELECT count(*) FROM core.discoveries") == [(93,)]
    stats = room("knowledge_stats")
    assert stats["graph_agrees"]
    assert stats["links"] == links
    for each in random.Random(1).sample(sorted(said), 10):
        found = room("get_discovery", discovery_id=each)["discovery"]
        told = said[each]
        assert (found["summary"], found["details"]) == (told["summary"], told["details"])
        assert found["tags"] == sorted(said[each]["tags"])
        assert found["created_at"] == said[each]["timestamp"] + "Z"


def test_a_file_loaded_again_changes_nothing(room, real):
    """Another of its name is refused, and so is a second file with the same discoveries."""
    owned(room, load, NAME, real)
    before = room.graph()

    assert owned(room, load, NAME, real) == Loaded(0, 0, 0)
    with pytest.raises(Refused, match="another file of this name"):
        owned(room, load, NAME, real.replace(b'"1.0"', b'"1.1"'))
    with pytest.raises(Refused, match="is there already"):
        owned(room, load, "copy.json", real)
    assert room.graph() == before
    assert room.rows("SELECT file FROM core.discovery_files") == [(NAME,)]


def test_only_what_changed_since_is_given_back_otherwise(room, real):
    """A status with its place in the indexes; everything else as it was."""
    owned(room, load, NAME, real)
    said = json.loads(real)
    one = next(i for i, n in said["nodes"].items() if n["status"] == "open" and n["tags"])
    room("update_discovery", discovery_id=one, status="resolved")
    again = json.loads(owned(room, dump, NAME))

    assert list(again["nodes"]) == list(said["nodes"])
    changed = {i for i in again["nodes"] if again["nodes"][i] != said["nodes"][i]}
    assert changed == {one}
    assert {k for k, v in again["nodes"][one].items() if v != said["nodes"][one][k]} == {
        "status", "resolved_at", "updated_at",
    }  # fmt: skip
    assert one not in again["indexes"]["by_status"]["open"]
    assert again["indexes"]["by_status"]["resolved"][-1] == one
    assert {k: v for k, v in again["indexes"].items() if k != "by_status"} == {
        k: v for k, v in said["indexes"].items() if k != "by_status"
    }


def test_what_has_no_column_is_given_back_too(room):
    """Unknown keys in their place, values that are written in another way, links to nowhere."""
    body = file(
        node("a", colour={"z": 1, "a": [1.0, 1e3]}, severity=None),
        node("b", confidence=1, related_to=["nowhere", "a", "b"], details=None, tags=["y", "x"]),
        node("c", response_to={"response_type": "extend", "discovery_id": "a"},
             provenance={"z": 1, "a": 2}, provenance_chain=[{"z": 1, "a": 2}], confidence=0.30),
        node("d", timestamp="2025-12-01T01:00:00+05:00", updated_at="2025-12-01T00:00:00Z",
             response_to={"response_type": "question", "discovery_id": "nowhere"}),
        note="kept", indexes={"by_agent": {}, "mine": {"x": ["a"]}},
    )  # fmt: skip
    owned(room, load, "odd.json", body)

    assert owned(room, dump, "odd.json") == body
    assert room("get_discovery", discovery_id="b")["discovery"]["related_to"] == ["a"]
    assert room("response_chain", discovery_id="c")["root"] == "a"
    assert room("get_discovery", discovery_id="d")["discovery"]["created_at"].startswith(
        "2025-11-30T20:00"
    )


def test_a_time_without_an_offset_is_of_the_zone_that_is_told(room):
    """Winter in Berlin; and it is given back without one."""
    body = file(node("a"))
    owned(room, load, "f.json", body, ZoneInfo("Europe/Berlin"))

    assert owned(room, dump, "f.json") == body
    at = room("get_discovery", discovery_id="a")["discovery"]["created_at"]
    assert at == "2025-11-30T23:00:00.000001Z"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "is not an object"),
        (b"{", "not JSON"),
        (b'{"nodes": []}', "nodes: is not an object"),
        (b'{"nodes": {}, "nodes": {}}', "not written as json.dump does"),
        (file(node("a") | {"id": "b"}).replace(b'"b": {', b'"a": {'), "nodes/a: its id is 'b'"),
        (file(node("a", type="poem")), "type"),
        (file(node("a", summary="")), "summary"),
        (file(node("a", summary="x" * 1001)), "summary"),
        (file(node("a", agent_id="no name")), "agent_id"),
        (file(node("a", timestamp="yesterday")), "is not an instant"),
        (file(node("a"), indexes=[]), "indexes: is not an object"),
        (file(node("a")).replace(b": ", b" : "), "not written as json.dump does"),
        (file(node("a", confidence=2)), "confidence"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_leaves_nothing(shared_room, body, said):
    """Whole or not at all, with the path of what is wrong."""
    with pytest.raises(HouseError, match=said):
        owned(shared_room, load, "bad.json", body)

    assert shared_room.rows("SELECT 1 FROM core.discoveries") == []
    assert shared_room.rows("SELECT 1 FROM core.discovery_files") == []


def test_a_file_of_everything_can_be_made(room):
    """Also of what was never in one; it can be loaded elsewhere."""
    room("store_discovery", discovery_id="a", summary="a", tags=["x"])
    room(
        "store_discovery", discovery_id="b", summary="b", related_to=["a"],
        response_to="a", response_type="support", confidence=0.5,
    )  # fmt: skip
    room("store_discovery", discovery_id="c", summary="c")
    room("supersede_discovery", discovery_id="c", superseded_by="b")
    made = owned(room, dump)

    said = json.loads(made)
    assert list(said["nodes"]) == ["a", "b", "c"]
    assert said["nodes"]["b"]["response_to"] == {"discovery_id": "a", "response_type": "support"}
    assert said["nodes"]["c"]["superseded_by"] == "b"
    assert said["indexes"]["by_tag"] == {"x": ["a"]}
    before = room.graph()
    room.rows("DELETE FROM core.discoveries RETURNING 1")
    assert owned(room, rebuild) == (0, 0)
    owned(room, load, "all.json", made)
    assert room.graph() == before
    assert owned(room, dump, "all.json") == made


def test_the_graph_is_made_anew_from_the_rows(room, real):
    """Whatever became of it; agents and what they are tagged with stay."""
    owned(room, load, NAME, real)
    before = room.graph()
    for label in ("HAS_TAG", "Discovery", "Tag"):
        room.rows(f'DELETE FROM governance_graph."{label}" RETURNING 1')
    assert not room("knowledge_stats")["graph_agrees"]

    assert owned(room, rebuild) == (93, len(before[1]))
    assert room.graph() == before
    assert room("knowledge_stats")["graph_agrees"]


def many(discoveries: int, edges: int) -> bytes:
    """A file with so many discoveries and, with their agents, tags and links, so many edges."""
    dice = random.Random(3)
    names = [f"2025-12-01T00:00:00.{n:06}" for n in range(discoveries)]
    links = [0] * discoveries
    for _ in range(edges - discoveries * 3):
        links[dice.randrange(20, discoveries)] += 1
    nodes = [
        node(name, agent_id=f"agent{n % 40}", tags=[f"t{n % 97}", f"u{n % 31}"],
             details="it was found that " * 20, severity="low",
             related_to=dice.sample(names[:n], links[n]))
        for n, name in enumerate(names)
    ]  # fmt: skip
    return file(*nodes, indexes={})


def test_a_thousand_discoveries_and_five_thousand_edges_load_at_once(room):
    """1,063 and 5,218 as upstream had them: under a second here, and never a minute."""
    body = many(1063, 5218)
    begun = time.monotonic()
    told = owned(room, load, "many.json", body)
    seconds = time.monotonic() - begun

    assert told[:2] == (1063, 5218)
    assert room("knowledge_stats")["graph_agrees"]
    assert seconds < 5, f"took {seconds:.2f} s"


def test_a_load_that_would_not_be_given_back_is_not_kept(room, monkeypatch):
    """The file is read back before it is kept."""
    monkeypatch.setattr("apps.governance.knowledge.load.told.how", lambda *_: {
        "keys": ["id"], "values": {}, "missing": [],
    })  # fmt: skip
    with pytest.raises(Diverged, match="would not be given back"):
        owned(room, load, "f.json", file(node("a")))

    assert room.rows("SELECT 1 FROM core.discoveries") == []
    assert room.graph() == ([], [])
