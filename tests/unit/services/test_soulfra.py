"""Clients of soulfra: declared ones have a token, made once; what is not declared has none."""

import json
from hashlib import sha256

import pytest

from apps.soulfra.tokens import Tokens
from schemas.errors import Refused
from schemas.hosts import Hosts
from services.house import House
from services.soulfra import tokens

ADA = "00000000-0000-0000-0000-000000000ada"
PI = {"governance_url": "http://mac:8767", "ssh": {"hostname": "pi.local", "user": "pi"}}


def house(state, **clients):
    """One whose Mac has these clients."""
    mac = {"soulfra_clients": clients}
    return House(Hosts.model_validate({"mac": mac, "pi": [PI]}), state)


def deployed(state, **clients):
    """As a deploy does it: the file of tokens."""
    of = house(state, **clients)
    of.make_secrets().write()
    return tokens(of)


def kept(state, name):
    """A client's token."""
    return (state / "secrets" / f"soulfra_client_{name}").read_text().strip()


def test_each_client_has_a_token_of_its_own(tmp_path):
    """Kept in the vault, told to the process by its hash; the next deploy says the same."""
    asked = {"ada": {"user": ADA}, "gallery": {}, "desk": {"may": ["detokenise", "remember"]}}
    first = deployed(tmp_path, **asked)

    assert json.loads(first)["ada"] == {
        "sha256": sha256(kept(tmp_path, "ada").encode()).hexdigest(), "user": ADA}  # fmt: skip
    assert json.loads(first)["desk"]["may"] == ["detokenise", "remember"]
    assert len({kept(tmp_path, name) for name in asked}) == len(asked)
    assert not any(kept(tmp_path, name) in first for name in asked)
    assert deployed(tmp_path, **asked) == first

    (tmp_path / "tokens.json").write_text(first)
    read = Tokens.load(tmp_path / "tokens.json")
    assert {read.who(f"Bearer {kept(tmp_path, name)}") for name in asked} == asked.keys()
    assert str(read.client("ada").user) == ADA


def test_who_is_not_declared_any_more_loses_its_token(tmp_path):
    """And has another one when it comes back."""
    deployed(tmp_path, ada={"user": ADA}, gallery={})
    before, other = kept(tmp_path, "ada"), kept(tmp_path, "gallery")
    planned = house(tmp_path, gallery={})
    planned.make_secrets()
    assert kept(tmp_path, "ada") == before  # a plan touches nothing
    assert json.loads(deployed(tmp_path, gallery={})).keys() == {"operator", "gallery"}
    assert not (tmp_path / "secrets" / "soulfra_client_ada").exists()
    deployed(tmp_path, ada={"user": ADA}, gallery={})
    assert kept(tmp_path, "ada") != before
    assert kept(tmp_path, "gallery") == other


@pytest.mark.parametrize(
    ("client", "says"),
    [
        ({"operator": {}}, "operator"),
        ({"Ada": {"user": ADA}}, "Ada"),
        ({"ada": {"user": "ada"}}, "ada.user"),
        ({"ada": {"user": ADA, "may": ["detokenise"]}}, "one person's"),
        ({"desk": {"may": ["everything"]}}, "desk.may"),
        ({"desk": {"token": "x"}}, "desk.token"),
    ],
)
def test_what_is_no_client_is_refused(tmp_path, client, says):
    """By its path, before anything is made."""
    with pytest.raises((Refused, ValueError), match="soulfra_clients") as caught:
        house(tmp_path, **client)
    assert says in str(caught.value)
