"""An answer that goes on: it ends with its reader, whatever became of that."""

import asyncio

import pytest

from apps.bridge import web


async def pour(send, receive=None, parts=3):
    """Whether the stream was closed, and what was sent of it."""
    closed = []

    async def stream():
        try:
            for n in range(parts):
                yield b"%d" % n
        finally:
            closed.append(True)

    async def never():
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await web.reply(receive or never, send, web.Answer(b"", stream=stream()))
    return bool(closed)


def test_it_is_sent_part_by_part_without_a_length():
    """And ends with an empty part."""
    sent = []

    async def send(message):
        sent.append(message)

    assert asyncio.run(pour(send))
    assert [m.get("body") for m in sent[1:]] == [b"", b"0", b"1", b"2", b""]
    assert [m.get("more_body", False) for m in sent[1:]] == [True] * 4 + [False]
    assert b"content-length" not in dict(sent[0]["headers"])


def test_a_reader_who_takes_nothing_is_let_go(monkeypatch):
    """The stream is closed although the part was never taken."""
    monkeypatch.setattr(web, "STALL_SECONDS", 0.05)

    async def send(message):
        if message.get("body"):
            await asyncio.Event().wait()

    assert asyncio.run(pour(send))


@pytest.mark.parametrize("parts", [3, 10**9])
def test_a_reader_who_hangs_up_ends_it(parts):
    """At once, between two parts."""

    async def send(_):
        await asyncio.sleep(0.001)

    async def gone():
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    assert asyncio.run(pour(send, gone, parts))
