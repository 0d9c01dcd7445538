"""What is held of a caller before anyone knows who it is."""

import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest

HEAD = b"POST /v1/checkins HTTP/1.1\r\nHost: x\r\n"


def rss_kb(governance) -> int:
    """Resident memory of the process."""
    status = Path(f"/proc/{governance.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def connected(governance) -> socket.socket:
    """A raw connection to the token's door."""
    return socket.create_connection(("127.0.0.1", governance.lan), timeout=5)


def flood(governance, first: bytes, piece: bytes, megabytes: int = 40) -> tuple[int, bytes]:
    """Send until turned away; how many bytes went out, and what came back."""
    sent, said = 0, b""
    with connected(governance) as caller, suppress(OSError):
        caller.sendall(first)
        try:
            while sent < megabytes * 2**20:
                caller.sendall(piece)
                sent += len(piece)
        finally:
            caller.settimeout(1)
            with suppress(OSError):
                said = caller.recv(1000)
    return sent, said


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (HEAD, b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100))),
        (HEAD, b"a:b\r\n" * 20_000),
        (HEAD + b"x: ", b"y" * 100_000),
        (b"GET /", b"y" * 100_000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10_000),
        (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000),
    ],
    ids=["headers", "short headers", "one value", "path", "trailers", "pipeline"],
)
def test_an_endless_head_is_cut_off(governance, first, piece):
    """Long before it is memory, and without a token."""
    before = rss_kb(governance)
    sent, _ = flood(governance, first, piece)

    assert sent < 8 * 2**20  # what the kernel buffers of it
    assert rss_kb(governance) - before < 20_000
    assert governance.ask("GET", "/health", door="lan")[0] == 200


def test_too_long_a_head_is_told_so(governance):
    """431, when there is still someone to tell."""
    with connected(governance) as caller:
        caller.sendall(HEAD + b"x: " + b"y" * 65_536)
        assert caller.recv(100).startswith(b"HTTP/1.1 431 ")
    with connected(governance) as caller:
        caller.sendall(HEAD + b"a:b\r\n" * 200)
        assert caller.recv(100).startswith(b"HTTP/1.1 431 ")


def test_a_body_does_not_count_as_head(governance):
    """As long a check-in as there may be is read, whole."""
    body = b'{"a": "' + b"x" * 65_000 + b'"}'
    status, _, text = governance.ask("POST", "/v1/checkins", body, {"X-Agent-Id": "lumen"})

    assert status == 422, text


def test_connections_are_bounded_and_one_door_does_not_starve_the_other(governance):
    """The one too many is closed; the local door goes on."""
    held = [connected(governance) for _ in range(256)]
    try:
        with connected(governance) as one_too_many, suppress(ConnectionResetError):
            one_too_many.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one_too_many.recv(100) == b""
        assert governance.ask("GET", "/")[0] == 200
        held.pop().close()
    finally:
        for one in held:
            one.close()
