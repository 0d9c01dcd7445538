"""What goes out: by its contract, nothing of what a person wrote, each message once to each."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from pydantic import TypeAdapter, ValidationError
from websockets.frames import Frame

from apps.soulfra.feed import Page, Told
from apps.soulfra.live.ring import Ring, framed
from apps.soulfra.log import Place
from schemas.soulfra.events import NEWEST
from schemas.soulfra.live import CONTRACT, FACTS, KEYS, Fact, Message, StreamName
from schemas.soulfra.log import EventType

CONTRACTS = Path(__file__).parents[3] / "schemas" / "soulfra" / "contracts"
PERSONAL = {"whisper", "text", "username", "email", "name", "mythology", "archetype", "reason"}
AT = datetime(2026, 11, 29, 20, tzinfo=UTC)
EXAMPLES = {
    EventType.LOOP_CREATED: {
        "creator_id": "00000000-0000-4000-8000-000000000001", "agent_id": "oracle",
        "whisper": "s1.my-secret-of-twenty-letters", "tone": "joy",
        "created_at": "2026-11-29T20:00:00Z",
    },
    EventType.LOOP_FORKED: {
        "creator_id": "00000000-0000-4000-8000-000000000001", "agent_id": "oracle", "parent": "a",
        "depth": 1, "tone": "joy", "created_at": "2026-11-29T20:00:00Z",
    },
    EventType.BLESSING_GRANTED: {
        "blessing_id": 1, "voting_id": "v", "loop_created_at": "2026-11-29T20:00:00Z",
        "blessed_by": "oracle", "blessing_type": "open", "consensus_score": 0.75,
    },
    EventType.CLUSTER_FORMED: {
        "name": "my secret", "mythology": "my secret",
        "loops": [{"loop_id": "a", "created_at": "2026-11-29T20:00:00Z"}],
    },
}  # fmt: skip


def told(number, of=EventType.LOOP_CREATED):
    """An event as it goes out."""
    said = NEWEST[of].model_validate(EXAMPLES[of]).model_dump(mode="json")
    data = json.dumps(FACTS[of].told(f"x-{number}", said)).encode()
    return Told(Place(number // 3 + 1, number), FACTS[of].stream, of, AT, data)


def test_the_contract_stays_as_it_was_written():
    """A shape that is released is not changed: make a new number."""
    written = json.loads((CONTRACTS / f"live-{CONTRACT}.schema.json").read_text())
    assert Message.model_json_schema(mode="serialization") == written


def test_each_stream_of_the_guide_has_a_name():
    """And each name a stream."""
    assert {name.key.pattern for name in StreamName} == {
        "events:loop:created", "events:blessing:granted", "events:cluster:formed",
    }  # fmt: skip
    assert {fact.stream for fact in FACTS.values()} == set(StreamName) == set(KEYS)


@pytest.mark.parametrize("fact", FACTS.values(), ids=str)
def test_no_field_is_what_a_person_wrote(fact):
    """By its name, and by its type: ids, numbers, instants, words of ours."""
    assert not PERSONAL & set(fact.model_fields)
    schema = json.dumps(TypeAdapter(fact).json_schema())
    for field in json.loads(schema)["properties"].values():
        is_text = field.get("type") == "string"
        assert not is_text or "pattern" in field or "format" in field or "enum" in field, field


@pytest.mark.parametrize("of", FACTS, ids=str)
def test_only_what_is_declared_goes_out(of):
    """An event may say more."""
    assert set(EXAMPLES) == set(FACTS)
    said = NEWEST[of].model_validate(EXAMPLES[of]).model_dump(mode="json") | {"later": "my secret"}
    data = FACTS[of].told("x", said)
    message = told(1, of).message.decode()

    assert set(data) == set(FACTS[of].model_fields)
    assert "secret" not in json.dumps(data) + message
    assert len(message) < 1_000
    read = Message.model_validate_json(message)
    assert (read.type, read.stream, type(read.data)) == (of, FACTS[of].stream, FACTS[of])
    assert isinstance(read.data, Fact)


def test_a_message_is_of_one_kind():
    """A fork's data is not a whisper's."""
    message = json.loads(told(1).message)
    for wrong in ({"type": "cluster_formed"}, {"stream": "cluster:formed"}, {"more": 1}):
        with pytest.raises(ValidationError):
            Message.model_validate(message | wrong)


def read(frames):
    """The messages of some frames of a server."""
    ids = []
    while frames:
        size, head = frames[1], 2
        if size == 126:
            size, head = int.from_bytes(frames[2:4]), 4
        ids.append(json.loads(frames[head : head + size])["id"])
        frames = frames[head + size :]
    return ids


def test_a_frame_is_as_a_server_makes_it():
    """Whole, and not masked."""
    one = told(1)
    assert read(framed(one)) == [str(one.place)]
    assert framed(one) == Frame(1, one.message).serialize(mask=False)


@pytest.mark.parametrize("seed", range(30))
def test_whoever_stays_in_the_ring_misses_nothing(seed):
    """At any pace, of any streams; who falls out can tell."""
    chance = Random(seed)
    ring, number, log = Ring(Place(0, 0), 40, 20_000), 0, []
    streams = frozenset(chance.sample(list(StreamName), 2))
    place, had, fell = Place(0, 0), [], 0

    def wanted(until):
        return [str(one.place) for one in log if one.stream in streams and one.place <= until]

    for _ in range(300):
        some = [told(number + n, chance.choice(list(FACTS))) for n in range(chance.randint(0, 6))]
        number += len(some) + 1  # of one more nothing is told
        log += some
        ring.add(Page(some, told(number - 1).place, AT, len(some) + 1))
        if place < ring.since:
            fell += 1
            place, had = ring.since, wanted(ring.since)
        if chance.random() < 0.3:
            frames, place = ring.after(place, streams, chance.choice([1, 300, 10**6]))
            had += read(frames)
            assert had == wanted(place)
    assert fell < 300
    frames, place = ring.after(place, streams, 10**6)
    assert had + read(frames) == wanted(ring.until)
    assert place == ring.until


def test_a_ring_is_bounded():
    """In messages, and in bytes; what was forgotten is known."""
    few, small = Ring(Place(0, 0), 5), Ring(Place(0, 0), 1_000, 900)
    for ring in (few, small):
        for number in range(1, 50):
            ring.add(Page([told(number)], told(number).place, AT, 1))
    assert few.since == told(44).place
    frames, place = few.after(few.since, frozenset(StreamName), 10**6)
    assert (read(frames)[0], place) == (str(told(45).place), told(49).place)
    assert 1 <= len(read(small.after(small.since, frozenset(StreamName), 10**6)[0])) <= 4
