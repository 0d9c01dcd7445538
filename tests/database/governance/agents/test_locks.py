"""Work that one process does at a time."""

import asyncio
from pathlib import Path

import pytest

from apps.governance.locks import Locks
from apps.redis_line import Line
from schemas.errors import Refused, Unreachable


def with_locks(redis, work):
    """Run ``work`` on two processes' locks."""

    async def run():
        lines = [redis.line(), redis.line()]
        try:
            return await work(*(Locks(line) for line in lines))
        finally:
            for line in lines:
                await line.close()

    return asyncio.run(run())


def test_one_of_many_has_it(redis):
    """Of 32 that ask at once; the next gets it when it is given back, with a higher number."""

    async def work(one, other):
        said = await asyncio.gather(*((one, other)[n % 2].take("sweep", 30) for n in range(32)))
        (lease,) = [lease for lease in said if lease]
        given = await one.give(lease)
        again = await other.take("sweep", 30)
        return lease, given, again

    lease, given, again = with_locks(redis, work)

    assert given
    assert again.fence > lease.fence
    assert again.holder != lease.holder
    assert 0 < int(redis.cli("TTL", "lock:sweep")) <= 30
    assert int(redis.cli("TTL", "fence:sweep")) > 86_400


def test_who_lost_it_cannot_take_it_from_the_next(redis):
    """It ended by itself; giving it back late changes nothing."""

    async def work(one, other):
        lost = await one.take("sweep", 1)
        await asyncio.sleep(1.2)
        mine = await other.take("sweep", 30)
        return await one.give(lost), mine, await one.take("sweep", 30)

    given, mine, third = with_locks(redis, work)

    assert given is False
    assert mine is not None
    assert third is None


def test_a_wipe_does_not_begin_the_numbers_anew(redis):
    """A store that compares them would take the old holder for the newer."""

    async def work(one, other):
        before = await one.take("sweep", 30)
        redis.cli("FLUSHALL")
        return before, await other.take("sweep", 30)

    before, after = with_locks(redis, work)
    assert after.fence > before.fence


def test_whoever_has_not_got_it_leaves_the_work(redis):
    """And gives it back at the end, whatever happened."""

    async def work(one, other):
        async with one.held("sweep", 30) as mine, other.held("sweep", 30) as second:
            pass
        with pytest.raises(ValueError, match="broke"):
            async with other.held("sweep", 30) as third:
                raise ValueError("broke")
        return mine, second, third, await one.take("sweep", 30)

    mine, second, third, free = with_locks(redis, work)

    assert (mine, second, third) == (True, False, True)
    assert free is not None


def test_without_redis_the_work_goes_on():
    """Counted; taking the lock itself says that nobody knows."""

    async def run():
        locks = Locks(Line(Path("/nowhere/redis.sock")))
        with pytest.raises(Unreachable):
            await locks.take("sweep", 1)
        async with locks.held("sweep", 1) as mine:
            return mine, locks.alone

    assert asyncio.run(run()) == (True, 1)


@pytest.mark.parametrize("seconds", [0, -1, 3_601])
def test_no_lock_is_for_ever(seconds):
    """Nor for no time."""
    with pytest.raises(Refused):
        asyncio.run(Locks(Line(Path("/nowhere/redis.sock"))).take("sweep", seconds))
