"""What was stored is found: by words, by what resembles them, by tags, links and answers."""

from contextlib import suppress

import pytest

from schemas.errors import Refused

TOLD = (
    ("lumen", {"summary": "Coherence drops at cold start", "tags": ["cold-start", "coherence"],
               "details": "The first cycle drops coherence to 0.498. " * 40}),
    ("lumen", {"summary": "The canvas remembers", "tags": ["canvas"], "type": "insight",
               "details": "Marks are kept although coherence is not mentioned in the summary."}),
    ("ember", {"summary": "Is the light sensor lying?", "tags": ["sensor"], "type": "question",
               "severity": "high"}),
    ("ember", {"summary": "<b>Bold «coherence»</b> & 'quotes'", "tags": ["sensor", "canvas"],
               "type": "bug_found"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def told(shared_room):
    """A few discoveries; gives a function that searches and gives the summaries it found."""
    for number, (who, said) in enumerate(TOLD):
        shared_room("store_discovery", who, discovery_id=f"d{number}", **said)

    def ids(**asked):
        found = shared_room("search_discoveries", **asked)
        return found["matched"], [hit["discovery_id"] for hit in found["hits"]]

    return ids


def test_words_are_found_in_their_other_forms_the_best_first(told):
    """English; a word of the summary weighs more than one of the details."""
    assert told(query="dropping") == ("text", ["d0"])
    matched, found = told(query="coherence")

    assert matched == "text"
    assert found[0] in {"d0", "d3"}
    assert found[-1] == "d1"
    assert set(found) == {"d0", "d1", "d3"}


def test_a_search_is_written_as_for_the_web(told):
    """Phrases, alternatives and what must not be there."""
    assert told(query='"cold start"', match="text")[1] == ["d0"]
    assert told(query='"start cold"', match="text")[1] == []
    assert set(told(query="canvas or sensor", match="text")[1]) == {"d1", "d2"}
    assert told(query="coherence -bold -remembers", match="text")[1] == ["d0"]


def test_what_matched_is_shown(shared_room, told):
    """In the summary and around the places in the details, which may be long."""
    [hit] = shared_room("search_discoveries", query="0.498")["hits"]

    assert hit["headline"] == "Coherence drops at cold start"
    assert "«0.498»" in hit["excerpt"]
    assert len(hit["excerpt"]) < 700
    assert 0 < hit["score"] < 1
    [hit] = shared_room("search_discoveries", query="remembers")["hits"]
    assert hit["headline"] == "The canvas «remembers»"


def test_a_typing_error_is_forgiven(told):
    """In a summary and in a tag; when words find nothing, or when it is asked for."""
    assert told(query="cohernce drps")[0] == "fuzzy"
    assert told(query="cohernce")[1][0] in {"d0", "d3"}
    assert told(query="remembres", match="fuzzy") == ("fuzzy", ["d1"])
    assert set(told(query="sensr")[1]) == {"d2", "d3"}
    assert told(query="cohernce", match="text") == ("text", [])
    assert told(query="zzzzqqqq") == ("fuzzy", [])


def test_a_search_can_be_narrowed(told):
    """By finder, kind, status, severity and all of several tags; without words the newest first."""
    assert told() == ("newest", ["d3", "d2", "d1", "d0"])
    assert told(found_by="ember")[1] == ["d3", "d2"]
    assert told(tags=["sensor", "canvas"])[1] == ["d3"]
    assert told(tags=["sensor"], type="question", severity="high", status="open")[1] == ["d2"]
    assert told(query="coherence", found_by="ember")[1] == ["d3"]
    assert told(query="cohernce", found_by="ember") == ("fuzzy", ["d3"])
    assert told(status="archived")[1] == []


def test_more_are_told_of_and_come_with_the_next_question(shared_room, told):
    """Every discovery once."""
    pages = [shared_room("search_discoveries", limit=2, offset=n) for n in (0, 2)]

    assert [page["more"] for page in pages] == [True, False]
    assert [h["discovery_id"] for page in pages for h in page["hits"]] == ["d3", "d2", "d1", "d0"]


def test_what_was_superseded_is_found_only_when_asked_for(room):
    """Its place was taken."""
    for name in "ab":
        room("store_discovery", discovery_id=name, summary="the same words")
    room("supersede_discovery", discovery_id="a", superseded_by="b")

    def found(**asked):
        hits = room("search_discoveries", **asked)["hits"]
        return sorted(hit["discovery_id"] for hit in hits)

    assert [found(query="words"), found(query="wrds"), found()] == [["b"]] * 3
    assert found(query="words", superseded=True) == found(superseded=True) == ["a", "b"]


HOSTILE = (
    "'", '"', "\\", "$$", "$q$", "%", "%s", "%(query)s", "&", "|", "!", "<->", ":*", "()", "''''",
    "a & | b", "!!!a", "'; DROP TABLE core.discoveries; --", "\\'; COMMIT; --", "the of and",
    "FROM pg_read_file('/etc/passwd')", "$q$, $1) AS (r agtype); DELETE", "🜁", "\u202e",
    '"unclosed', "a" * 500, "( " * 250, '"' * 500, "a or " * 100,
)  # fmt: skip


@pytest.mark.parametrize("match", ["auto", "text", "fuzzy"])
def test_hostile_terms_find_little_and_break_nothing(shared_room, told, match):
    """Each is an answer, however it is looked for."""

    async def every(call):
        return [await call("search_discoveries", query=each, match=match) for each in HOSTILE]

    assert all(isinstance(said["hits"], list) for said in shared_room.run(every))
    assert told()[1] == ["d3", "d2", "d1", "d0"]


@pytest.mark.parametrize("query", ["", " ", "\n\t", "a" * 501, "a" * 10_000, "a\0b"])
def test_empty_and_endless_terms_are_refused(shared_room, query):
    """With the name of what is wrong."""
    with pytest.raises(Refused, match="query"):
        shared_room("search_discoveries", query=query)


@pytest.mark.parametrize("query", ["- " * 250, "-a " * 160, "or " * 160])
def test_terms_that_postgres_finds_too_complex_are_refused_or_answered(shared_room, told, query):
    """Never a fault of ours."""
    with suppress(Refused):
        shared_room("search_discoveries", query=query)
    assert told(query="remembers")[1] == ["d1"]


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"tags": [""]}])
def test_a_search_out_of_bounds_is_refused(shared_room, asked):
    """Nothing is made to fit."""
    with pytest.raises(Refused, match=next(iter(asked))):
        shared_room("search_discoveries", **asked)


def test_relations_are_by_tags_by_links_or_by_both(room):
    """Links count one each, tags what share of all they are; each way round has its word."""
    room("store_discovery", discovery_id="a", summary="a", tags=["x", "y"])
    room("store_discovery", discovery_id="b", summary="b", tags=["x", "y", "z"], related_to=["a"])
    room(
        "store_discovery", discovery_id="c", summary="c", tags=["z"],
        response_to="a", response_type="support",
    )  # fmt: skip
    room("store_discovery", discovery_id="d", summary="d", tags=["x"])
    room("store_discovery", discovery_id="e", summary="e")
    room("supersede_discovery", discovery_id="e", superseded_by="a")

    def of(which, **asked):
        found = room("related_discoveries", discovery_id=which, **asked)["related"]
        return {
            r["discovery_id"]: (r["shared_tags"], r["ties"], round(r["score"], 3)) for r in found
        }

    assert of("a") == {
        "b": (["x", "y"], ["related_from"], 1.667),
        "c": ([], ["response"], 1),
        "e": ([], ["supersedes"], 1),
        "d": (["x"], [], 0.5),
    }
    assert list(of("a", by="tags")) == ["b", "d"]
    assert set(of("a", by="links")) == {"b", "c", "e"}
    assert len(of("a", limit=1)) == 1
    assert of("c", by="links") == {"a": ([], ["responds_to"], 1)}
    assert of("b", by="links") == {"a": ([], ["related_to"], 1)}
    assert of("e") == {"a": ([], ["superseded"], 1)}


def test_a_conversation_is_told_from_its_beginning(room):
    """From any of its discoveries, each after what it answers."""
    room("store_discovery", discovery_id="root", summary="root")
    for name, to, kind in (
        ("q", "root", "question"), ("e", "root", "extend"), ("a", "q", "support"),
        ("other", "a", "disagree"),
    ):  # fmt: skip
        room("store_discovery", discovery_id=name, summary=name, response_to=to, response_type=kind)
    room("store_discovery", discovery_id="alone", summary="alone")

    for asked in ("root", "e", "other"):
        chain = room("response_chain", discovery_id=asked)
        assert (chain["root"], chain["more"], chain["circular"]) == ("root", False, False)
        assert [(x["discovery_id"], x["depth"], x["response_type"]) for x in chain["links"]] == [
            ("root", 0, None), ("q", 1, "question"), ("e", 1, "extend"), ("a", 2, "support"),
            ("other", 3, "disagree"),
        ]  # fmt: skip
    assert [x["discovery_id"] for x in room("response_chain", discovery_id="alone")["links"]] == [
        "alone"
    ]
    short = room("response_chain", discovery_id="a", limit=2)
    assert ([x["discovery_id"] for x in short["links"]], short["more"]) == (["root", "q"], True)


def test_a_circle_of_answers_is_gone_round_once(room):
    """An import may bring one; it has no end to find."""
    for name in "abc":
        room("store_discovery", discovery_id=name, summary=name)
    room.rows(
        "UPDATE core.discoveries SET response_type = 'extend', response_to ="
        " (ARRAY['b', 'c', 'a'])[ascii(discovery_id) - 96] RETURNING 1"
    )

    for asked in "abc":
        chain = room("response_chain", discovery_id=asked)
        assert (chain["root"], chain["circular"]) == ("a", True)
        assert [x["discovery_id"] for x in chain["links"]] == ["a", "c", "b"]


@pytest.mark.parametrize(
    "tool", ["get_discovery", "related_discoveries", "response_chain"], ids=str
)
def test_of_what_is_not_there_nothing_is_told(shared_room, tool):
    """With the words that help."""
    with pytest.raises(Refused, match="no discovery 'gone'"):
        shared_room(tool, discovery_id="gone")
