"""The sender: order, patience, and a pause that is heard and kept whatever the disk says."""

import sqlite3
import time
from datetime import UTC, datetime

import pytest

from apps.anima.backoff import LAST_SECONDS
from apps.anima.outbox import Waiting
from apps.anima.sender import IDLE_SECONDS, Sender
from apps.anima.will import Will
from schemas.bridge import Action, CheckIn

BOOT = "0123456789abcdef"
NO = b'{"success": false, "error": "no"}'


@pytest.fixture
def owe(store, anima):
    """Puts check-ins into the outbox."""

    def enqueue(count):
        now = datetime.now(UTC)
        return [
            store.enqueue_checkin(
                BOOT, now, lambda seq, _: CheckIn(boot_id=BOOT, seq=seq, anima=anima)
            )
            for _ in range(count)
        ]

    return enqueue


def _until(fact):
    until = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_outbox_drains_in_order(store, client, governance, owe):
    """Oldest first, each once, none left."""
    seqs = owe(20)
    heard = []
    sender = Sender(store, client, heard.append)
    sender.start()
    _until(lambda: not store.oldest_checkins(1))

    assert sender.close(5)
    sent = [CheckIn.model_validate_json(body).seq for _, body in governance.received]
    assert sent == seqs
    assert governance.batches == [20]
    assert len(heard) == 1


def test_trouble_keeps_the_check_in_and_doubles_the_pause(store, client, governance, owe):
    """2, 4, 8 … 60 s, at least half of each; the count and the reason are kept."""
    owe(1)
    governance.answers = [(503, b"starting")]
    sender = Sender(store, client, lambda _: None)
    pauses = [sender.deliver(store.oldest_checkins(1)[0]) for _ in range(8)]

    for nth, pause in enumerate(pauses):
        longest = min(2 ** (nth + 1), LAST_SECONDS)
        assert longest / 2 <= pause <= longest
    (waiting,) = store.oldest_checkins(9)
    assert waiting.attempts == 8

    governance.answers = [(200, governance.pause)]
    assert sender.deliver(waiting) == 0
    assert store.oldest_checkins(1) == []


def test_a_dead_letter_does_not_block_the_queue(store, client, governance, owe):
    """Set aside with its reason; the next one goes at once."""
    owe(2)
    governance.answers = [(409, NO), governance.answers[0]]
    sender = Sender(store, client, lambda _: None)

    assert [sender.deliver(store.oldest_checkins(1)[0]) for _ in range(2)] == [0, 0]
    assert store.oldest_checkins(1) == []


@pytest.mark.parametrize("answer", ["pause", "nonsense"])
def test_a_hold_outlives_a_restart(store, client, governance, owe, answer):
    """It is on disk in the transaction that settles the check-in."""
    governance.answers = [(200, governance.pause if answer == "pause" else b"{}")]
    will = Will(store.wake(datetime.now(UTC)))
    owe(1)
    Sender(store, client, will.hear).deliver(store.oldest_checkins(1)[0])

    assert not Will(store.wake(datetime.now(UTC))).may_draw


class FullDisk:
    """A store that can be read and not written, until ``has_room``."""

    def __init__(self):
        self.has_room = False
        self.actions = []

    def oldest_checkins(self, *_):
        """One check-in that never goes away."""
        return [Waiting(1, "{}", 0)]

    def acknowledge(self, _, action, **__):
        """Also what notes an attempt and an action."""
        if not self.has_room:
            raise sqlite3.OperationalError("database or disk is full")
        self.actions.append(action)

    def note_attempt(self, seq, _, action):
        """As acknowledge."""
        self.acknowledge(seq, action)

    def remember_action(self, action):
        """As acknowledge."""
        self.acknowledge(0, action)


@pytest.mark.parametrize("answer", [b"{}", "pause"], ids=["nonsense", "pause"])
def test_a_pause_is_heard_when_the_disk_is_full(will, client, governance, answer):
    """And is written as soon as there is room, before anything else is sent."""
    governance.answers = [(200, governance.pause if answer == "pause" else answer)]
    disk = FullDisk()
    sender = Sender(disk, client, will.hear)
    with pytest.raises(sqlite3.OperationalError):
        sender._next()

    assert not will.may_draw

    with pytest.raises(sqlite3.OperationalError):
        sender._next()
    disk.has_room = True
    sender._next()
    assert disk.actions == [Action.PAUSE, Action.PAUSE]
    assert len(governance.received) == 2


def test_a_check_in_that_cannot_be_queued_is_sent_once(will, store, client, governance):
    """Its verdict counts and is remembered; the newest one only, the others are counted."""
    store.wake(datetime.now(UTC))
    governance.answers = [(200, governance.pause)]
    sender = Sender(store, client, will.hear)
    sender.send_unqueued('{"n": 1}')
    sender.send_unqueued('{"n": 2}')
    pauses = [sender._next(), sender._next()]

    assert pauses == [0.0, IDLE_SECONDS]
    assert [body for _, body in governance.received] == [b'{"n": 2}']
    assert store.dropped.total == 1
    assert not will.may_draw
    assert store.wake(datetime.now(UTC)) == "pause"

    governance.answers = [(503, b"later")]
    sender.send_unqueued('{"n": 3}')
    assert sender._next() >= 1
    assert store.dropped.total == 2


def test_an_answer_nobody_thought_of_is_no_proceed(store, client, will, monkeypatch):
    """The sender lives, counts it, and holds the hand, durably."""
    sender = Sender(store, client, will.hear)

    def odd():
        raise RuntimeError("out of nowhere")

    monkeypatch.setattr(sender, "_next", odd)
    monkeypatch.setattr(sender, "_sleep", lambda _: sender._closing.set())
    sender._run()

    assert sender.failures.counts == {"answer": 1}
    assert not will.may_draw
    assert sender._unkept == "pause"
