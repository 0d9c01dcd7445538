"""The process as it is: without Redis, under a write load, told to stop."""

import asyncio
import json
import signal

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from schemas.soulfra.live import PATH
from tests.database.soulfra.live.conftest import BEARER
from tests.database.soulfra.test_doors import Process


@pytest.fixture
def started(soulfra_database, tmp_path, streams):
    """One that reaches its Redis, or one that does not."""
    made = []

    def start(*, with_redis=True):
        told = streams.environment(tmp_path) if with_redis else {"REDIS_SOCKET": "/nowhere"}
        made.append(Process(tmp_path, soulfra_database, **told).ready())
        return made[-1]

    yield start
    for one in made:
        one.end(signal.SIGKILL)


def begin(process):
    """Somebody who whispers."""
    user = process.give("register-user", username="ada", email="ada@x.org")["id"]
    process.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")


async def taken(process, ids):
    """Take ids until it is closed; gives how."""
    url = f"ws://127.0.0.1:{process.port}{PATH}?from=0-0"
    async with connect(url, additional_headers=BEARER) as one:
        try:
            while True:
                ids.append(json.loads(await one.recv())["data"]["loop_id"])
        except ConnectionClosed:
            return one.close_code, one.close_reason


def test_told_to_stop_it_tells_what_was_acknowledged_and_says_goodbye(run, started, happening):
    """Three listen while it is written to: each has all, and knows from where to go on."""
    process = started()
    begin(process)
    acknowledged = []

    def write():
        for n in range(120):
            said = process.give("whisper", agent_id="oracle", text="it rains", loop_id=f"l-{n}")
            acknowledged.append(said["id"])

    async def stopped():
        found = [[], [], []]
        listening = [asyncio.create_task(taken(process, ids)) for ids in found]
        await asyncio.to_thread(write)
        ended = asyncio.to_thread(process.end)
        return (await ended), (await asyncio.gather(*listening)), found

    (code, log), closed, found = run(stopped())
    assert code == 0, log
    assert found == [acknowledged] * 3
    last = happening.ids()[-1].split("-")[0]
    for number, reason in closed:
        assert number == 1001
        assert reason.startswith(f"going away; go on from={last}-")


def test_without_redis_it_is_live_all_the_same(run, started, settled):
    """The log is read; that the streams wait is told."""
    process = started(with_redis=False)
    begin(process)

    async def listened():
        ids = []
        listening = asyncio.create_task(taken(process, ids))
        for n in range(3):
            await asyncio.to_thread(
                process.give, "whisper", agent_id="oracle", text="x", loop_id=f"l-{n}"
            )
        await asyncio.to_thread(settled, lambda: len(ids) == 3)
        listening.cancel()
        return ids

    assert run(listened()) == ["l-0", "l-1", "l-2"]
    health = ("GET", "/health")
    settled(lambda: process.ask(*health, token=None)[1]["streams"]["behind_seconds"] > 0)
    status, said = process.ask(*health, token=None)
    assert status == 200
    assert said["streams"]["away"] > 0
    assert "redis" in said["streams"]["trouble"]


def test_two_processes_relay_what_each_of_them_writes(started, streams, happening, settled):
    """To the same streams; one of them works at a time."""
    first, second = started(), started()
    begin(first)
    for n in range(40):
        one = (first, second)[n % 2]
        one.give("whisper", agent_id="oracle", text="it rains", loop_id=f"l-{n}")
    settled(lambda: streams.ids() == happening.ids() and len(streams.ids()) == 40)
    counts = [each.ask("GET", "/health", token=None)[1]["streams"] for each in (first, second)]
    assert sum(each["sent"] for each in counts) == 40
