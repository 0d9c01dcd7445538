"""How often one agent may call: counted in Redis and here, and never open without one of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.bridge import web
from apps.bridge.client import Client, Unavailable
from apps.bridge.refusals import TooMany, status_of
from apps.governance.limits import AGENTS_LIMIT, Limits, is_live
from apps.governance.report import report
from apps.redis_line import Line
from schemas.bridge import CheckIn
from schemas.governance.limits import PER_AGENT, Rate

NOW = datetime.now(UTC)
CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
NOWHERE = Path("/nowhere/redis.sock")


class Clock:
    """Seconds, as the test wants them."""

    now = 1_000.0

    def __call__(self) -> float:
        """Now."""
        return self.now


async def taken(limits: Limits, agent: str, times: int) -> tuple[int, int]:
    """How many calls were let through, and how long the last had to wait."""
    let, wait = 0, 0
    for _ in range(times):
        try:
            await limits.take(agent)
            let += 1
        except TooMany as error:
            wait = error.retry_after
    return let, wait


def said(seq: int, recorded_at: datetime):
    """A keyed check-in."""
    body = {"anima": CALM, "boot_id": "boot-0001", "seq": seq, "recorded_at": recorded_at}
    return report("lumen", CheckIn.model_validate(body), NOW)


def test_60_in_a_minute_and_1000_in_an_hour():
    """The numbers of the seeds, in one place."""
    assert (Rate(60, 60), Rate(1_000, 3_600)) == PER_AGENT


def test_the_61st_call_waits_for_the_first_to_be_a_minute_old(redis):
    """By Redis alone: each call comes through another process. Other agents are not held up."""

    async def run():
        line = redis.line()
        let = 0
        for _ in range(60):
            let += (await taken(Limits(line), "lumen", 1))[0]
        over = await taken(Limits(line), "lumen", 3)
        other = await taken(Limits(line), "ember", 1)
        await line.close()
        return let, over, other

    let, (more, wait), other = asyncio.run(run())

    assert (let, more, other) == (60, 0, (1, 0))
    assert 50 <= wait <= 60
    assert redis.cli("LLEN", "rate_limit:lumen") == "60"
    assert 3_500 < int(redis.cli("TTL", "rate_limit:lumen")) <= 3_600


def test_who_calls_at_once_is_counted_one_by_one(redis):
    """Five processes, 40 calls each at the same time: exactly 60 are let through."""

    async def run():
        lines = [redis.line() for _ in range(5)]
        limits = [Limits(line) for line in lines]
        said = await asyncio.gather(
            *(one.take("lumen") for one in limits for _ in range(40)), return_exceptions=True
        )
        for line in lines:
            await line.close()
        return said

    said = asyncio.run(run())

    assert sum(answer is None for answer in said) == 60
    assert all(answer is None or isinstance(answer, TooMany) for answer in said)


def test_the_window_slides(redis):
    """Each call comes back when it is old enough, not all at the turn of a minute."""

    async def run():
        line = redis.line()
        rates = (Rate(3, 1), Rate(5, 3_600))
        let = []
        for pause in (0, 0.4, 0.4, 0.4, 0):
            await asyncio.sleep(pause)
            let.append((await taken(Limits(line, rates), "lumen", 2))[0])
        await line.close()
        return let

    # Two at 0, one of two at 0.4, none at 0.8; at 1.2 the first two are old, then 5 are the hour's.
    assert asyncio.run(run()) == [2, 1, 0, 2, 0]


def test_a_clock_that_was_set_back_locks_nobody_out(redis):
    """Calls of the future never grow old."""
    ahead = [str(int((NOW + timedelta(days=1)).timestamp() * 1000))] * 60
    redis.cli("RPUSH", "rate_limit:lumen", *ahead)

    async def run():
        line = redis.line()
        said = await taken(Limits(line), "lumen", 1)
        await line.close()
        return said

    assert asyncio.run(run()) == (1, 0)


def test_without_redis_the_count_goes_on_here():
    """The same rates, counted as such, and open again when the first call is old."""
    clock = Clock()

    async def run():
        limits = Limits(Line(NOWHERE), clock=clock)
        first = await taken(limits, "lumen", 70)
        clock.now += 59.5
        second = await taken(limits, "lumen", 1)
        clock.now += 1
        third = await taken(limits, "lumen", 70)
        return first, second, third, limits.alone, limits.refused

    first, second, third, alone, refused = asyncio.run(run())

    assert (first, second, third) == ((60, 60), (0, 1), (60, 60))
    assert (alone, refused) == (120, 21)


def test_the_hour_counts_without_redis_as_well():
    """A thousand, however slowly."""
    clock = Clock()

    async def run():
        limits, let = Limits(Line(NOWHERE), clock=clock), 0
        for _ in range(1_200):
            let += (await taken(limits, "lumen", 1))[0]
            clock.now += 1.5
        return let

    assert asyncio.run(run()) == 1_000


def test_redis_going_away_opens_nothing(redis):
    """What was counted there was counted here as well."""

    async def run():
        line = redis.line()
        limits = Limits(line)
        before = await taken(limits, "lumen", 60)
        redis.stop()
        after = await taken(limits, "lumen", 5)
        await line.close()
        return before, after

    before, after = asyncio.run(run())

    assert before == (60, 0)
    assert after[0] == 0


def test_what_redis_refuses_is_not_counted_here(redis):
    """Else who waited as told would be refused again."""
    soon = datetime.now(UTC) + timedelta(seconds=5)
    redis.cli("RPUSH", "rate_limit:lumen", *[str(int(soon.timestamp() * 1000))] * 60)

    async def run():
        line = redis.line()
        limits = Limits(line)
        said = await taken(limits, "lumen", 30)
        await line.close()
        return said, len(limits._calls["lumen"])

    (let, _), counted = asyncio.run(run())
    assert (let, counted) == (0, 0)


def test_the_count_here_is_bounded():
    """However many agents there are; who called last is kept."""

    async def run():
        limits = Limits(Line(NOWHERE))
        for n in range(AGENTS_LIMIT + 20):
            await limits.take(f"agent-{n}")
        return limits

    limits = asyncio.run(run())

    assert len(limits._calls) == AGENTS_LIMIT
    assert limits.forgotten == 20
    assert f"agent-{AGENTS_LIMIT + 19}" in limits._calls


def test_the_backlog_of_a_week_is_never_held_up():
    """10,080 check-ins at once; those of now count, and so does one without a key."""

    async def run():
        limits = Limits(Line(NOWHERE))
        for n in range(10_080):
            await limits.admit(said(n, NOW - timedelta(minutes=10_080 - n + 3)))
        return limits._calls

    assert asyncio.run(run()) == {}
    assert is_live(said(1, NOW))
    assert is_live(report("lumen", CheckIn.model_validate({"anima": CALM}), NOW))
    assert is_live(said(1, NOW)._replace(recorded_at=NOW - timedelta(seconds=119)))
    assert not is_live(said(1, NOW - timedelta(seconds=121)))


def test_the_refusal_is_a_429_that_says_when():
    """With Retry-After; the Pi's client takes it for later, not for never."""
    error = TooMany("lumen", PER_AGENT, 37)
    answer = web.refusal(error)

    assert status_of(error) == answer.status == 429
    assert answer.headers["retry-after"] == "37"
    assert "60 in 60 s" in error.message


def test_the_pis_client_sends_it_again_later(monkeypatch):
    """A check-in over the limit stays in the outbox; the server's wish is heard."""
    body = web.refusal(TooMany("lumen", PER_AGENT, 37)).body
    head = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 37\r\n\r\n"

    class Wired(Client):
        def _exchange(self, *_):
            return head + body

    class Secret:
        def get_secret_value(self):
            return "x"

    outcome = Wired("http://mac:1", Secret()).send(b'{"contract": 2}')

    assert isinstance(outcome, Unavailable)
    assert outcome.retry_after == 37


@pytest.mark.parametrize("rates", [(Rate(1, 1),), (Rate(2, 60), Rate(3, 120), Rate(5, 3_600))])
def test_other_rates_need_no_other_script(redis, rates):
    """The script is given them."""

    async def run():
        line = redis.line()
        said = await taken(Limits(line, rates), "lumen", 10)
        await line.close()
        return said

    let, wait = asyncio.run(run())
    assert let == rates[0].calls
    assert 0 < wait <= rates[0].seconds
