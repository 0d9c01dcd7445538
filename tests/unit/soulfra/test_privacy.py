"""What is personal in a text is found, and only that; seals open for their place and their key."""

import time
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from apps.soulfra.privacy.keys import House, is_sealed
from apps.soulfra.privacy.pii import TOKEN, detokenised, found, tokenised
from apps.soulfra.tokens import Tokens
from schemas.errors import Diverged, Refused

ADA, EVE = UUID(int=1), UUID(int=2)
HOUSE = House(b"k" * 32)
FOUND = {
    "write ada@x.org": [("email", "ada@x.org")],
    "write <Ada.B+tag@Mail.Example.ORG>.": [("email", "ada.b+tag@mail.example.org")],
    "'ada@x.org', b@y.co.uk;c@z.info": [
        ("email", "ada@x.org"), ("email", "b@y.co.uk"), ("email", "c@z.info")],
    "ünï@exämple.de": [("email", "ünï@exämple.de")],
    "call +49 30 901820 now": [("phone", "+4930901820")],
    "call (+1) 650-253-0000, +44 20 7031 3000": [
        ("phone", "+16502530000"), ("phone", "+442070313000")],
    "@ada_l and @Eve.B.": [("name", "@ada_l"), ("name", "@eve.b")],
    "@ada": [("name", "@ada")],
    "(@ada)ask": [("name", "@ada")],
    "": [],
    "it rains": [],
    "a @ b": [],
    "3 + 4 = 7, 2026-11-29 12:00": [],
    "ada@localhost is not recognised": [],
    "call 030 901820: nor is this": [],
}  # fmt: skip


@pytest.fixture
def ada():
    """A person's key."""
    return HOUSE.new(ADA)[0]


@pytest.mark.parametrize("text", FOUND)
def test_what_is_personal_is_found(text):
    """Of which kind, and in the one way that it is written."""
    assert [(each.kind, each.value) for each in found(text)] == FOUND[text]
    for each in found(text):
        assert text[each.start : each.end].strip("<>,. ") == text[each.start : each.end]


def test_the_same_is_the_same_token_for_one_person(ada):
    """However it is written; another's is another, as it is where it must not be known again."""
    eve, _ = HOUSE.new(EVE)
    one, told = tokenised("a@x.org, +49 30 901820", ada)
    two, _ = tokenised("A@X.ORG, +49 (30) 90-18-20", ada)
    tokens = TOKEN.findall(one)

    assert one == two
    assert len(set(tokens)) == 2
    assert set(tokens) == set(told)
    assert not {*TOKEN.findall(tokenised("a@x.org", eve)[0])} & {*tokens}
    assert not {*TOKEN.findall(tokenised("a@x.org", ada, "rain")[0])} & {*tokens}
    assert "x.org" not in one


def test_a_text_is_meant_as_it_was_told(ada):
    """In the one way that a value is written; what only looks like a token stays."""
    text, told = tokenised("write a@x.org, ask @eve", ada)
    other = text.replace("write", f"write [email:{'x' * 22}]")

    assert detokenised(text, told, ada) == "write a@x.org, ask @eve"
    assert detokenised(other, told, ada) == f"write [email:{'x' * 22}] a@x.org, ask @eve"
    assert detokenised(text, {}, ada) == text


@pytest.mark.parametrize(
    "text",
    ["+1" * 10_000, "+" * 20_000, "a" * 20_000, "a@" * 10_000, "@a" * 10_000, "1 2 3 + " * 2_500,
     "a." * 10_000 + "@", "+49 30 901820 " * 1_400, "a@" + "b." * 9_999],
)  # fmt: skip
def test_no_text_takes_long(text):
    """The longest whisper that there is, made to be hard to read."""
    began = time.perf_counter()
    found(text)
    assert time.perf_counter() - began < 2


def test_a_seal_opens_for_its_place_and_its_key_only(ada):
    """Not elsewhere, not with another's key, not changed; and never twice the same."""
    shut = ada.shut("loop:a/whisper", "it rains")
    eve, _ = HOUSE.new(EVE)

    assert ada.open("loop:a/whisper", shut) == "it rains"
    assert is_sealed(shut)
    assert shut != ada.shut("loop:a/whisper", "it rains")
    wrong = [
        (ada, "loop:b/whisper", shut), (eve, "loop:a/whisper", shut), (ada, "loop:a/whisper", "x"),
        (ada, "loop:a/whisper", shut[:-6] + "AAAAAA"), (ada, "loop:a/whisper", shut[:10]),
    ]  # fmt: skip
    for key, place, text in wrong:
        with pytest.raises(Diverged):
            key.open(place, text)


def test_what_is_sealed_alike_is_alike_for_one_person_and_place(ada):
    """So that a replay makes the same rows."""
    eve, _ = HOUSE.new(EVE)
    shut = ada.shut_alike("pii/a", "a@x.org")

    assert shut == ada.shut_alike("pii/a", "a@x.org")
    assert ada.open_alike("pii/a", shut) == "a@x.org"
    for key, place in ((eve, "pii/a"), (ada, "pii/b")):
        assert key.shut_alike(place, "a@x.org") != shut
        with pytest.raises(Diverged):
            key.open_alike(place, shut)


def test_a_key_is_wrapped_for_its_person_and_house(ada):
    """Another master key, and another person's row, open nothing."""
    subject, wrapped = HOUSE.new(ADA)

    assert HOUSE.subject(ADA, wrapped).memory == subject.memory
    assert subject.memory != ada.memory
    assert len(wrapped) == 60
    for house, user in ((House(b"x" * 32), ADA), (HOUSE, EVE)):
        with pytest.raises(Diverged, match="the key does not open"):
            house.subject(user, wrapped)


def test_names_are_hashed_with_the_houses_key():
    """The same for everybody; another house's is another; a name is no address."""
    assert HOUSE.named("username", "ada") == House(b"k" * 32).named("username", "ada")
    assert HOUSE.named("username", "ada") != House(b"x" * 32).named("username", "ada")
    assert HOUSE.named("username", "ada") != HOUSE.named("email", "ada")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("", "the master key is of 32 bytes, this one of 0"),
        ("c2hvcnQ", "the master key is of 32 bytes, this one of 5"),
        ("c2hvcnQ\u00fc", "is not base64"),
    ],
)
def test_a_wrong_master_key_is_said_and_not_shown(tmp_path, text, said):
    """Refused at the start."""
    path = tmp_path / "key"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Refused) as refused:
        House.load(path)
    assert said in str(refused.value)
    assert "c2hvcnQ" not in str(refused.value)


HEX = sha256(b"x").hexdigest()


def loaded(tmp_path: Path, text: str) -> Tokens:
    """From a file."""
    path = tmp_path / "tokens.json"
    path.write_text(text)
    return Tokens.load(path)


def test_a_client_may_be_a_persons(tmp_path):
    """A hash alone, or with more; who it is, is told by its token."""
    tokens = loaded(
        tmp_path,
        f'{{"a": "{HEX}", "b": {{"sha256": "{sha256(b"y").hexdigest()}", "user": "{ADA}"}}}}',
    )
    assert (tokens.who("Bearer x"), tokens.who("bearer y ")) == ("a", "b")
    assert tokens.client("a").user is None
    assert tokens.client("b").user == ADA
    assert tokens.of_persons


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": "hush"}', "a/"),
        ('{"a": "' + HEX.upper() + '"}', "a/"),
        (f'{{"a b": "{HEX}"}}', "a b/"),
        (f'{{"a": {{"sha256": "{HEX}", "may": ["rule"]}}}}', "may/0"),
        (f'{{"a": {{"sha256": "{HEX}", "more": 1}}}}', "more"),
        (f'{{"a": {{"sha256": "{HEX}", "user": "{ADA}", "may": ["detokenise"]}}}}', "one person's"),
        ("[]", "the file is not as declared"),
        ("{", "the file is not as declared"),
    ],
)
def test_a_file_that_is_not_as_declared_is_said(tmp_path, text, said):
    """Where; never a value of it."""
    with pytest.raises(Refused) as refused:
        loaded(tmp_path, text)
    assert said in str(refused.value)
    assert "hush" not in str(refused.value)
