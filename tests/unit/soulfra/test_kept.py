"""Tasks of a process: done again and again, failures counted, ended in time."""

import asyncio

import pytest

from apps.soulfra import kept
from schemas.errors import Unreachable


async def ran(do, rounds, seconds=0.001):
    """A task that was run until it was begun so often."""
    begun, enough = 0, asyncio.Event()

    async def counted():
        nonlocal begun
        begun += 1
        if begun >= rounds:
            enough.set()
        return await do(begun)

    task = kept.Task("t", counted, seconds)
    async with kept.kept([task]):
        await asyncio.wait_for(enough.wait(), 10)
    return task, begun


@pytest.fixture
def soon(monkeypatch):
    """Failures are not waited for."""
    monkeypatch.setattr(kept, "AFTER_FAILURE_SECONDS", 0.001)


def test_a_failure_is_counted_said_once_and_survived(soon, caplog):
    """Ours and the disk's alike; after a success nothing is said of it any more."""

    async def do(n):
        if n in {2, 3}:
            raise Unreachable("postgres: is away")
        if n == 4:
            raise KeyError("a fault of ours")
        return False

    caplog.set_level("WARNING", "soulfra")
    task, _ = asyncio.run(ran(do, 6))

    assert task.failed == 3
    assert task.done >= 3
    assert task.why == ""
    assert sum("is away" in each.message for each in caplog.records) == 1
    assert kept.told([task]) == {"t": {"done": task.done, "failed": 3}}


def test_with_more_to_do_it_does_not_wait():
    """A hundred rounds of a task of once a day."""

    async def do(n):
        return n < 100

    task, begun = asyncio.run(ran(do, 100, 86_400))
    assert begun == task.done == 100


def test_what_never_ends_is_cut_off(monkeypatch):
    """The process is not kept by it."""
    monkeypatch.setattr(kept, "ENDING_SECONDS", 0.01)

    async def do(_):
        await asyncio.sleep(3_600)

    task, _ = asyncio.run(ran(do, 1))
    assert task.done == 0
