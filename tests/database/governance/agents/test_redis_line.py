"""One connection to Redis: in order, all that gathered at once, and never for ever."""

import asyncio
import socket
import time

import pytest

from apps.redis_line import Line, Script
from schemas.errors import Refused, Unreachable


def test_each_caller_gets_its_own_answer(redis):
    """However many ask at once, and whoever goes away before the answer."""

    async def run():
        line = redis.line()
        for n in range(500):
            await line.ask("SET", f"session:{n}", f"agent-{n}")
        asked = [asyncio.create_task(line.ask("GET", f"session:{n}")) for n in range(500)]
        await asyncio.sleep(0)
        for task in asked[::7]:
            task.cancel()
        said = await asyncio.gather(*asked, return_exceptions=True)
        await line.close()
        return said, line.connected

    said, connected = asyncio.run(run())

    assert connected == 1
    for n, answer in enumerate(said):
        assert answer == f"agent-{n}" or (n % 7 == 0 and isinstance(answer, asyncio.CancelledError))


def test_what_the_role_may_not_do_is_refused_and_the_line_goes_on(redis):
    """By Redis' own ACL; the next question is answered."""

    async def run():
        line = redis.line()
        for words in (["GET", "other"], ["FLUSHALL"], ["KEYS", "*"], ["EVAL", "return 1", 0]):
            with pytest.raises(Refused, match="NOPERM"):
                await line.ask(*words)
        with pytest.raises(Refused, match=r"(?i)noperm|permission"):
            await line.run(Script("return redis.call('GET', 'other')"), ["session:x"], [])
        said = await line.ask("PING")
        await line.close()
        return said

    assert asyncio.run(run()) == "PONG"


def test_it_comes_back_after_redis_did(redis):
    """Who asked while it was away was told at once; it is not asked again and again meanwhile."""

    async def run():
        line = redis.line()
        await line.ask("SET", "session:a", "x", "EX", 60)
        redis.stop()
        refused, began = 0, time.monotonic()
        for _ in range(1000):
            try:
                await line.ask("GET", "session:a")
            except Unreachable:
                refused += 1
        took = time.monotonic() - began
        redis.begin()
        until = time.monotonic() + 10
        while True:
            try:
                said = await line.ask("PING")
                break
            except Unreachable:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        await line.close()
        return refused, took, said, line.connected

    refused, took, said, connected = asyncio.run(run())

    assert (refused, said, connected) == (1000, "PONG", 2)
    assert took < 5


def test_a_wrong_password_is_told_and_not_tried_all_the_time(redis):
    """A storm of tries would fill Redis' log."""

    async def run():
        line = Line(redis.socket, "governance", "wrong")
        for _ in range(100):
            with pytest.raises(Unreachable):
                await line.ask("PING")
        await line.close()
        return line.trouble

    assert "WRONGPASS" in asyncio.run(run())
    assert redis.cli("ACL", "LOG").count("wrong") == 0
    assert redis.cli("ACL", "LOG").count("\nauth\n") <= 2


def test_a_redis_that_is_silent_is_given_up(tmp_path):
    """Whoever waits is told within two seconds, all of them."""
    path = tmp_path / "mute.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        async def run():
            line = Line(path)
            began = time.monotonic()
            said = await asyncio.gather(
                *(line.ask("GET", "session:x") for _ in range(50)), return_exceptions=True
            )
            await line.close()
            return said, time.monotonic() - began

        said, took = asyncio.run(run())

    assert all(isinstance(answer, Unreachable) for answer in said)
    assert took < 2.5


def test_a_script_is_sent_again_after_redis_forgot_it(redis):
    """SCRIPT FLUSH and a restart take it away."""

    async def run():
        line = redis.line()
        script = Script("return redis.call('SET', KEYS[1], ARGV[1])")
        first = await line.run(script, ["session:s"], ["a"])
        redis.cli("SCRIPT", "FLUSH")
        second = await line.run(script, ["session:s"], ["b"])
        await line.close()
        return first, second

    assert asyncio.run(run()) == ("OK", "OK")
    assert redis.cli("GET", "session:s") == "b"


def test_answers_larger_than_a_read_arrive_whole(redis):
    """And those behind them as well."""

    async def run():
        line = redis.line()
        await line.ask("SET", "agent_meta:x", "y" * 3_000_000)
        said = await asyncio.gather(*(line.ask("GET", "agent_meta:x") for _ in range(5)))
        await line.close()
        return [len(text) for text in said]

    assert asyncio.run(run()) == [3_000_000] * 5
