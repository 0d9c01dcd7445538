"""Bodies that nobody should send: each is a precise refusal, and nothing is kept of it."""

import json

import pytest

PATHS = ("/v1/checkins", "/v1/tools/sync_state", "/mcp")
everywhere = pytest.mark.parametrize("path", PATHS)


def deep(depth: int) -> str:
    """A list in a list, and so on."""
    return "[" * depth + "1" + "]" * depth


TEXTS = {
    "NaN": lambda said: said.replace("0.4", "NaN", 1),
    "Infinity": lambda said: said.replace("0.4", "Infinity", 1),
    "-Infinity": lambda said: said.replace("0.4", "-Infinity", 1),
    "1e999": lambda said: said.replace("0.4", "1e999", 1),
    "-1e999": lambda said: said.replace("0.4", "-1e999", 1),
    "1e308": lambda said: said.replace("0.4", "1e308", 1),
    "an integer of 400 digits": lambda said: said.replace("0.4", "9" * 400, 1),
    "an integer of 40,000 digits": lambda said: said.replace("0.4", "9" * 40_000, 1),
    "2 to the 64th": lambda said: said.replace("2052", str(2**64)).replace(
        'awakenings": 1,', f'awakenings": {2**64},'),
    "true for a number": lambda said: said.replace("0.4", "true", 1),
    "text for a number": lambda said: said.replace("0.4", '"0.4"', 1),
    "null for a number": lambda said: said.replace("0.4", "null", 1),
    "a list for an object": lambda said: said.replace('{"warmth": 0.4', '[{"warmth": 0.4', 1)
    .replace('"presence": 0.9}', '"presence": 0.9}]', 1),
    "half a surrogate pair": lambda said: said.replace("building", "\\ud83c", 1),
    "the other half": lambda said: said.replace("building", "\\udfa8", 1),
    "a surrogate in a key": lambda said: said.replace("building", "x", 1).replace(
        '"phase"', '"\\ud83c"', 1),
    "a NUL": lambda said: said.replace("building", "\\u0000", 1),
    "a bare NUL": lambda said: said.replace("building", "\x00", 1),
    "a key twice": lambda said: said.replace('"clarity"', '"warmth"', 1),
    "an unknown key": lambda said: said.replace('"clarity"', '"charity": 1, "clarity"', 1),
    "a proto key": lambda said: said.replace('"clarity"', '"__proto__": {}, "clarity"', 1),
    "500 levels": lambda said: said.replace("0.4", deep(500), 1),
    "15,000 levels": lambda said: said.replace("0.4", deep(15_000), 1),
    "open for ever": lambda said: "[" * 60_000,
    "objects for ever": lambda said: '{"a":' * 10_000,
    "cut short": lambda said: said[:-1],
    "two messages": lambda said: said + said,
    "a comma too many": lambda said: said[:-1] + ",}",
    "single quotes": lambda said: said.replace('"', "'"),
    "a comment": lambda said: "// hello\n" + said,
    "nothing": lambda said: "",
    "blanks": lambda said: "   \n",
    "text": lambda said: '"a"',
    "a number": lambda said: "1",
    "null": lambda said: "null",
    "true": lambda said: "true",
    "a list": lambda said: f"[{said}]",
}  # fmt: skip
BYTES = {
    "UTF-16": lambda said: said.encode("utf-16"),
    "UTF-16 without mark": lambda said: said.encode("utf-16-le"),
    "UTF-32": lambda said: said.encode("utf-32"),
    "a byte order mark": lambda said: b"\xef\xbb\xbf" + said.encode(),
    "latin-1": lambda said: said.replace("building", "b\xe4ume").encode("latin-1"),
    "overlong": lambda said: said.encode().replace(b"building", b"\xc0\x80"),
    "a raw surrogate": lambda said: said.encode().replace(b"building", b"\xed\xa0\x80"),
    "gzip": lambda said: b"\x1f\x8b\x08\x00" + said.encode(),
}


@everywhere
@pytest.mark.parametrize("name", [*TEXTS, *BYTES])
def test_it_is_refused_and_nothing_is_kept(governance, door, strangers, path, name):
    """With one sentence that says what is wrong, in JSON."""
    before = governance.rows(strangers.STORED)
    welcome = strangers.VALID[path]
    body = TEXTS[name](welcome).encode() if name in TEXTS else BYTES[name](welcome)
    assert body != welcome.encode()

    assert strangers.verdict_of(path, *door.post(path, body)) is None
    assert governance.rows(strangers.STORED) == before


@everywhere
@pytest.mark.parametrize("size", [65_537, 1_000_000, 10_000_000])
def test_a_long_body_is_cut_off(governance, door, strangers, path, size):
    """By what it claims, by what comes, and as chunks; the answer is 413 and it is read whole."""
    before = governance.rows(strangers.STORED)
    piece = b"x" * 10_000
    whole = b'"' + b"x" * size + b'"'
    answers = [
        door.post(path, whole),
        door.post(path, (piece for _ in range(size // 10_000 + 1))),
        door.post(path, piece, **{"Content-Length": str(size), "Connection": "close"}),
    ]
    for status, said in answers:
        assert status == 413, said
        assert "65536" in said.decode()
        assert strangers.verdict_of(path, status, said) is None
    assert governance.rows(strangers.STORED) == before


def test_whoever_asks_properly_is_heard_all_the_while(governance, door, strangers):
    """After all of the above."""
    for path in PATHS:
        told = strangers.verdict_of(path, *door.post(path, strangers.VALID[path]))
        assert told["action"] == "proceed", path
    assert (
        json.loads(governance.ask("GET", "/health")[2])["checks"]["postgres"]["status"] == "healthy"
    )


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n", b"400"),
        ((b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
         b"Content-Length: 6\r\n\r\nhello"), b"400"),
        ((b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), b"400"),
        ((b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
         b"zz\r\n"), b"400"),
        ((b"POST /v1/checkins HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n"
         b"Content-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), b"4"),
        (b"POST /v1/checkins HTTP/9.9\r\nHost: localhost\r\n\r\n", b"400"),
        (b"POST  /v1/checkins\r\n\r\n", b"4"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"4"),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"4"),
        ((b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"), b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"403"),
    ],
)  # fmt: skip
def test_what_is_not_http_as_it_should_be_is_turned_away(governance, raw, lines, status):
    """And the door is open for the next."""
    said = raw(lines)
    assert said.startswith(b"HTTP/1.1 " + status), said[:300]
    assert b"Traceback" not in said
    assert governance.ask("GET", "/")[0] == 200
