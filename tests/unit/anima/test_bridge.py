"""The Pi's end of the bridge: outcomes, order, patience, and who decides."""

import socket
import threading
import time

import pytest
from pydantic import SecretStr

from apps.bridge.client import (
    Accepted,
    Client,
    RefusedByServer,
    Unavailable,
    Unintelligible,
)
from schemas.bridge import Action

TOKEN = SecretStr("canary-token")
BOOT = "0123456789abcdef"


def test_a_verdict_is_accepted(client, governance):
    """One POST with the token, the JSON as it stands, one closed answer."""
    outcome = client.send(b'{"a": 1}')
    ((headers, body),) = governance.received

    assert isinstance(outcome, Accepted)
    assert outcome.verdict.action is Action.PROCEED
    assert body == b'{"a": 1}'
    assert headers["authorization"] == "Bearer canary-token"
    assert headers["content-type"] == "application/json"


NO = b'{"success": false, "error": "no"}'


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_final_no_is_a_dead_letter(client, governance, status):
    """Sending it again would not help."""
    governance.answers = [(status, NO)]
    outcome = client.send(b"{}")

    assert isinstance(outcome, RefusedByServer)
    assert (outcome.status, outcome.reason) == (status, f"HTTP {status}: {NO.decode()}")


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 408, 410, 429, 500, 503])
def test_a_passing_no_is_tried_again(client, governance, status):
    """Token, address, rate, trouble: about the moment."""
    governance.answers = [(status, NO)]

    assert isinstance(client.send(b"{}"), Unavailable)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"error": "no"}', b'{"success": true, "error": "no"}',
     b'{"success": false, "error": null}', b"[" * 60_000],
    ids=lambda body: body[:20].decode(),
)  # fmt: skip
def test_a_strangers_no_is_not_final(client, governance, body):
    """A proxy or another web server knows nothing of our check-ins."""
    governance.answers = [(422, body)]

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
