"""Discoveries are stored, changed and superseded in rows and graph at once, or not at all."""

import asyncio
import json
import re

import psycopg
import pytest

from apps.bridge.refusals import Conflict, Forbidden, NotFound, status_of
from apps.bridge.tool import ALL
from apps.governance.knowledge import store
from schemas.errors import Diverged, Refused
from schemas.governance.calls import Right
from schemas.governance.calls.knowledge import STORES_PER_HOUR

CURSED = 'quotes \' " ` and \\ and $$ and $q$ and $1 and %s and {"a": [1]} and\na line, ünï¢ode 🜁'
AGENT_ONLY = ALL - {Right.OPERATE}


def test_a_discovery_reads_back_as_it_was_told(room):
    """Any text; with the time, the finder and what it may still store."""
    first = room("store_discovery", summary="first")["discovery"]
    told = {
        "summary": CURSED,
        "details": CURSED * 100,
        "type": "bug_found",
        "severity": "high",
        "tags": ["b", "a", "b", "with 'quotes' and \\"],
        "related_to": [first["discovery_id"]],
        "references_files": [CURSED.replace("\n", " ")],
        "response_to": first["discovery_id"],
        "response_type": "extend",
        "confidence": 0.5,
        "provenance": {"from": CURSED},
    }
    stored = room("store_discovery", **told)

    assert stored["stores_left"] == STORES_PER_HOUR - 2
    found = room("get_discovery", who="ember", discovery_id=stored["discovery"]["discovery_id"])
    assert found["discovery"] == stored["discovery"]
    kept = {name: found["discovery"][name] for name in told}
    assert kept == told | {"tags": ["a", "b", "with 'quotes' and \\"]}
    assert room("get_discovery", discovery_id=first["discovery_id"])["responses"] == [
        stored["discovery"]["discovery_id"]
    ]


def test_the_graph_repeats_the_rows(room):
    """A vertex for each discovery, agent and tag, an edge for each thing said of them."""
    first = room("store_discovery", summary=CURSED, tags=["x"])["discovery"]
    second = room(
        "store_discovery", "ember", summary="b", tags=["x", "y"], severity="low",
        related_to=[first["discovery_id"]],
        response_to=first["discovery_id"], response_type="disagree",
    )["discovery"]  # fmt: skip
    one, two = first["discovery_id"], second["discovery_id"]
    vertices, edges = room.graph()

    assert [p for label, p in vertices if label == "Discovery" and p["id"] == one] == [
        {"id": one, "type": "note", "status": "open", "summary": CURSED,
         "created_at": first["created_at"].replace("Z", "+00:00")},
    ]  # fmt: skip
    assert {(label, p.get("id", p.get("name"))) for label, p in vertices} == {
        ("Agent", "lumen"), ("Agent", "ember"), ("Tag", "x"), ("Tag", "y"),
        ("Discovery", one), ("Discovery", two),
    }  # fmt: skip
    assert edges == sorted([
        ("DISCOVERED", "lumen", one, {}), ("DISCOVERED", "ember", two, {}),
        ("HAS_TAG", one, "x", {}), ("HAS_TAG", two, "x", {}), ("HAS_TAG", two, "y", {}),
        ("RELATED_TO", two, one, {}),
        ("RESPONSE_TO", two, one, {"response_type": "disagree"}),
    ])  # fmt: skip
    assert room("knowledge_stats")["graph_agrees"]


def test_when_the_graph_fails_no_row_is_kept(room):
    """Nor a tag, a link, an agent or an event of it."""
    first = room("store_discovery", summary="first")["discovery"]
    room.rows('DELETE FROM governance_graph."Discovery" RETURNING 1')

    with pytest.raises(Diverged, match="has 0 of 1 ends for RELATED_TO"):
        room(
            "store_discovery", "ember", summary="b", tags=["x"], related_to=[first["discovery_id"]]
        )

    assert room.rows("SELECT agent_id FROM core.discoveries") == [("lumen",)]
    assert room.rows("SELECT agent_id FROM core.identities") == [("lumen",)]
    assert room.rows("SELECT tag FROM core.discovery_tags") == []
    assert [label for label, _ in room.graph()[0]] == ["Agent"]
    assert room.rows("SELECT count(*) FROM audit.events WHERE agent_id = 'ember'") == [(0,)]


def test_when_the_rows_fail_the_graph_is_as_before(room):
    """The other way round: when the graph is written, a row spoils the commit."""
    with psycopg.connect(room.database.admin, autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION core.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$;"
            "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON core.discovery_tags"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.no()"
        )

    with pytest.raises(psycopg.errors.CheckViolation):
        room("store_discovery", summary="a", tags=["x"])

    assert room.graph() == ([], [])
    assert room.rows("SELECT 1 FROM core.discoveries") == []


def test_an_agent_stores_so_many_an_hour_however_many_at_once(room):
    """Each of the rest is told when to come again; another agent is not hindered."""

    async def storm(call):
        told = [call("store_discovery", summary=f"n{i}") for i in range(STORES_PER_HOUR + 8)]
        said = []
        for batch in (told[:6], told[6:12], told[12:18], told[18:24], told[24:]):
            said += await asyncio.gather(*batch, return_exceptions=True)
        return said

    said = room.run(storm)
    refused = [each for each in said if isinstance(each, Exception)]

    assert len(said) - len(refused) == STORES_PER_HOUR
    assert {status_of(each) for each in refused} == {429}
    assert all(3500 < each.retry_after <= 3600 for each in refused)
    assert room.rows("SELECT count(*) FROM core.discoveries") == [(STORES_PER_HOUR,)]
    assert room("store_discovery", "ember", summary="x")["stores_left"] == STORES_PER_HOUR - 1
    room.rows("UPDATE core.discoveries SET created_at = now() - interval '61 min' RETURNING 1")
    assert room("store_discovery", summary="later")["stores_left"] == STORES_PER_HOUR - 1


def test_ids_of_one_microsecond_differ(monkeypatch):
    """Upstream's were the time alone."""

    class Stopped(store.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 28, 12, 0, 0, 1, tz)

    monkeypatch.setattr(store, "datetime", Stopped)
    made = {store.new_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(re.fullmatch(r"2026-11-28T12:00:00\.000001\.[0-9a-f]{12}", each) for each in made)


def test_a_repeat_under_its_own_id_is_stored_once(room):
    """Eight at once as well; another of that id is a conflict."""

    async def eight(call):
        told = [call("store_discovery", discovery_id="mine", summary="a") for _ in range(6)]
        return await asyncio.gather(*told)

    said = room.run(eight)

    assert len({json.dumps(each["discovery"]) for each in said}) == 1
    assert room.rows("SELECT count(*) FROM core.discoveries") == [(1,)]
    assert room.rows("SELECT count(*) FROM audit.events WHERE event_type = 'discovery_stored'") == [
        (1,)
    ]
    for who, summary in (("lumen", "b"), ("ember", "a")):
        with pytest.raises(Conflict, match="'mine': there is another of this id"):
            room("store_discovery", who, discovery_id="mine", summary=summary)


def test_a_discovery_has_the_state_that_its_agent_was_in(room):
    """Governance's own EISV, of the check-in that came last."""
    room("store_discovery", summary="before any check-in")
    room.rows(
        "INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256, recorded_at,"
        " received_at, late, energy, integrity, entropy, void, coherence, regime, health, risk,"
        " action, margin, nearest_edge, reason, warmth, clarity, stability, presence, state_json)"
        " SELECT identity_id, 'boot-0001', n, sha256('x'), now(), now(), n = 3, n / 10.0, .2, .3,"
        " .4, .5, 'STABLE', 'healthy', .1, 'proceed', 'tight', 'risk', '-', .1, .2, .3, .4, '{}'"
        "   FROM core.identities, generate_series(1, 3) AS n RETURNING 1"
    )
    found = room("store_discovery", summary="after")["discovery"]

    names = ("energy", "integrity", "entropy", "void", "coherence", "regime")
    assert tuple(found[name] for name in names) == (0.2, 0.2, 0.3, 0.4, 0.5, "STABLE")
    assert room.rows("SELECT energy FROM core.discoveries ORDER BY created_at LIMIT 1") == [(None,)]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": " \n\t"}, "summary"),
        ({"summary": "x" * 1001}, "summary"),
        ({"summary": "x", "details": "x" * 20_001}, "details"),
        ({"summary": "x", "tags": ["t" * 65]}, "tags"),
        ({"summary": "x", "tags": [""]}, "tags"),
        ({"summary": "x", "tags": ["two\nlines"]}, "tags"),
        ({"summary": "x", "tags": [f"t{n}" for n in range(33)]}, "tags"),
        ({"summary": "x", "type": "poem"}, "type"),
        ({"summary": "x", "confidence": 1.5}, "confidence"),
        ({"summary": "x", "response_to": "y"}, "response_to and response_type"),
        ({"summary": "x", "response_type": "extend"}, "response_to and response_type"),
        ({"summary": "x", "provenance": {"a": "x" * 4000}}, "provenance"),
        ({"summary": "x", "provenance": {"a": "\0"}}, "provenance"),
        ({"summary": "nul \0"}, "summary"),
        ({"summary": "x", "details": "nul \0"}, "details"),
        ({"summary": "x", "related_to": ["nowhere"]}, "related_to: no discovery 'nowhere'"),
        (
            {"summary": "x", "response_to": "nowhere", "response_type": "extend"},
            "response_to: no discovery 'nowhere'",
        ),
        ({"summary": "x", "colour": "red"}, "colour"),
    ],
)
def test_what_is_too_long_or_wrong_is_refused_whole(shared_room, told, said):
    """Never cut, never kept in part."""
    with pytest.raises(Refused, match=said):
        shared_room("store_discovery", "wrong", **told)

    assert shared_room.rows("SELECT 1 FROM core.discoveries WHERE agent_id = 'wrong'") == []


def test_the_longest_that_may_be_told_is_kept_whole(room):
    """In characters, not in bytes."""
    told = {"summary": "🜁" * 1000, "details": "🜁" * 20_000, "tags": ["🜁" * 64]}
    found = room("store_discovery", **told)["discovery"]

    assert {name: found[name] for name in told} == told


def test_an_update_changes_what_was_told_and_nothing_else(room):
    """Row, tags, links and graph; resolved from then on until it is open again."""
    other = room("store_discovery", summary="other")["discovery"]["discovery_id"]
    old = room("store_discovery", summary="old", details="d", tags=["a", "b"])["discovery"]
    mine = {"discovery_id": old["discovery_id"]}
    new = room("update_discovery", **mine, status="resolved", tags=["b", "c"], related_to=[other])

    changed = {"status", "tags", "related_to", "updated_at", "resolved_at"}
    assert {k for k, v in new["discovery"].items() if v != old[k]} == changed
    assert room.graph()[1] == sorted([
        ("DISCOVERED", "lumen", other, {}), ("DISCOVERED", "lumen", old["discovery_id"], {}),
        ("HAS_TAG", old["discovery_id"], "b", {}), ("HAS_TAG", old["discovery_id"], "c", {}),
        ("RELATED_TO", old["discovery_id"], other, {}),
    ])  # fmt: skip
    again = room("update_discovery", **mine, status="open", summary="new", severity="low")
    assert (again["discovery"]["resolved_at"], again["discovery"]["summary"]) == (None, "new")
    told = next(p for _, p in room.graph()[0] if p.get("id") == old["discovery_id"])
    assert (told["status"], told["summary"], told["severity"]) == ("open", "new", "low")
    events = room.rows(
        "SELECT payload->'keys' FROM audit.events WHERE event_type = 'discovery_updated'"
        " ORDER BY recorded_at"
    )
    assert events == [(["related_to", "status", "tags"],), (["severity", "status", "summary"],)]


def test_only_its_finder_or_an_operator_changes_a_discovery(room):
    """And what is not there is not found."""
    mine = room("store_discovery", summary="a")["discovery"]["discovery_id"]
    theirs = room("store_discovery", "ember", summary="b")["discovery"]["discovery_id"]

    with pytest.raises(Forbidden, match="was found by 'lumen'"):
        room("update_discovery", "ember", AGENT_ONLY, discovery_id=mine, status="archived")
    with pytest.raises(Forbidden, match="was found by 'lumen'"):
        room("supersede_discovery", "ember", AGENT_ONLY, discovery_id=mine, superseded_by=theirs)
    with pytest.raises(NotFound, match="no discovery 'gone'"):
        room("update_discovery", discovery_id="gone", status="open")
    with pytest.raises(Refused, match="nothing is to change"):
        room("update_discovery", discovery_id=mine)
    with pytest.raises(Refused, match="is the discovery itself"):
        room("update_discovery", discovery_id=mine, related_to=[mine])

    assert room.rows("SELECT DISTINCT status FROM core.discoveries") == [("open",)]
    done = room("update_discovery", "ember", ALL, discovery_id=mine, status="archived")
    assert done["discovery"]["status"] == "archived"


def test_a_discovery_takes_anothers_place_once_and_in_no_circle(room):
    """In rows and graph; the same again changes nothing more."""
    a, b, c = (room("store_discovery", summary=n)["discovery"]["discovery_id"] for n in "abc")
    done = room("supersede_discovery", discovery_id=a, superseded_by=b)

    assert (done["discovery"]["status"], done["discovery"]["superseded_by"]) == ("archived", b)
    assert room("get_discovery", discovery_id=b)["supersedes"] == [a]
    room("supersede_discovery", discovery_id=b, superseded_by=c)
    room("supersede_discovery", discovery_id=b, superseded_by=c)
    took = {"supersedes": True}
    ties = [edge for edge in room.graph()[1] if edge[0] == "RELATED_TO"]
    assert ties == sorted([("RELATED_TO", b, a, took), ("RELATED_TO", c, b, took)])
    for old, new, said in (
        (c, a, "took its place"), (c, b, "took its place"), (a, c, "is superseded by"),
        (a, a, "its own place"), (c, "gone", "no discovery 'gone'"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            room("supersede_discovery", discovery_id=old, superseded_by=new)
    assert room("knowledge_stats")["superseded"] == 2


def test_two_that_supersede_each_other_at_once_make_no_circle(room):
    """One of them is refused."""
    a, b = (room("store_discovery", summary=n)["discovery"]["discovery_id"] for n in "ab")

    async def both(call):
        return await asyncio.gather(
            call("supersede_discovery", discovery_id=a, superseded_by=b),
            call("supersede_discovery", discovery_id=b, superseded_by=a),
            return_exceptions=True,
        )

    said = room.run(both)

    assert sorted(isinstance(each, Conflict) for each in said) == [False, True]


def test_stores_with_the_same_tags_and_agents_at_once_never_wait_for_ever(room):
    """Whatever order they name them in."""
    tags = [f"t{n}" for n in range(20)]

    async def storm(call):
        return await asyncio.gather(*(
            call("store_discovery", f"agent{n % 3}", summary="s", tags=tags[:: -1 if n % 2 else 1])
            for n in range(7)
        ))  # fmt: skip

    room.run(storm)
    room.run(storm)

    assert room("knowledge_stats")["graph_agrees"]
    assert room.rows('SELECT count(*) FROM governance_graph."Tag"') == [(20,)]


def test_each_change_is_one_event_in_table_and_file(room):
    """Store, update, supersede; the first one of an agent makes it known."""
    a, b = (room("store_discovery", summary=n)["discovery"]["discovery_id"] for n in "ab")
    room("update_discovery", discovery_id=b, status="resolved")
    room("supersede_discovery", discovery_id=a, superseded_by=b)

    told = [json.loads(line) for line in room.path.read_text().splitlines()]
    told = [each for each in told if each["event_type"] != "trail_opened"]
    kinds = ["identity_created", "discovery_stored", "discovery_stored", "discovery_updated",
             "discovery_superseded"]  # fmt: skip
    assert [each["event_type"] for each in told] == kinds
    assert told[-1]["payload"] == {"discovery_id": a, "superseded_by": b}
    query = (
        "SELECT event_type FROM audit.events WHERE event_type <> 'trail_opened'"
        " ORDER BY recorded_at"
    )
    assert room.rows(query) == [(kind,) for kind in kinds]
