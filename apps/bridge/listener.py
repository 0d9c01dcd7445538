"""What listens at a socket, and how it ends: nobody is left without the answer they wait for."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress

from apps.bridge.web import App
from apps.bridge.wire import Wire

CONNECTIONS_LIMIT = 256
"""Of one door: together they hold some 50 MB at most, and one door cannot starve the other."""
BACKLOG = 2_048


class Listener:
    """A door and whoever is in it."""

    def __init__(self, app: App, *, is_local: bool = False) -> None:
        self.app = app
        self.is_local = is_local
        self._wires: set[Wire] = set()
        self._server: asyncio.Server | None = None
        self.empty = asyncio.Event()
        """Set once nobody is connected, and nobody else can be."""

    async def open(self, made: socket.socket) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Wire(self), sock=made, backlog=BACKLOG)

    def welcomes(self, wire: Wire) -> bool:
        """Whether there is room for one more."""
        if len(self._wires) >= CONNECTIONS_LIMIT:
            return False
        self._wires.add(wire)
        return True

    def left(self, wire: Wire) -> None:
        """One is gone."""
        self._wires.discard(wire)
        self._is_over()

    def stop(self) -> None:
        """Let nobody else in; whoever has asked is answered."""
        if self._server:
            self._server.close()
            self._server = None
        for wire in tuple(self._wires):
            wire.drain()
        self._is_over()

    def abort(self) -> None:
        """Send away whoever is left."""
        for wire in tuple(self._wires):
            wire.abort()

    def _is_over(self) -> None:
        if self._server is None and not self._wires:
            self.empty.set()


async def drained(listeners: Iterable[Listener], seconds: float) -> None:
    """Stop them; return when everybody has gone, at the latest after so long."""
    listeners = tuple(listeners)
    for each in listeners:
        each.stop()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for each in listeners:
                await each.empty.wait()
    for each in listeners:
        each.abort()
