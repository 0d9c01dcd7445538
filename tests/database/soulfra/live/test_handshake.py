"""Who may listen, to what, from where on: all that is refused is refused by HTTP."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from schemas.soulfra.live import PATH, SUBPROTOCOL
from tests.database.soulfra.live.conftest import BEARER, TOKEN


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("", {"Authorization": "Bearer another"}, 401),
        (f"?token={TOKEN}", {}, 401),
        (f"?token={TOKEN}", BEARER, 422),
        ("?from=yesterday", BEARER, 422),
        ("?from=", BEARER, 422),
        ("?from=1", BEARER, 422),
        ("?from=99999999999999999999-1", BEARER, 422),
        ("?from=999999999-1", BEARER, 422),
        ("?from=0-0&from=1-1", BEARER, 422),
        ("?streams=whispers", BEARER, 422),
        ("?streams=", BEARER, 422),
        ("x", BEARER, 404),
    ],
)
def test_who_is_refused_is_told_by_http(run, door, query, headers, status):
    """Before the upgrade; no token is ever read out of an address."""

    async def refused():
        async with door() as at:
            with pytest.raises(InvalidStatus) as said:
                await at.listen(query, headers)
            return said.value.response

    response = run(refused())
    assert response.status_code == status
    assert TOKEN not in response.body.decode()
    assert json.loads(response.body)["success"] is False


def test_what_is_no_handshake(run, door):
    """A plain request, another version, a key that is none, another method."""
    plain = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    up = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    async def said(at, lines):
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(f"{lines}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        # The connection is still one of HTTP.
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        rest = await reader.read()
        writer.close()
        assert b" 200 OK" in rest
        return head.decode().lower()

    async def all_of_them():
        async with door() as at:
            return [
                await said(at, lines)
                for lines in (
                    plain,
                    f"{plain}{up}{key}Sec-WebSocket-Version: 8\r\n",
                    f"{plain}{up}Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
                    f"{plain}{up}{key}Sec-WebSocket-Version: 13\r\n".replace("GET", "DELETE"),
                )
            ]

    none, old, key, method = run(all_of_them())
    for each in (none, old):
        assert each.startswith("http/1.1 426 ")
        assert "upgrade: websocket\r\n" in each
        assert "sec-websocket-version: 13\r\n" in each
    assert key.startswith("http/1.1 400 ")
    assert method.startswith("http/1.1 405 ")


def test_a_browser_offers_its_token_as_a_subprotocol(run, door, happening):
    """It is not said back."""

    async def listened():
        offers = [SUBPROTOCOL, f"bearer.{TOKEN}"]
        async with door() as at, at.listen("?from=0-0", {}, subprotocols=offers) as one:
            happening.loops(1)
            await one.recv()
            return one.subprotocol, str(one.response.headers)

    chosen, headers = run(listened())
    assert chosen == SUBPROTOCOL
    assert TOKEN not in headers


def test_there_is_a_limit(run, door, monkeypatch):
    """Who is one too many is told to come again later."""
    monkeypatch.setattr("apps.soulfra.live.hub.LISTENERS", 2)

    async def full():
        async with door() as at, at.listen(), at.listen():
            await asyncio.sleep(0.05)
            with pytest.raises(InvalidStatus) as said:
                await at.listen()
            return said.value.response, at.hub.counts.turned_away

    response, turned_away = run(full())
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert turned_away == 1
