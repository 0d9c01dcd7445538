"""An answer that goes on: it ends with its reader, whatever became of that."""

import asyncio
import socket
from contextlib import suppress

import pytest

from apps.bridge import wire
from apps.bridge.listener import Listener, drained
from apps.bridge.web import Answer


async def pour(read, part=b"0123456789", parts=3):
    """Whether the stream was closed in time, and what ``read`` made of it."""
    closed = asyncio.Event()

    async def stream():
        try:
            for _ in range(parts):
                yield part
                await asyncio.sleep(0)
        finally:
            closed.set()

    async def app(_):
        return Answer(b"", stream=stream())

    with socket.create_server(("127.0.0.1", 0)) as made:
        listener = Listener(app)
        await listener.open(made)
        reader, writer = await asyncio.open_connection(*made.getsockname(), limit=1_024)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(5):
            got = await read(reader, writer)
            await closed.wait()
            writer.close()
            await drained([listener], 1)
    return got


def test_it_is_sent_part_by_part_without_a_length():
    """And ends with an empty part."""

    async def read(reader, _):
        return await reader.readuntil(b"0\r\n\r\n")

    head, _, body = asyncio.run(pour(read)).partition(b"\r\n\r\n")
    assert body == b"a\r\n0123456789\r\n" * 3 + b"0\r\n\r\n"
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head


def test_a_reader_who_takes_nothing_is_let_go(monkeypatch):
    """The stream is closed although the rest was never taken."""
    monkeypatch.setattr(wire, "STALL_SECONDS", 0.05)

    async def read(*_):
        await asyncio.sleep(0.2)

    asyncio.run(pour(read, b"x" * 1_000_000, 10**9))


def test_a_stream_that_breaks_off_ends_the_connection():
    """Its reader must not take what came of it for the whole."""

    async def read(reader, _):
        got = b""
        with suppress(ConnectionError):
            while piece := await reader.read(1_000):
                got += piece
        return got

    assert not asyncio.run(pour(read, part=None)).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("parts", [3, 10**9])
def test_a_reader_who_hangs_up_ends_it(parts):
    """At once, between two parts."""

    async def read(_, writer):
        writer.close()

    asyncio.run(pour(read, parts=parts))
