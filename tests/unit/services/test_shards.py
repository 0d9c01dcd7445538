"""A shard that nobody declares any more: refused while it has agents, else it is to go."""

import pytest

from schemas.errors import Refused
from services.house import render
from services.shards import undeclared

KNOWN = {
    "places": {"two": "/soulfra?host=/two", "three": "/soulfra?host=/three"},
    "slots": {"home": [[0, 1023]], "two": [[1024, 4095]]},
    "moving": [],
}


def test_one_without_slots_is_to_go():
    """And one that is declared is not; home that does not answer knows nothing."""
    assert undeclared(KNOWN, ["two"]) == ["three"]
    assert undeclared(KNOWN, ["two", "three"]) == []
    assert undeclared({}, ["two"]) == []


def test_one_with_slots_is_refused():
    """Where, what, and the command that moves them."""
    with pytest.raises(Refused) as said:
        undeclared(KNOWN, ["three"])

    assert str(said.value) == (
        "shard two: has 3072 slots, and is not in mac.soulfra_shards\n  hint: put it back into"
        " hosts.toml; abode soulfra move 1024-4095 --to home; then take it out"
    )


def test_many_runs_are_not_all_named():
    """The first three, and that there are more."""
    known = {**KNOWN, "slots": {"two": [[n, n] for n in range(0, 10, 2)]}}
    with pytest.raises(Refused, match="has 5 slots") as said:
        undeclared(known, ["three"])

    assert "move 4-4 --to home; and so on; then" in said.value.hint
    assert "6-6" not in said.value.hint


def test_one_that_a_move_goes_to_is_refused():
    """It has no slot yet, and will."""
    with pytest.raises(Refused, match="a move is not ended") as said:
        undeclared({**KNOWN, "moving": ["home", "three"]}, ["two"])

    assert "--resume" in said.value.hint


def test_home_is_asked_for_names():
    """As an array's text."""
    said = render("postgres/undeclared.sql.j2", declared=["home", "two"])

    assert "'{home,two}'" in said
