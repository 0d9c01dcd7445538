"""A released contract is a promise: its schemas, its golden messages, and who is held to them."""

import json
import shutil
from hashlib import sha256

import pytest
from pydantic import ValidationError

from apps.bridge import contract
from apps.bridge.body import read
from apps.bridge.client import Accepted, Unintelligible, _in_contract, _verdict
from apps.bridge.refusals import NotSpoken
from apps.bridge.web import refusal
from schemas.bridge import CHECK_IN_SINCE, CONTRACT, RELEASED, CheckIn, Verdict
from schemas.errors import Refused

FROZEN = {
    "1/body-sha256.json": "925cad965fcf32b835471ca83755c71b",
    "1/check-in.full.json": "45f2dbf74b3d8d28963285ada85c508f",
    "1/check-in.highest.json": "875328cef731aa8e1c46d6b28b7336db",
    "1/check-in.lowest.json": "4a0d55e424a2578d8464900672933528",
    "1/check-in.minimal.json": "d825204c0403f4e1f247a2721ee24b57",
    "1/check-in.schema.json": "76381d439913a9d62a8f429402014925",
    "1/check-in.seed.json": "6390d08f596041e972f921ac5ca4b07c",
    "1/refusal.contract.json": "17b9c939d349e9372f0d934124950c59",
    "1/verdict.pause.json": "863d551fd57a7fb54d6732009762abb6",
    "1/verdict.proceed.json": "21dc60099222397b7685fb35cb4f330a",
    "1/verdict.repeated.json": "0b88d05e6bd1bac9c5be80371f6f891a",
    "1/verdict.schema.json": "f4504d8164dc86d78d1aabb6126355b3",
    "2/check-in.full.json": "7b7e275d9d237406333be091a166bfb7",
    "2/check-in.highest.json": "621d0dbe4a97646b2834efb31e5e541b",
    "2/check-in.lowest.json": "6bb9b1821e794a10ec7e29983e5dec13",
    "2/check-in.minimal.json": "8d611282dca421c7319ab6baca2d9df0",
    "2/check-in.schema.json": "68d28050db20328fb406f707abf005ce",
    "2/check-in.seed.json": "6ee7bb18bc6b8b86daa21b0608609e29",
    "2/refusal.contract.json": "99b2444dfb38041a1426cf7131341fa7",
    "2/verdict.pause.json": "293ce09dd229d10438da803c488697ea",
    "2/verdict.proceed.json": "78249cb3e288378474b2fda7e37c762a",
    "2/verdict.repeated.json": "256e2229fccaca8aa89a7198fcfcb1c8",
    "2/verdict.schema.json": "a3ee915121604e33554d34534cd7f616",
    "3/check-in.full.json": "9cfac60a7e2f5a1db4dc2ad99d1dc794",
    "3/check-in.highest.json": "d04a73050dfbdab607407809a2f878a1",
    "3/check-in.lowest.json": "31c32c9130f7b3f0ec22650108131548",
    "3/check-in.minimal.json": "c1b9b460b1c0f07c67feaf9ee75f99fb",
    "3/check-in.schema.json": "b46f26569ba643d94a5531657e873972",
    "3/check-in.seed.json": "9c2c5382659e59af5c392dd00b5dd226",
    "3/refusal.contract.json": "1d3bf60a7d2de6ca83cea06df2421add",
    "3/verdict.pause.json": "387f06b661fbc8a995fbbd80dfe88d00",
    "3/verdict.proceed.json": "4251f3220dfdab556175640c6482b6ab",
    "3/verdict.repeated.json": "3f4f0f929eabf507327d1f55166e92fa",
    "3/verdict.schema.json": "8bb6bd03932a1c991afb7fae2be9302d",
}
"""The first half of each released file's SHA-256. Nothing here ever changes; lines are added."""
CHECK_INS = [
    (n, name) for n in RELEASED for name in ("minimal", "seed", "full", "lowest", "highest")
]
VERDICTS = [(n, name) for n in RELEASED for name in ("proceed", "repeated", "pause")]


def test_every_released_contract_is_written_down(released):
    """And nothing that is not released."""
    assert released.RELEASED == RELEASED
    assert set(released.READERS) == set(RELEASED)
    assert max(RELEASED) == CONTRACT


def test_what_is_released_never_changes():
    """Not even by who changes model and file together."""
    found = {
        str(file.relative_to(contract.FOLDER)): sha256(file.read_bytes()).hexdigest()[:32]
        for file in sorted(contract.FOLDER.rglob("*.json"))
    }

    assert found == FROZEN, "make a new contract number instead"


def test_the_models_still_say_every_released_schema():
    """Red means: put the schema back and make a new contract number."""
    assert contract.differences() == []
    assert contract.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("1/check-in.schema.json", '"maximum": 125', '"maximum": 126'),
        ("1/verdict.schema.json", '"repeated"\n', '"repeated",\n    "late"\n'),
        ("2/check-in.schema.json", '"x-unit": "Cel"', '"x-unit": "K"'),
        ("2/verdict.schema.json", '"warning",', ""),
        ("3/check-in.schema.json", '"maxItems": 8', '"maxItems": 9'),
    ],
)
def test_a_changed_meaning_is_found_and_a_changed_word_is_not(tmp_path, file, old, new):
    """The path says where; the command never writes over what is released."""
    shutil.copytree(contract.FOLDER, tmp_path, dirs_exist_ok=True)
    place = tmp_path / file
    place.write_text(place.read_text().replace('"description": "', '"description": "Better: '))
    assert contract.differences(tmp_path) == []

    place.write_text(place.read_text().replace(old, new, 1))
    (found,) = contract.differences(tmp_path)
    assert found.startswith(f"{place}: /")
    assert contract.export(tmp_path) == []

    place.unlink()
    assert contract.differences(tmp_path) == [f"{place}: is missing"]
    assert contract.export(tmp_path) == [place]


def test_an_unknown_word_is_refused(capsys):
    """Three beats, exit 2."""
    assert contract.main(["--force"]) == 2
    assert "--force: unknown" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "name"), CHECK_INS)
def test_a_golden_check_in_is_taken_by_schema_and_door(released, number, name):
    """By those of its own contract, and no other Mac's schema."""
    body = released.golden(number, f"check-in.{name}")
    said = json.loads(body)

    assert not list(released.validator(number, "check-in").iter_errors(said))
    assert read(CheckIn, body, "check-in").contract == number
    for other in set(RELEASED) - {number}:
        assert list(released.validator(other, "check-in").iter_errors({"contract": number, **said}))


@pytest.mark.parametrize(("number", "name"), VERDICTS)
def test_a_golden_verdict_is_read_by_its_own_pi_and_by_ours(released, number, name):
    """A Pi of another contract does not take it for one of its own."""
    body = released.golden(number, f"verdict.{name}")

    assert not list(released.validator(number, "verdict").iter_errors(json.loads(body)))
    assert released.READERS[number].model_validate_json(body).action == json.loads(body)["action"]
    outcome = _verdict(body)
    assert isinstance(outcome, Accepted)
    assert json.loads(outcome.verdict.model_dump_json()) == json.loads(body)
    for other in set(RELEASED) - {number}:
        with pytest.raises(ValidationError):
            released.READERS[other].model_validate_json(body)


@pytest.mark.parametrize(("number", "name"), CHECK_INS)
def test_lowered_to_any_older_contract_it_says_the_same(released, number, name):
    """Schema, door and hash agree; what contract 1 knows is all still there."""
    body = released.golden(number, f"check-in.{name}")
    for older in RELEASED[: RELEASED.index(number) + 1]:
        lowered = _in_contract(body, older)
        assert not list(released.validator(older, "check-in").iter_errors(json.loads(lowered)))
        assert read(CheckIn, lowered, "x").said() == read(CheckIn, body, "x").said()


@pytest.mark.parametrize(("number", "name"), CHECK_INS)
def test_the_hash_is_the_one_that_contract_1_stored(released, number, name):
    """Rows written by the released server of contract 1 know their repeats for ever."""
    said = read(CheckIn, released.golden(number, f"check-in.{name}"), "check-in").said()
    stored = json.loads(released.golden(1, "body-sha256"))[name]

    assert sha256(said + b"|None").hexdigest() == stored


@pytest.mark.parametrize("number", RELEASED)
def test_a_part_that_is_null_is_said_too(released, number):
    """It was a TypeError when a later contract had a name for something in it."""
    said = json.loads(released.golden(number, "check-in.full"))
    body = json.dumps({**said, "pi": None, "identity": None})

    assert json.loads(read(CheckIn, body, "x").said())["pi"] is None


@pytest.mark.parametrize(
    ("older", "newer", "where"),
    [(1, 2, "pi/schema_version"), (1, 3, "pi/schema_version"), (2, 3, "monotonic_seconds")],
)
def test_what_came_later_is_unknown_before(released, older, newer, where):
    """A check-in of contract 1 is refused a field of contract 2, as its own server refuses it."""
    body = json.dumps({**json.loads(released.golden(newer, "check-in.full")), "contract": older})

    with pytest.raises(Refused, match=f"{where}: unknown in contract {older}"):
        read(CheckIn, body, "check-in")


@pytest.mark.parametrize(("part", "name"), [key for key, n in CHECK_IN_SINCE.items() if n == 3])
def test_no_field_of_contract_3_is_known_in_2(released, part, name):
    """Each alone; with the wrong number it is refused, and its absence changes no hash."""
    full = json.loads(released.golden(3, "check-in.full"))
    two = json.loads(_in_contract(json.dumps(full).encode(), 2))
    inner = two[part] if part else two
    inner[name] = (full[part] if part else full)[name]

    with pytest.raises(Refused, match=f"{name}: unknown in contract 2"):
        read(CheckIn, json.dumps(two), "check-in")
    three = read(CheckIn, json.dumps({**two, "contract": 3}), "check-in")
    del inner[name]
    assert three.said() == read(CheckIn, json.dumps(two), "check-in").said()


@pytest.mark.parametrize("number", [0, 4, -1, 2**70, "1", "3", None, [3]])
def test_a_contract_that_nobody_released_is_refused_with_the_list(released, number):
    """So that a Pi of the future knows what to fall back to."""
    body = json.dumps({**json.loads(released.golden(3, "check-in.full")), "contract": number})
    with pytest.raises(NotSpoken) as refused:
        read(CheckIn, body, "check-in")
    answer = refusal(refused.value)

    assert answer.status == 422
    assert json.loads(answer.body)["contracts"] == list(RELEASED)
    if number == CONTRACT + 1:
        assert json.loads(answer.body) == json.loads(released.golden(CONTRACT, "refusal.contract"))


@pytest.mark.parametrize(
    "change",
    [{"late": None}, {"contract": 1}, {"contract": 4}, {"late": "perhaps"}, {"later": True}],
)
def test_a_verdict_between_two_contracts_is_not_one(released, change):
    """Half of contract 2 is no contract: it holds, it never proceeds."""
    said = json.loads(released.golden(2, "verdict.proceed")) | change

    assert isinstance(_verdict(json.dumps(said).encode()), Unintelligible)
    said.pop("late")
    assert isinstance(_verdict(json.dumps({**said, "contract": 2}).encode()), Unintelligible)


def test_a_verdict_is_spoken_in_what_was_asked(released):
    """Nothing of a later contract is on the wire, and nothing else is lost."""
    newest = Verdict.model_validate_json(released.golden(CONTRACT, "verdict.repeated"))

    for number in RELEASED:
        spoken = json.loads(newest.spoken_in(number).model_dump_json())
        assert spoken == newest.spoken_in(number).model_dump(mode="json")
        assert spoken == json.loads(released.golden(number, "verdict.repeated"))
