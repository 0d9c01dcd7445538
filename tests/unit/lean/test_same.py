"""The Pi's process judges every input as pydantic does, and tells every value as it does."""

import json
import sys
from datetime import datetime

import pytest

from apps import lean
from schemas.errors import Diverged
from tests.unit.lean.worlds import LEAN, REAL, Maker

INSTANTS = {
    name
    for model in REAL.values()
    for name, said in model.model_json_schema()["properties"].items()
    if "date-time" in str(said)
}
INPUTS = 300
"""Per model: a third as the schema wants it, the rest spoilt once or more; more, until..."""
FEW = 5
"""...at least so many were taken and so many refused."""


def judged(model, value):
    """What came of it: the model told as JSON, or where it is wrong."""
    try:
        made = model.model_validate(value)
    except ValueError as error:
        return None, sorted(
            {(str(each["loc"][0]) if each["loc"] else "") for each in error.errors()}
        )
    return json.loads(made.model_dump_json(exclude_none=False)), made


def same(told) -> object:
    """JSON with instants as instants: both are right about a Z or +00:00."""
    if isinstance(told, dict):
        return {key: same(value) for key, value in told.items()}
    if isinstance(told, list):
        return [same(value) for value in told]
    if isinstance(told, str) and told[4:5] == "-" and told[10:11] == "T":
        return datetime.fromisoformat(told)
    return told


def has_a_number_for_an_instant(value, key="") -> bool:
    """Seconds, to pydantic; nothing on the Pi says an instant so, and there it is refused."""
    if isinstance(value, dict):
        return any(has_a_number_for_an_instant(each, name) for name, each in value.items())
    if isinstance(value, list):
        return any(has_a_number_for_an_instant(each, key) for each in value)
    is_number = isinstance(value, (int, float)) or value in {"0.5", "2026-11-29"}
    return is_number and key in INSTANTS


def test_it_knows_the_same_models():
    """None is left out, and none has other fields."""
    assert set(LEAN) == set(REAL)
    assert len(REAL) > 20
    for name, model in REAL.items():
        assert list(LEAN[name].model_fields) == list(model.model_fields), name


@pytest.mark.parametrize("name", sorted(REAL))
def test_it_takes_and_refuses_what_pydantic_does(name):
    """Lax where it is lax, closed where it is closed, wrong in the same fields."""
    maker = Maker(7, REAL[name].model_json_schema())
    seen = {True: 0, False: 0}
    for number in range(20 * INPUTS):
        if number >= INPUTS and min(seen.values()) >= FEW:
            break
        value = maker.make()
        for _ in range(number % 3):
            value = maker.spoil(value)
        real, lean_ = judged(REAL[name], value), judged(LEAN[name], value)
        if has_a_number_for_an_instant(value):
            continue
        assert (real[0] is None) == (lean_[0] is None), (value, real, lean_)
        if real[0] is None:
            assert lean_[1] == real[1], value
        else:
            assert same(lean_[0]) == same(real[0]), value
            assert lean_[1].model_fields_set == real[1].model_fields_set
            for more in ({"exclude_none": True}, {"exclude_unset": True}):
                told = [json.loads(each[1].model_dump_json(**more)) for each in (lean_, real)]
                assert same(told[0]) == same(told[1])
        seen[real[0] is None] += 1
    assert min(seen.values()) >= FEW, seen


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'{"warmth": NaN}', b"\xff", b'{"warmth":1}', b"[" * 100_000,
     b"\xef\xbb\xbf{}",
     '{"warmth":1,"clarity":1,"stability":1,"presence":1}'.encode("utf-16"),
     b'{"warmth": 1, "clarity": 0.5, "stability": 0, "presence": "0.25"}'],
)  # fmt: skip
def test_json_is_read_alike(text):
    """What is no JSON is refused by both, and what is one is the same."""
    outcomes = []
    for world in (REAL, LEAN):
        try:
            made = world["schemas.eisv.Anima"].model_validate_json(text)
            outcomes.append(made.model_dump())
        except ValueError as error:
            outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("reason", [r"\ud800", r"\uD800 x", r"\ud83d\ude00", r"\\ud800", r"\u0000"])
def test_half_a_character_is_no_text(reason):
    """Nothing could be written down of it, a pause least of all."""
    text = b'{"creature_id": "lumen", "born_at": "2026-11-29T00:00:00Z", "name": "%s"}'
    outcomes = []
    for world in (REAL, LEAN):
        model = world["schemas.anima.tables.Identity"]
        try:
            outcomes.append(model.model_validate_json(text % reason.encode()).name)
        except ValueError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


def test_a_model_is_frozen_and_equal_by_value():
    """As a value is."""
    Anima = LEAN["schemas.eisv.Anima"]
    one, other = (Anima(warmth=0.1, clarity=0.2, stability=0.3, presence=0.4) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one.model_copy(update={"warmth": 0.9}) != one
    with pytest.raises(ValueError, match="frozen"):
        one.warmth = 0.5


def test_two_of_them_in_one_process_are_refused():
    """Half a world of each would be neither."""
    assert "pydantic" in sys.modules
    with pytest.raises(Diverged, match="imported already"):
        lean.stand_in()
