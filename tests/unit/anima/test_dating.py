"""A backlog of a stretch without a time: it waits for its dates, and no longer than that."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from apps.anima import sender as sender_file
from apps.anima.clock import SECOND, Board, Clock
from apps.anima.outbox import HEAD_LIMIT
from apps.anima.retiming import Retiming
from apps.anima.sender import Sender
from apps.bridge.client import Client
from schemas.anima.tables import AnimaState
from schemas.bridge import CheckIn

BOOT = "0123456789abcdef"
COUNT = 300


class Pi:
    """Clock, re-timing, outbox and sender as main.py puts them together; the wall says 1970."""

    def __init__(self, store, governance, anima):
        self.ago = timedelta(0)
        """How long before the real time it is on this board."""
        real = Board().boottime
        board = Board(
            # A day more than this machine: it may have begun only now.
            boottime=lambda: real() + 86_400 * SECOND - self.ago // timedelta(microseconds=1),
            wall=lambda: 20 * SECOND,
            synced=lambda: None,
            boot=lambda: "boot-1",
        )
        self.store, self.anima = store, anima
        self.clock = Clock(board)
        self.retiming = Retiming(store, self.clock)
        client = Client(governance.url, SecretStr("x"), dated=self.clock.hear_date)
        self.sender = Sender(
            store, client, lambda _: None, now=self.clock.now, at_once=self.retiming.at_once
        )
        self.truth = []

    def live_untimed(self):
        """A check-in and four states a minute, and nobody says what time it is."""
        self.ago = timedelta(minutes=COUNT)
        self.retiming.begin()
        for _ in range(COUNT):
            now = self.clock.now()
            self.truth.append(datetime.now(UTC) - self.ago)
            self.store.enqueue_checkin(
                BOOT, now, lambda seq, _: CheckIn(boot_id=BOOT, seq=seq, anima=self.anima)
            )
            for _ in range(4):
                self.store.record_state(AnimaState(timestamp=now, **self.anima.model_dump()))
            self.ago -= timedelta(minutes=1)

    def run(self, until):
        """The clock's chore again and again, the sender in its thread."""
        self.sender.start()
        late = time.monotonic() + 20
        while not until():
            assert time.monotonic() < late
            self.retiming.turn()
            time.sleep(0.01)
        assert self.sender.close(5)


@pytest.fixture
def pi(store, governance, anima, monkeypatch):
    """One that has lived for hours without a time."""
    monkeypatch.setattr(sender_file, "IDLE_SECONDS", 0.02)
    made = Pi(store, governance, anima)
    made.live_untimed()
    return made


@pytest.mark.parametrize("was_away", [True, False])
def test_a_backlog_waits_for_its_dates(pi, governance, was_away):
    """Only the first goes without: its answer tells the time. Order stays, dates are true."""
    if was_away:
        pi.sender._backoff.wait()
    pi.run(lambda: len(governance.received) >= COUNT)

    sent = [json.loads(body) for _, body in governance.received]
    assert [body["seq"] for body in sent] == list(range(1, COUNT + 1))
    assert [body["seq"] for body in sent if "recorded_at" not in body] == [1]
    for body, truth in zip(sent[1:], pi.truth[1:], strict=True):
        assert abs(datetime.fromisoformat(body["recorded_at"]) - truth) <= timedelta(seconds=1)
    assert max(governance.batches) == HEAD_LIMIT


def test_dates_are_not_waited_for_until_all_is_moved(pi):
    """The outbox is moved first, and goes as soon as it is."""
    pi.clock.hear(datetime.now(UTC))
    seen = [pi.retiming.at_once()]
    while seen[-1] != HEAD_LIMIT:
        pi.retiming.turn()
        seen.append(pi.retiming.at_once())
        pi.store.submit("test", lambda db: None).result(10)

    assert not pi.retiming.is_settled
    assert set(seen) == {0, HEAD_LIMIT}
    assert all("recorded_at" in one.body for one in pi.store.oldest_checkins(999, 2**30))


def test_a_clock_that_comes_to_no_rest_is_waited_for_so_long_and_no_longer(
    pi, governance, monkeypatch
):
    """An outbox that nobody dates is sent as it is: it is not lost."""
    monkeypatch.setattr(sender_file, "HELD_SECONDS", 0.0)
    pi.sender._held_until = 0.0
    monkeypatch.setattr(pi.retiming, "turn", lambda: None)
    pi.run(lambda: len(governance.received) >= COUNT)


def test_one_at_a_time_goes_while_nobody_tells_the_time(pi, store, governance, monkeypatch):
    """A Date that is not heard keeps no check-in back."""
    monkeypatch.setattr(pi.clock, "hear_date", lambda _: None)
    pi.sender._client._dated = pi.clock.hear_date
    for _ in range(3):
        assert pi.sender._next() == 0.0

    assert len(governance.received) == 3
    assert governance.batches == []
