"""The Pi's end of the bridge: outcomes, order, patience, and who decides."""

import socket
import threading
import time
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from apps.anima.sender import LAST_BACKOFF_SECONDS, Sender
from apps.anima.store import Store
from apps.anima.will import Will
from apps.bridge.client import (
    Accepted,
    Client,
    RefusedByServer,
    Unavailable,
    Unintelligible,
)
from schemas.bridge import Action, CheckIn, Verdict

TOKEN = SecretStr("canary-token")
BOOT = "0123456789abcdef"


@pytest.fixture
def client(governance):
    """A client of that governance."""
    return Client(governance.url, TOKEN, timeout=0.5)


@pytest.fixture
def owe(store, anima):
    """Puts check-ins into the outbox."""

    def enqueue(count):
        now = datetime.now(UTC)
        return [
            store.enqueue_checkin(
                BOOT, now, lambda seq, _: CheckIn(boot_id=BOOT, seq=seq, anima=anima)
            )
            for _ in range(count)
        ]

    return enqueue


def test_a_verdict_is_accepted(client, governance):
    """One POST with the token, the JSON as it stands, one closed answer."""
    outcome = client.send(b'{"a": 1}')
    ((headers, body),) = governance.received

    assert isinstance(outcome, Accepted)
    assert outcome.verdict.action is Action.PROCEED
    assert body == b'{"a": 1}'
    assert headers["authorization"] == "Bearer canary-token"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_final_no_is_a_dead_letter(client, governance, status):
    """Sending it again would not help."""
    governance.answers = [(status, b'{"reason": "no"}')]
    outcome = client.send(b"{}")

    assert isinstance(outcome, RefusedByServer)
    assert (outcome.status, outcome.reason) == (status, f'HTTP {status}: {{"reason": "no"}}')


@pytest.mark.parametrize("status", [301, 401, 403, 408, 429, 500, 503])
def test_a_passing_no_is_tried_again(client, governance, status):
    """Token, rate, trouble: about the moment."""
    governance.answers = [(status, b"later")]

    assert isinstance(client.send(b"{}"), Unavailable)


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"null", b"{}", b"proceed",
        b'{"decision": "pause", "_mode": "standard"}',
        b'{"success": false, "error": "AGENT_PAUSED"}',
    ],
)  # fmt: skip
def test_an_answer_without_a_verdict_is_never_proceed(client, governance, answer):
    """What failed open upstream."""
    governance.answers = [(200, answer)]

    assert isinstance(client.send(b"{}"), Unintelligible)


def test_an_unknown_action_is_never_proceed(client, governance):
    """Nor is one with a key too many."""
    whole = governance.answers[0][1]
    for changed in (whole.replace(b"proceed", b"ponder"), whole.replace(b"{", b'{"x": 1, ', 1)):
        governance.answers = [(200, changed)]
        assert isinstance(client.send(b"{}"), Unintelligible)


def test_nobody_there_is_unavailable(governance):
    """The reason names no secret."""
    client = Client("http://127.0.0.1:9", TOKEN, timeout=0.5)
    outcome = client.send(b"{}")

    assert isinstance(outcome, Unavailable)
    assert "canary" not in outcome.reason


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nX: "], ids=["silent", "dripping"])
def test_a_slow_server_is_left_in_time(drip):
    """The clock runs over the whole exchange, not over each byte."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        peer, _ = server.accept()
        with peer:
            peer.sendall(drip)
            while drip and not stop.wait(0.05):
                try:
                    peer.sendall(b"x")
                except OSError:
                    return
            stop.wait(3)

    thread = threading.Thread(target=serve)
    thread.start()
    began = time.monotonic()
    outcome = Client(f"http://127.0.0.1:{server.getsockname()[1]}", TOKEN, 0.3).send(b"{}")
    took = time.monotonic() - began
    stop.set()
    thread.join()
    server.close()

    assert isinstance(outcome, Unavailable)
    assert took < 1


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", b""]
)
def test_half_an_answer_is_none(answer):
    """Cut off, or not HTTP at all."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = server.accept()
        with peer:
            peer.recv(65_536)
            peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    outcome = Client(f"http://127.0.0.1:{server.getsockname()[1]}", TOKEN, 1).send(b"{}")
    thread.join()
    server.close()

    assert isinstance(outcome, Unavailable)


def _until(fact):
    until = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_outbox_drains_in_order(store, client, governance, owe):
    """Oldest first, each once, none left."""
    seqs = owe(20)
    heard = []
    sender = Sender(store, client, heard.append)
    sender.start()
    _until(lambda: not store.oldest_checkins(1))

    assert sender.close(5)
    sent = [CheckIn.model_validate_json(body).seq for _, body in governance.received]
    assert sent == seqs
    assert len(heard) == 20


def test_trouble_keeps_the_check_in_and_doubles_the_pause(store, client, governance, owe):
    """1, 2, 4 … 60 s, at least half of each; the count and the reason are kept."""
    owe(1)
    governance.answers = [(503, b"starting")]
    sender = Sender(store, client, lambda _: None)
    pauses = [sender.deliver(store.oldest_checkins(1)[0]) for _ in range(8)]

    for nth, pause in enumerate(pauses):
        longest = min(2**nth, LAST_BACKOFF_SECONDS)
        assert max(longest / 2, 1) <= pause <= longest
    (waiting,) = store.oldest_checkins(9)
    assert waiting.attempts == 8

    governance.answers = [(200, pause_verdict())]
    assert sender.deliver(waiting) == 0
    assert store.oldest_checkins(1) == []


def pause_verdict():
    """A verdict that says pause."""
    verdict = {
        "action": "pause", "margin": "critical", "reason": "rest", "nearest_edge": "risk",
        "resolved_agent_id": "lumen", "eisv": {"E": 0.5, "I": 0.5, "S": 0.5, "V": 0},
        "coherence": 0.5, "risk_score": 0.7,
    }  # fmt: skip
    return Verdict.model_validate(verdict).model_dump_json().encode()


def test_a_dead_letter_does_not_block_the_queue(store, client, governance, owe):
    """Set aside with its reason; the next one goes at once."""
    owe(2)
    governance.answers = [(409, b"other body"), governance.answers[0]]
    sender = Sender(store, client, lambda _: None)

    assert [sender.deliver(store.oldest_checkins(1)[0]) for _ in range(2)] == [0, 0]
    assert store.oldest_checkins(1) == []


@pytest.fixture
def will(store, anima):
    """A will that has felt, and remembers nothing."""
    made = Will(store, None)
    made.anima = anima
    return made


def test_governances_pause_holds_until_its_proceed(will, client, governance):
    """Silence does not lift it."""
    proceed = client.send(b"{}")
    governance.answers = [(200, pause_verdict())]
    pause = client.send(b"{}")

    assert will.may_draw
    will.hear(pause)
    assert not will.may_draw
    will.hear(Unavailable("down"))
    assert not will.may_draw
    will.hear(proceed)
    assert will.may_draw


def test_a_pause_outlives_a_restart(path, anima, client, governance):
    """What governance said last is on disk."""
    governance.answers = [(200, pause_verdict())]
    store = Store(path, "lumen")
    store.start()
    will = Will(store, store.wake(datetime.now(UTC)))
    will.hear(client.send(b"{}"))
    reborn = Will(store, store.wake(datetime.now(UTC)))

    assert not reborn.may_draw
    assert store.close(5)


def test_while_governance_is_silent_the_creature_decides(will, anima):
    """Well: it draws. Unwell: it does not. Well again: it draws."""
    will.hear(Unavailable("down"))
    assert will.may_draw
    assert will.decision.is_local

    will.anima = anima.model_copy(update={"clarity": 0.1})
    will.hear(RefusedByServer(422, "no"))
    assert not will.may_draw

    will.anima = anima
    will.hear(Unavailable("down"))
    assert will.may_draw


def test_nonsense_from_governance_stops_the_hand(will):
    """Not proceed, whatever the creature feels."""
    will.hear(Unintelligible("action: field required"))

    assert not will.may_draw
