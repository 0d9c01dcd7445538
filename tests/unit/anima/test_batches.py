"""A backlog in batches: what each outcome becomes, and which verdict counts."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima.outbox import HEAD_BYTES, HEAD_LIMIT
from apps.anima.sender import Sender
from apps.bridge.client import LOWERED_SECONDS, Client
from schemas.bridge import CheckIn

BOOT = "0123456789abcdef"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NO = b'{"success": false, "error": "no"}'


class Pi:
    """A store, a will, and a sender that is turned by hand."""

    def __init__(self, store, client, will):
        self.store, self.will = store, will
        self.sender = Sender(store, client, will.hear)
        self.turn = self.sender._next

    def owe(self, count, agent="lumen"):
        """Puts check-ins into the outbox; gives their seqs."""

        def build(seq, _):
            return CheckIn(boot_id=BOOT, seq=seq, anima=self.will.anima, agent=agent)

        return [self.store.enqueue_checkin(BOOT, NOW, build) for _ in range(count)]

    def left(self):
        """Seq and attempts of all that waits."""
        return [(one.id, one.attempts) for one in self.store.oldest_checkins(999, 2**30)]


@pytest.fixture
def pi(store, client, will):
    """One that owes nothing yet."""
    return Pi(store, client, will)


def test_a_batch_is_bounded_in_number_and_bytes(pi, governance):
    """So that a backlog of a week is held a piece at a time."""
    pi.owe(HEAD_LIMIT + 3)
    assert pi.turn() == 0
    assert governance.batches == [HEAD_LIMIT]
    assert pi.turn() == 0
    assert governance.batches == [HEAD_LIMIT, 3]

    pi.owe(HEAD_LIMIT, "x" * 128)
    body = len(pi.store.oldest_checkins(1)[0].body) + 1
    assert [len(pi.store.oldest_checkins(9, body * n)) for n in (0, 1, 2, 3)] == [1, 1, 2, 3]
    assert HEAD_BYTES // 2_000 < HEAD_LIMIT


def test_one_alone_goes_the_way_of_the_live(pi, governance):
    """And is answered with a verdict of its own."""
    pi.owe(1)
    pi.turn()

    assert governance.batches == []
    assert pi.left() == []


def test_each_outcome_settles_its_own_check_in(pi, governance):
    """Arrived is gone, refused is set aside, the rest stays, and is tried again alone."""
    seqs = pi.owe(5)
    ok = governance.answers[0]
    governance.answers = [ok, (422, NO), ok, (503, NO), (503, NO), ok]

    assert pi.turn() >= 1
    assert pi.left() == [(seqs[3], 1), (seqs[4], 0)]
    assert pi.store.snapshot().rejected == 1
    assert governance.batches == [5]
    assert pi.turn() == 0
    assert governance.batches == [5]
    assert pi.left() == [(seqs[4], 0)]


def test_the_newest_verdict_of_a_batch_counts(pi, governance):
    """Pauses of last week are past; the pause of the last one holds, over a restart, too."""
    ok, pause = governance.answers[0], (200, governance.pause)
    pi.store.wake(NOW)
    pi.owe(3)
    governance.answers = [pause, pause, ok]
    pi.turn()
    assert pi.will.may_draw

    pi.owe(3)
    governance.answers = [ok, ok, pause]
    pi.turn()
    assert not pi.will.may_draw
    assert pi.store.wake(NOW) == "pause"


@pytest.mark.parametrize("change", [{"repeated": True}, {"contract": 3, "late": True}])
def test_a_batch_of_what_is_past_lifts_nothing(pi, governance, change):
    """Repeated or late: it was said before the pause, or of before."""
    ok = json.loads(governance.answers[0][1])
    pi.owe(1)
    governance.answers = [(200, governance.pause)]
    pi.turn()
    pi.owe(3)
    governance.answers = [(200, json.dumps({**ok, **change}).encode())]
    pi.turn()

    assert pi.left() == []
    assert not pi.will.may_draw


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b"null\n" * 3, b'{"status": 200}\n' * 3, b"[1]\n" * 3, b"<html>\n</html>\n.\n",
     b'{"status": 200, "answer": {"action": "proceed"}}\n' * 3,
     b'{"status": "x", "answer": {}}\n' * 3],
)  # fmt: skip
def test_an_answer_to_a_batch_that_is_none_stops_the_hand(pi, governance, monkeypatch, answer):
    """Nothing of it counts, nothing is lost, and the next one goes alone."""
    seqs = pi.owe(3)
    monkeypatch.setattr(Client, "_post", lambda *_: (200, {}, answer))

    assert pi.turn() >= 1
    assert not pi.will.may_draw
    assert [seq for seq, _ in pi.left()] == seqs
    monkeypatch.undo()
    pi.turn()
    assert governance.batches == []
    assert pi.will.may_draw


def test_half_a_batch_of_answers_is_none(pi, governance, monkeypatch):
    """One line less than check-ins: nobody knows which is whose."""
    seqs = pi.owe(3)
    line = b'{"status": 200, "answer": %s}\n' % governance.answers[0][1].replace(b"\n", b"")
    monkeypatch.setattr(Client, "_post", lambda *_: (200, {}, line * 2))
    pi.turn()

    assert not pi.will.may_draw
    assert [seq for seq, _ in pi.left()] == seqs


def test_a_mac_without_that_door_is_asked_one_by_one(pi, governance, client):
    """For ten minutes, or until the connection fails; said once, nothing lost."""
    now = 1_000.0
    client._clock = lambda: now
    governance.takes_batches = False
    seqs = pi.owe(4)
    for _ in range(4):
        assert pi.turn() == 0
    assert pi.left() == []
    said = [CheckIn.model_validate_json(body).seq for _, body in governance.received]
    assert said == seqs

    governance.takes_batches = True
    pi.owe(2)
    pi.turn()
    assert governance.batches == []
    now += LOWERED_SECONDS
    pi.owe(2)
    pi.turn()
    assert governance.batches == [3]


def test_a_batch_that_does_not_arrive_is_whole_again(pi, governance):
    """No body changes, so that it is a repeat and no conflict; the first one tries alone."""
    pi.owe(3)
    before = [one.body for one in pi.store.oldest_checkins(9)]
    governance.close()

    assert pi.turn() >= 1
    assert [one.body for one in pi.store.oldest_checkins(9)] == before
    assert [attempts for _, attempts in pi.left()] == [1, 0, 0]


def test_the_hand_is_still_with_the_next_tick(pi, governance):
    """A pause is in force as soon as it is heard, before it is on disk."""
    heard = []

    def refuse(*_, **__):
        heard.append(pi.will.may_draw)
        raise TimeoutError

    pi.owe(2)
    governance.answers = [(200, governance.pause)]
    pi.store.settle, settle = refuse, pi.store.settle
    with pytest.raises(TimeoutError):
        pi.turn()
    assert heard == [False]
    pi.store.settle = settle
    pi.store.wake(NOW + timedelta(minutes=1))
    pi.turn()
    assert pi.store.wake(NOW + timedelta(minutes=2)) == "pause"


def test_a_status_beyond_all_numbers_is_an_answer_without_verdict(pi, governance):
    """Not a crash of the sender."""
    seqs = pi.owe(2)
    governance.answers.insert(0, (200, b'{"status":1e999,"answer":{}}\n' * 2))
    pi.turn()

    assert not pi.will.may_draw
    assert [seq for seq, _ in pi.left()] == seqs
