"""The handshake: who may listen, to what, from where on. Refused by HTTP, before the upgrade."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

import psycopg
from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from apps.bridge import web
from apps.bridge.refusals import Busy, Malformed, NotAllowed
from apps.bridge.web import Answer, Request
from apps.postgres import Pool
from apps.soulfra.feed import settled_until
from apps.soulfra.live.hub import Hub
from apps.soulfra.live.listening import HEARD_BYTES, Listening
from apps.soulfra.log import Place
from apps.soulfra.tokens import Tokens
from schemas.errors import HouseError, Refused, Unreachable
from schemas.soulfra.live import PATH, SUBPROTOCOL, StreamName

BEARER: Final = "bearer."
"""Browsers send no header of their own: there the token is offered as a subprotocol."""
VERSION: Final = "13"
WANTS: Final = ("from", "streams")
SHAKEN: Final = (
    "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"
)  # fmt: skip
"""What of a request is the handshake."""
ASK_SECONDS: Final = 2.0


class UpgradeFirst(Refused):
    """What lives here is a WebSocket."""

    status: ClassVar[int] = 426


class Live:
    """The door to the hub."""

    def __init__(self, pool: Pool, hub: Hub, tokens: Tokens) -> None:
        self._pool = pool
        self._hub = hub
        self._tokens = tokens

    def told(self) -> dict[str, Any]:
        """How many listen, and what became of others."""
        return {"listening": len(self._hub), **asdict(self._hub.counts)}

    async def answer(self, asked: Request) -> Answer:
        """101, or why not; only what is Refused or Unreachable is answered here."""
        try:
            return await self._handshake(asked)
        except UpgradeFirst as error:
            said = {"upgrade": "websocket", "sec-websocket-version": VERSION}
            return web.refusal(error)._replace(headers=said)
        except HouseError as error:
            if isinstance(error, Unreachable):
                self._hub.counts.turned_away += 1
            return web.refusal(error, "GET")

    async def _handshake(self, asked: Request) -> Answer:
        offered = [
            each.strip() for each in (asked.header(b"sec-websocket-protocol") or "").split(",")
        ]
        self._tokens.who(asked.header(b"authorization") or _bearer(offered))
        if asked.method != "GET":
            raise NotAllowed(f"{PATH}: takes GET, not {asked.method!r:.20}")
        wants_more = (asked.header(b"upgrade") or "").strip().lower() == "websocket"
        if not wants_more or asked.header(b"sec-websocket-version") != VERSION:
            raise UpgradeFirst(f"{PATH}: is a WebSocket", f"ask for version {VERSION}")
        place, streams = _wanted(asked)
        if self._hub.is_full:
            raise Busy("live: too many listen", "come again later")
        if place is not None:
            await self._is_of_this_log(place)
        speaking = ServerProtocol(max_size=HEARD_BYTES, select_subprotocol=_subprotocol)
        _shake(speaking, asked, offered)

        def listen(transport: asyncio.Transport, beyond: bytes) -> None:
            one = Listening(speaking, place, streams, self._hub.left)
            transport.set_protocol(one)
            one.connection_made(transport)
            if beyond:
                one.data_received(beyond)
            self._hub.welcome(one)

        return Answer(b"", 101, upgrade=listen)

    async def _is_of_this_log(self, place: Place) -> None:
        try:
            async with self._pool.connection(ASK_SECONDS) as conn:
                newest = await settled_until(conn)
        except (psycopg.OperationalError, TimeoutError):
            raise Unreachable("postgres: does not answer", "ask again later") from None
        if place > newest:
            raise Refused(f"from: {place}: is after the newest event", f"it is {newest}")


def _bearer(offered: list[str]) -> str | None:
    found = [each.removeprefix(BEARER) for each in offered if each.startswith(BEARER)]
    return f"Bearer {found[0]}" if found else None


def _subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return offered[0] if offered else None


def _wanted(asked: Request) -> tuple[Place | None, frozenset[StreamName]]:
    """What the query says; an id may also come as Last-Event-ID, as some clients have the habit."""
    try:
        pairs = parse_qsl(
            asked.query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(asked.query),
            max_num_fields=len(WANTS),
        )  # fmt: skip
    except ValueError:
        raise Refused(f"{PATH}: the query is not as it should be", "?from=ID&streams=A,B") from None
    said = dict(pairs)
    for name in said:
        if name not in WANTS or len(said) < len(pairs):
            hint = "a token goes into the header" if "token" in name else "?from=ID&streams=A,B"
            raise Refused(f"{PATH}: {name!r:.40}: is no part of its query", hint)
    since = said.get("from", asked.header(b"last-event-id"))
    names = said["streams"].split(",") if "streams" in said else list(StreamName)
    for name in names:
        if name not in set(StreamName):
            raise Refused(f"streams: {name!r:.40}: is none", f"there are {', '.join(StreamName)}")
    return None if since is None else Place.read(since), frozenset(map(StreamName, names))


def _shake(speaking: ServerProtocol, asked: Request, offered: list[str]) -> None:
    """Have ``websockets`` check the handshake; its answer waits to be sent."""
    headers = Headers()
    for name in SHAKEN:
        if value := asked.header(name.encode()):
            headers[name] = value
    if SUBPROTOCOL in offered:
        headers["sec-websocket-protocol"] = SUBPROTOCOL  # of a token nobody else has to know
    speaking.receive_data(Handshake(PATH, headers).serialize())
    (handshake,) = speaking.events_received() or (None,)
    if not isinstance(handshake, Handshake):
        raise Malformed("handshake: is not as it should be")
    response = speaking.accept(handshake)
    if response.status_code != 101:
        raise Malformed(f"handshake: {speaking.handshake_exc}"[:200])
    speaking.send_response(response)
