"""The limit: the same write and nothing else. Arguments: port, URL.

A bare protocol on httptools; bodies are read and not looked at; whatever gathered while a batch was
being committed is the next. No verdict, no key that is unique for ever, no trail, no limits.
"""

import asyncio
import sys
from typing import Any

import httptools
import psycopg
import uvloop
from pydantic_core import from_json, to_json

SQL = """
INSERT INTO core.agent_state (
    identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
    entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
    warmth, clarity, stability, presence, state_json)
SELECT i.identity_id, r.boot_id, r.seq, decode(repeat('00', 32), 'hex'), now(), now(),
       false, 0.7, 0.8, 0.2, 0, 0.5, 'DIVERGENCE', 'healthy', 0.3, 'proceed', 'tight',
       'coherence', 'State healthy', 0.4, 0.8, 0.9, 0.9, r.sensor_data
  FROM json_to_recordset(%s::json) AS r (agent text, boot_id text, seq bigint, sensor_data jsonb)
  JOIN core.identities AS i ON i.agent_id = r.agent
"""
BODY = b'{"success":true,"action":"proceed","margin":"tight"}'
SAID = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)
waiting: list[tuple["Wire", bytes]] = []
wake = asyncio.Event()


class Wire(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: Any) -> None:
        """It begins."""
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        """A piece came."""
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self.body += body

    def on_message_complete(self) -> None:
        """A request is whole; who asks for health asks whether we are up."""
        if self.parser.get_method() == b"GET":
            self.transport.write(SAID)
            return
        waiting.append((self, self.body))
        self.body = b""
        wake.set()


async def main() -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Wire, "127.0.0.1", int(sys.argv[1]))
    async with await psycopg.AsyncConnection.connect(sys.argv[2], autocommit=True) as conn:
        while await wake.wait():
            wake.clear()
            while waiting:
                batch = waiting.copy()
                waiting.clear()
                rows = to_json([from_json(body) for _, body in batch]).decode()
                await conn.execute(SQL, (rows,), prepare=True)
                for wire, _ in batch:
                    if not wire.transport.is_closing():
                        wire.transport.write(SAID)


if __name__ == "__main__":
    uvloop.run(main())
