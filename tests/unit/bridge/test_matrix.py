"""Each released Mac and our Pi: a check-in arrives once, in the newest contract both speak."""

import json
import time
from datetime import UTC, datetime
from itertools import permutations

import pytest
from pydantic import SecretStr

from apps.anima.checkin import compose
from apps.anima.sender import Sender
from apps.bridge.client import (
    LOWERED_SECONDS,
    Accepted,
    Client,
    RefusedByServer,
    Unavailable,
)
from apps.migrate.lines import line
from schemas.bridge import CONTRACT, RELEASED
from schemas.eisv import Anima

TOKEN = SecretStr("canary-token")
BOOT = "0123456789abcdef"
CALM = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)


class Pi:
    """A store that owes check-ins as life does, and the sender of today with a clock by hand."""

    def __init__(self, store):
        self.store, self.now = store, 1_000.0

    def client(self, url, timeout=2.0):
        """One that remembers nothing yet."""
        return Client(url, TOKEN, timeout, lambda: self.now)

    def owe(self, count):
        """Puts check-ins into the outbox."""
        now = datetime.now(UTC)
        build = compose("lumen", BOOT, now, anima=CALM, readings=(), dropped=0)
        return [self.store.enqueue_checkin(BOOT, now, build) for _ in range(count)]

    def drain(self, client):
        """Sends until nothing is owed or something has to wait; gives what was heard."""
        heard = []
        sender = Sender(self.store, client, heard.append)
        while (waiting := self.store.oldest_checkins(1)) and not sender.deliver(waiting[0]):
            pass
        return heard


@pytest.fixture
def pi(store):
    """Our Pi."""
    return Pi(store)


@pytest.mark.parametrize("number", RELEASED)
def test_our_pi_is_heard_by_every_released_mac(released, mac, pi, number):
    """In order, each once, none set aside, in the words of the Mac's own schema."""
    there = mac(number)
    client = pi.client(there.url)
    seqs = pi.owe(4)
    heard = pi.drain(client)

    assert [out.verdict.contract for out in heard] == [number] * 4
    assert [seq for _, seq in there.stored] == seqs
    assert client.contract == number
    assert len(there.received) == 4 + (number < CONTRACT)
    assert pi.store.oldest_checkins(1) == []
    assert pi.store.snapshot().rejected == 0
    assert all(released.validator(number, "check-in").is_valid(m) for m in there.received[-4:])


def test_our_pi_tells_what_its_file_was_migrated_to(mac, pi):
    """The file's own ledger says it, not the release; a Mac of contract 1 is not told."""
    newest = int(line("anima").migrations()[-1][:4])
    told = []
    for number in RELEASED:
        there = mac(number)
        pi.owe(1)
        pi.drain(pi.client(there.url))
        told.append(there.received[-1]["pi"].get("schema_version"))

    assert told == [None, *[newest] * (len(RELEASED) - 1)]


@pytest.mark.parametrize("number", RELEASED)
@pytest.mark.parametrize("spoken", RELEASED)
def test_what_waited_through_an_update_arrives(released, mac, pi, number, spoken):
    """Every golden check-in of every released Pi, sent by the Pi of today to every released Mac."""
    client = pi.client(mac(number).url)
    for name in released.names(spoken, "check-in"):
        outcome = client.send(released.golden(spoken, name))
        assert isinstance(outcome, Accepted), name
        assert outcome.verdict.contract == min(spoken, number)


def test_the_newest_contract_is_tried_again_after_a_while(mac, pi):
    """One request more every ten minutes, no more; an updated Mac is found without a restart."""
    there = mac(1)
    client = pi.client(there.url)
    pi.owe(1)
    pi.drain(client)
    pi.now += LOWERED_SECONDS - 1
    pi.owe(2)
    pi.drain(client)
    assert [said["contract"] for said in there.received] == [CONTRACT, 1, 1, 1]

    pi.now += 1
    pi.owe(1)
    pi.drain(client)
    assert [said["contract"] for said in there.received] == [CONTRACT, 1, 1, 1, CONTRACT, 1]

    there.contract = CONTRACT
    pi.now += LOWERED_SECONDS
    pi.owe(1)
    assert [out.verdict.contract for out in pi.drain(client)] == [CONTRACT]
    assert len(there.stored) == 5


def test_the_newest_contract_is_tried_again_after_a_break(mac, pi):
    """The Mac was away: it may have come back as another release."""
    there = mac(1)
    client = pi.client(there.url)
    pi.owe(1)
    pi.drain(client)
    there.close()
    pi.owe(1)
    assert isinstance(pi.drain(client)[0], Unavailable)

    mac(CONTRACT, there.port)
    assert [out.verdict.contract for out in pi.drain(client)] == [CONTRACT]


def test_a_mac_that_goes_back_a_release_is_followed(mac, pi):
    """2, then 1, at the same address: nothing is set aside."""
    there = mac(2)
    client = pi.client(there.url)
    pi.owe(1)
    pi.drain(client)
    there.contract = 1
    pi.owe(2)

    assert [out.verdict.contract for out in pi.drain(client)] == [1, 1]
    assert pi.store.snapshot().rejected == 0


@pytest.mark.parametrize(("before", "after"), list(permutations(RELEASED, 2)))
def test_a_lost_answer_between_two_releases_doubles_nothing(mac, pi, before, after):
    """Stored in one contract, sent again in another: the same check-in, not a conflict."""
    there = mac(before)
    pi.owe(1)
    body = pi.store.oldest_checkins(1)[0].body.encode()
    assert isinstance(pi.client(there.url).send(body), Accepted)
    there.contract = after
    outcome = pi.client(there.url).send(body)

    assert outcome.verdict.repeated
    assert len(there.stored) == 1


def test_a_refusal_of_the_check_in_is_still_final(mac, pi, released):
    """After the fall-back as before it."""
    there = mac(1)
    bad = {**json.loads(released.golden(2, "check-in.full")), "agent": "no spaces"}

    assert isinstance(pi.client(there.url).send(json.dumps(bad).encode()), RefusedByServer)
    assert len(there.received) == 2


@pytest.mark.parametrize("listed", [[4, 5], [3], [], ["1"], "12", [True, None]])
def test_no_contract_in_common_keeps_the_check_in(mac, monkeypatch, pi, listed):
    """It waits for an update; only a refusal that lists no contract at all is about itself."""
    there = mac(2)
    told = {"success": False, "error": "check-in: contract: no", "contracts": listed}
    monkeypatch.setattr(there, "answer", lambda _: (422, json.dumps(told).encode()))
    pi.owe(1)
    (outcome,) = pi.drain(pi.client(there.url))

    is_about_contracts = listed in ([4, 5], [3])
    assert isinstance(outcome, Unavailable if is_about_contracts else RefusedByServer)
    assert len(pi.store.oldest_checkins(2)) == is_about_contracts
    assert len(there.received) == 1


def test_both_requests_share_one_time_limit(mac, monkeypatch, pi, released):
    """It is the caller's, however often the Mac is asked."""
    there = mac(1)
    answer = there.answer
    monkeypatch.setattr(there, "answer", lambda said: (time.sleep(0.7), answer(said))[1])
    began = time.monotonic()
    outcome = pi.client(there.url, 1.0).send(released.golden(2, "check-in.full"))

    assert isinstance(outcome, Unavailable)
    assert time.monotonic() - began < 1.3


def test_the_change_of_contract_is_said_once(mac, pi, capsys):
    """Not with every check-in."""
    pi.owe(3)
    pi.drain(pi.client(mac(1).url))
    said = capsys.readouterr()

    assert (said.out + said.err).count("governance speaks another contract") == 1
