"""The graph is walked hop by hop; agents by who spawned whom."""

import random

import psycopg
import pytest

from schemas.errors import Refused


@pytest.fixture(scope="module")
def web(shared_room):
    """a - b - c - d - e in a line by links, f alone with its own tag; a and e share one."""
    for before, name in zip(" abcd", "abcde", strict=True):
        shared_room(
            "store_discovery", "lumen" if name in "ab" else "ember", discovery_id=name,
            summary=f"about {name}", tags=["ends"] if name in "ae" else [],
            related_to=[before] if before != " " else [],
        )  # fmt: skip
    shared_room("store_discovery", "loner", discovery_id="f", summary="about f", tags=["own"])
    return shared_room


def reached(said) -> dict[str, int]:
    """Key to hop."""
    return {node["key"]: node["hop"] for node in said["nodes"]}


def test_a_neighbourhood_is_what_lies_so_many_hops_away(web):
    """In either direction, with every edge between what was reached."""
    one = web("neighbourhood", around={"key": "c"})

    assert reached(one) == {"c": 0, "b": 1, "d": 1, "ember": 1}
    assert one["nodes"][0] == {"label": "Discovery", "key": "c", "says": "about c", "hop": 0}
    edges = {
        (link["label"], one["nodes"][link["start"]]["key"], one["nodes"][link["end"]]["key"])
        for link in one["links"]
    }
    assert edges == {
        ("RELATED_TO", "c", "b"), ("RELATED_TO", "d", "c"), ("DISCOVERED", "ember", "c"),
    }  # fmt: skip
    two = web("neighbourhood", around={"key": "c"}, hops=2)
    assert reached(two) == reached(one) | {"a": 2, "e": 2, "lumen": 2}
    three = web("neighbourhood", around={"key": "c"}, hops=3)
    assert reached(three) == reached(two) | {"ends": 3}
    assert "f" not in reached(three)
    assert not three["more"]


def test_a_neighbourhood_can_be_of_an_agent_or_of_a_tag(web):
    """By its label and its key."""
    assert reached(web("neighbourhood", around={"label": "Tag", "key": "ends"})) == {
        "ends": 0, "a": 1, "e": 1,
    }  # fmt: skip
    assert reached(web("neighbourhood", around={"label": "Agent", "key": "loner"})) == {
        "loner": 0, "f": 1,
    }  # fmt: skip
    with pytest.raises(Refused, match="no Tag 'a'"):
        web("neighbourhood", around={"label": "Tag", "key": "a"})


def test_a_neighbourhood_has_a_limit_and_says_so(web):
    """The nearest are kept, and no edge leads to what is not there."""
    said = web("neighbourhood", around={"key": "c"}, hops=3, limit=3)

    assert (len(said["nodes"]), said["more"]) == (3, True)
    assert [node["hop"] for node in said["nodes"]] == [0, 1, 1]
    assert all(link["start"] < 3 and link["end"] < 3 for link in said["links"])


def test_a_path_is_a_shortest_one(web):
    """Over the tag they share rather than along the line."""
    said = web("path_between", start={"key": "a"}, end={"key": "e"})

    assert [node["key"] for node in said["nodes"]] == ["a", "ends", "e"]
    assert [node["hop"] for node in said["nodes"]] == [0, 1, 2]
    assert [link["label"] for link in said["links"]] == ["HAS_TAG", "HAS_TAG"]
    same = web("path_between", start={"key": "a"}, end={"key": "a"})
    assert (same["found"], len(same["nodes"]), same["links"]) == (True, 1, [])
    line = web("path_between", start={"label": "Agent", "key": "lumen"}, end={"key": "c"})
    assert [node["key"] for node in line["nodes"]] == ["lumen", "b", "c"]


def test_no_path_or_one_that_is_too_long_is_none(web):
    """Both are told in the same way: nothing was found within the hops."""
    for end, hops in (({"key": "f"}, 8), ({"key": "e"}, 1)):
        said = web("path_between", start={"key": "a"}, end=end, hops=hops)
        assert (said["found"], said["nodes"], said["links"]) == (False, [], [])
    for hops in (0, 9):
        with pytest.raises(Refused, match="hops"):
            web("path_between", start={"key": "a"}, end={"key": "e"}, hops=hops)
    with pytest.raises(Refused, match="no Discovery 'gone'"):
        web("path_between", start={"key": "a"}, end={"key": "gone"})


def test_paths_are_as_short_as_a_plain_search_finds_them(room):
    """In thirty discoveries linked at random, for every pair of a few."""
    dice = random.Random(7)
    links: dict[str, set[str]] = {}
    for number in range(30):
        name, before = f"n{number}", sorted(links)
        related = dice.sample(before, min(len(before), dice.choice((0, 1, 1, 2))))
        links[name] = set(related)
        room(
            "store_discovery", f"agent{number // 10}", discovery_id=name, summary=name,
            related_to=related,
        )  # fmt: skip
        links |= {other: links[other] | {name} for other in related}
    for number in range(30):
        links.setdefault(f"@{number // 10}", set()).add(f"n{number}")
        links[f"n{number}"] = links[f"n{number}"] | {f"@{number // 10}"}

    def length(start, end):
        seen, hops = {start}, 0
        while end not in seen:
            seen |= {other for each in seen for other in links[each]}
            hops += 1
        return hops

    pairs = [dice.sample(range(30), 2) for _ in range(10)]

    async def walk(call):
        return [
            await call("path_between", start={"key": f"n{a}"}, end={"key": f"n{b}"}, hops=8)
            for a, b in pairs
        ]

    for (a, b), said in zip(pairs, room.run(walk), strict=True):
        assert len(said["links"]) == length(f"n{a}", f"n{b}")


def test_lineage_is_told_up_and_down(room):
    """With why and how much each found; a circle is gone round once."""
    with psycopg.connect(room.database.owner, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO core.identities (agent_id, parent_agent_id, spawn_reason) VALUES"
            " ('old', NULL, NULL), ('mid', 'old', 'to help'), ('lumen', 'mid', 'to draw'),"
            " ('kid', 'lumen', 'to test'), ('twin', 'mid', 'beside')"
        )
        room("store_discovery", "old", summary="x")
        said = room("agent_lineage")
        told = [(r["agent_id"], r["depth"], r["discoveries"]) for r in said["relatives"]]
        assert told == [("old", -2, 1), ("mid", -1, 0), ("lumen", 0, 0), ("kid", 1, 0)]
        assert said["relatives"][2]["spawn_reason"] == "to draw"
        assert (said["of"], said["circular"]) == ("lumen", False)
        assert [r["agent_id"] for r in room("agent_lineage", of="kid")["relatives"]] == [
            "old", "mid", "lumen", "kid",
        ]  # fmt: skip

        conn.execute("UPDATE core.identities SET parent_agent_id = 'kid' WHERE agent_id = 'old'")
        said = room("agent_lineage")
        assert said["circular"]
        assert sorted(r["agent_id"] for r in said["relatives"]) == [
            "kid",
            "lumen",
            "mid",
            "old",
            "twin",
        ]
    with pytest.raises(Refused, match="no agent 'nobody'"):
        room("agent_lineage", of="nobody")


def test_stats_count_rows_and_tell_when_the_graph_does_not_agree(room):
    """A lost edge is seen."""
    room("store_discovery", discovery_id="a", summary="a", tags=["x"], type="insight")
    room("store_discovery", discovery_id="b", summary="b", tags=["x", "y"], severity="low",
         related_to=["a"], response_to="a", response_type="extend")  # fmt: skip
    said = room("knowledge_stats")

    assert (said["discoveries"], said["agents"], said["links"]) == (2, 1, 1)
    assert said["by_type"] == {"insight": 1, "note": 1}
    assert said["by_severity"] == {"low": 1, "none": 1}
    assert (said["by_status"], said["top_tags"]) == ({"open": 2}, {"x": 2, "y": 1})
    assert said["graph"] == {
        "Agent": 1, "Discovery": 2, "Tag": 2, "DISCOVERED": 2, "HAS_TAG": 3, "RELATED_TO": 1,
        "RESPONSE_TO": 1,
    }  # fmt: skip
    assert said["graph_agrees"]
    room.rows('DELETE FROM governance_graph."HAS_TAG" RETURNING 1')
    assert not room("knowledge_stats")["graph_agrees"]
