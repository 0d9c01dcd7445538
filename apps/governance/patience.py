"""uvicorn waits for ever for the rest of a request's head. This does not."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0


class Patient(HttpToolsProtocol):
    """HTTP whose connection is closed when two looks in a row find no request being served."""

    _look: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start looking."""
        super().connection_made(transport)
        self._look = self.loop.call_later(HEAD_SECONDS, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        if self._look:
            self._look.cancel()
        super().connection_lost(exc)

    def _tick(self) -> None:
        serving = self.cycle is not None and not self.cycle.response_complete
        served = self.cycle is not self._seen
        self._seen = self.cycle
        if serving or served:
            self._look = self.loop.call_later(HEAD_SECONDS, self._tick)
        else:
            self.transport.close()
