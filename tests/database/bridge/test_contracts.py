"""Pis of every released contract at the door of the governance of today, on a real database."""

import json
from itertools import permutations

import pytest
from pydantic import SecretStr

from apps.bridge.client import Accepted, Client
from schemas.bridge import CONTRACT, RELEASED, CheckIn

ROW = "SELECT late, encode(body_sha256, 'hex') FROM core.agent_state ORDER BY state_id"


@pytest.fixture
def pi(governance, released):
    """Speaks as a Pi of a contract; gives what that Pi's own reader and schema make of it."""

    def say(contract, said, status=200):
        got, _, body = governance.ask(
            "POST", "/v1/checkins", json.dumps(said), {"X-Agent-Id": said.get("agent", "lumen")}
        )
        assert got == status, body
        if got != 200:
            return json.loads(body)
        assert not list(released.validator(contract, "verdict").iter_errors(json.loads(body)))
        return released.READERS[contract].model_validate_json(body)

    return say


def _full(released, contract, seq):
    return {**json.loads(released.golden(contract, "check-in.full")), "seq": seq}


@pytest.mark.parametrize("contract", RELEASED)
def test_a_pi_of_every_contract_is_answered_in_its_own(released, governance, pi, contract):
    """Every golden check-in, and its repeat: one row each, the hash that contract 1 gave it."""
    names = released.names(contract, "check-in")
    hashes = json.loads(released.golden(1, "body-sha256"))
    for name in names:
        said = json.loads(released.golden(contract, name))
        first, second = pi(contract, said), pi(contract, said)
        assert (first.repeated, second.repeated) == (False, "seq" in said), name

    stored = {sha256 for _, sha256 in governance.rows(ROW)}
    assert stored == {hashes[name.removeprefix("check-in.")] for name in names}


@pytest.mark.parametrize(("before", "after"), list(permutations(RELEASED, 2)))
def test_a_repeat_may_speak_another_contract(released, governance, pi, before, after):
    """An update between the check-in and its repeat: the first verdict, in the words asked for."""
    for seq in (7, 5):  # the second is late
        first = pi(before, _full(released, before, seq))
        again = pi(after, _full(released, after, seq))
        back = pi(before, _full(released, before, seq))
        assert [first.repeated, again.repeated, back.repeated] == [False, True, True]
        assert first.eisv == again.eisv == back.eisv
        told = {getattr(answer, "late", seq == 5) for answer in (first, again, back)}
        assert told == {seq == 5}

    assert [late for late, _ in governance.rows(ROW)] == [False, True]


def test_another_body_under_the_key_is_a_conflict_in_any_contract(released, governance, pi):
    """The envelope's contract is no excuse."""
    pi(1, _full(released, 1, 1))
    other = _full(released, 2, 1)
    other["anima"]["warmth"] = 0.5

    assert pi(2, other, status=409)["success"] is False
    assert len(governance.rows(ROW)) == 1


@pytest.mark.parametrize("tool", ["sync_state", "process_agent_update"])
def test_the_real_client_is_answered_as_ever(released, governance, tool):
    """It knows of no contract: the first."""
    block = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
    is_error, said = governance.call(tool, {"agent_name": "Lumen", "sensor_data": block})

    assert not is_error
    assert not list(released.validator(1, "verdict").iter_errors(said))


def test_a_pi_of_the_future_is_told_what_is_spoken(released, governance, pi):
    """Nothing of it is stored."""
    future = {**_full(released, CONTRACT, 1), "contract": CONTRACT + 1, "unheard_of": True}
    listed = json.loads(released.golden(CONTRACT, "refusal.contract"))

    assert pi(CONTRACT + 1, future, status=422) == listed
    assert listed["contracts"] == list(RELEASED)
    assert governance.rows(ROW) == []


def test_our_own_client_speaks_the_newest_with_it(released, governance):
    """In one request; what it also said is kept beside."""
    client = Client(f"http://127.0.0.1:{governance.local}", SecretStr("unused"))
    outcome = client.send(released.golden(CONTRACT, "check-in.full"))
    query = "SELECT state_json -> 'pi' -> 'schema_version' FROM core.agent_state"

    assert isinstance(outcome, Accepted)
    assert (outcome.verdict.contract, outcome.verdict.late) == (CONTRACT, False)
    assert governance.rows(query) == [(4,)]


def test_what_a_pi_says_of_itself_is_kept_whole(released, governance, pi):
    """Every field of contract 3, its gaps too; what it says beside stays out of the columns."""
    said = _full(released, 3, 1)
    pi(3, said)
    query = "SELECT state_json -> 'pi', state_json -> 'monotonic_seconds' FROM core.agent_state"
    told = CheckIn.model_validate(said).model_dump(mode="json", exclude_unset=True)

    assert governance.rows(query) == [(told["pi"], said["monotonic_seconds"])]
