"""What the door lets in, and the sentence for what it does not."""

import json
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.bridge.body import _slowly, decode, read, read_check_in
from apps.bridge.refusals import Malformed
from schemas.bridge import CheckIn
from schemas.errors import HouseError, Refused

SEED = """{
  "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
  "eisv": {"E": 0.4, "I": 0.8, "S": 0.1, "V": 0.08},
  "sensor_data": {
    "cpu_temp_c": 53.0, "humidity_pct": 20.0, "light_lux": 424.8,
    "drawing_eisv": {"E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47,
                     "marks": 142, "phase": "building", "era": "expressive"}
  },
  "identity": {"awakenings": 2052, "alive_seconds": 1234567}
}"""


def test_the_seeds_message_is_taken_as_it_stands():
    """The literal text of the first seed."""
    assert read(CheckIn, SEED, "check-in").sensor_data.light_lux == 424.8


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        (b'{"a": 1, "a": 2}', "'a' is there twice"),
        (b'{"a": {"b": 1, "b": 1}}', "'b' is there twice"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"[" * 17 + b"]" * 17, "nested deeper than 16"),
        (b"[" * 30_000, "nested deeper than 16"),
        (b'{"a": }', "not JSON at character 6"),
        (b"", "not JSON"),
    ],
)
def test_what_is_not_our_json_is_malformed(body, said):
    """Each is refused with what is wrong and where."""
    with pytest.raises(Malformed, match="check-in: ") as caught:
        decode(body, "check-in")

    assert said in caught.value.message


def test_brackets_in_text_are_not_depth():
    """Only structure nests."""
    assert decode(json.dumps({"a": "[" * 50 + '\\"{'}), "x") == {"a": "[" * 50 + '\\"{'}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"anima": {"warmth": 1.2}}, "anima/warmth: 1.2 is above 1"),
        ({"anima": {"warmth": "0.4"}}, "anima/warmth"),
        ({"anima": {"warmth": True}}, "anima/warmth"),
        ({"sensor_data": {"cpu_temp_c": 999}}, "sensor_data/cpu_temp_c: 999 is above 125"),
        ({"boot_id": "0123456789"}, "boot_id and seq belong together"),
        ({"recorded_at": "2026-01-01T00:00:00"}, "recorded_at"),
        ({"contract": 4}, "contract"),
        ({"agent": "no spaces"}, "agent"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(change, said):
    """Path first, then what is wrong; numbers in quotes are not numbers."""
    message = json.loads(SEED)
    for key, value in change.items():
        message[key] = {**message[key], **value} if isinstance(value, dict) else value

    with pytest.raises(Refused, match="check-in: ") as caught:
        read(CheckIn, json.dumps(message), "check-in")

    assert said in caught.value.message


def test_an_unknown_key_is_refused_with_a_guess():
    """A misspelt block would otherwise be lost in silence."""
    message = json.loads(SEED)
    message["sensor_data"]["drawing_eisvv"] = message["sensor_data"].pop("drawing_eisv")

    with pytest.raises(Refused) as caught:
        read(CheckIn, json.dumps(message), "check-in")

    assert "unknown key 'drawing_eisvv'" in caught.value.message
    assert caught.value.hint == "did you mean 'drawing_eisv'?"


def test_a_time_with_an_offset_is_held_in_utc():
    """The Pi may say +02:00."""
    message = {**json.loads(SEED), "recorded_at": "2026-02-20T12:00:00+02:00"}
    taken = read(CheckIn, json.dumps(message), "check-in")

    assert taken.recorded_at == datetime(2026, 2, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_outside_the_calendar_is_refused(at):
    """It has no UTC; it was an OverflowError."""
    with pytest.raises(Refused, match="recorded_at: is not in the calendar"):
        read(CheckIn, json.dumps({**json.loads(SEED), "recorded_at": at}), "check-in")


def slowly(body):
    """The check-in, looked at twice; or why not."""
    try:
        carefully(body)
        return read(CheckIn, body, "check-in")
    except HouseError as error:
        return str(error)


def quickly(body):
    """The same by the way that the door takes."""
    try:
        said, told = read_check_in(body)
    except HouseError as error:
        return str(error)
    assert said.told() == told
    return said


@pytest.mark.parametrize(
    "body",
    [
        SEED.replace('"light_lux": 424.8', '"light_lux": 1, "light_lux": 2'),
        SEED.replace('"light_lux": 424.8', '"light_lux" : 1, "light_lux" : 2'),
        SEED.replace('"E": 0.7', '"E" : 0.7').replace('"marks": 142', '"marks": 1, "marks": 2'),
        SEED.replace('"expressive"', '"a\\ud800"'),
        SEED.replace('"expressive"', '": \\" :"'),
        SEED.replace('"anima"', '"\\u0061nima"'),
        SEED.replace("424.8", "1e999"),
        SEED.replace("424.8", "NaN"),
        SEED.replace("142", "142.0"),
        SEED.replace("142", "1" * 400),
        "\ufeff" + SEED,
    ],
)
def test_the_quick_way_takes_and_refuses_what_the_slow_way_does(body):
    """In the same words."""
    assert quickly(body.encode()) == slowly(body.encode())


BYTES = st.sampled_from([b'"', b":", b",", b"{", b"}", b"\\", b" ", b"\\u0041", b"0", b"\xff", b""])


@given(place=st.integers(0, len(SEED) - 1), more=BYTES, gone=st.integers(0, 3))
def test_whatever_is_mutated_both_ways_agree(place, more, gone):
    """A few bytes more or less, anywhere."""
    body = SEED.encode()
    body = body[:place] + more + body[place + gone :]

    assert quickly(body) == slowly(body)
    assert outcome(partial(decode, where="x"), body) == outcome(carefully, body)


def carefully(body):
    """The value by the way that says what is wrong."""
    return _slowly(body, "check-in")


def outcome(way, body):
    """The value, with its kind of each number, or that there is none."""
    try:
        return repr(way(body))
    except HouseError as error:
        return type(error)


@pytest.mark.parametrize(
    "body", ['{"a": 1e999}', '{"a": 1' + "0" * 400 + ".0}", '["Infinity"]', '{"a": -0.0, "b": 1E5}',
             '{"a": 1, "a": 1}', "[" * 17 + "]" * 17, '{"a": 123456789012345678901234567890}',
             '{"": ""}', '"\\""', '{"a": "\\ud800"}', " [1 , 2.50 ]\n", "1" * 5_000, "[1,]", ""]
)  # fmt: skip
def test_a_value_is_the_same_by_either_way(body):
    """Or none, by both."""
    assert outcome(partial(decode, where="x"), body.encode()) == outcome(carefully, body.encode())
