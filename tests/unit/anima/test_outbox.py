"""The outbox in its bytes: what goes first, what never goes, and that every loss is told of."""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from apps.anima import outbox
from apps.anima.checkin import compose
from apps.anima.outbox import Fate
from apps.anima.readings import Reading
from apps.anima.requeue import requeue
from apps.anima.store import Store
from schemas.bridge import CheckIn

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOOT = "0123456789abcdef"
SMALL = 200_000
"""Bytes: some 300 check-ins without their detail."""


def _unsynced(db):
    """Thousands of commits, and no power cut."""
    db.execute("PRAGMA synchronous = OFF")


class Pi:
    """A store that checks in once a simulated minute, and remembers what it was ever given."""

    def __init__(self, path, anima, limit_bytes=SMALL):
        self.path, self.anima, self.limit_bytes = path, anima, limit_bytes
        self.given, self.settled = [], set()
        self.now = NOW
        self.reading = Reading("cpu_temp_c", 51.5, "Cel", "thermal_zone0", NOW)
        self.open()

    def open(self):
        """As after a start."""
        self.store = Store(self.path, "lumen", outbox_limit_bytes=self.limit_bytes)
        self.store.start()
        self.store._writer.submit("sync", _unsynced, "read").result(5)

    def check_in(self):
        """One more; gives its seq."""
        self.now += timedelta(minutes=1)
        build = compose(
            "lumen", BOOT, self.now, anima=self.anima, readings=[self.reading], dropped=0
        )
        self.given.append(self.store.enqueue_checkin(BOOT, self.now, build, 1.0))
        return self.given[-1]

    def rows(self, query):
        """What the file holds, as anybody sees it."""
        db = sqlite3.connect(self.path)
        found = db.execute(query).fetchall()
        db.close()
        return found

    def waiting(self):
        """Seq and body of all."""
        return dict(self.rows("SELECT id, body FROM outbox ORDER BY id"))

    def gaps(self):
        """First, last, count and stripped of all."""
        return self.rows("SELECT first_seq, last_seq, count, stripped FROM outbox_gaps")

    def misses(self):
        """Whether anything went."""
        return any(count for _, _, count, _ in self.gaps())

    def until(self, fact):
        """Check-ins until something is so."""
        for _ in range(2_000):
            if fact():
                return
            self.check_in()
        raise AssertionError(fact)


@pytest.fixture
def pi(path, anima, drawing_state):
    """One that has drawn."""
    made = Pi(path, anima)
    made.store.record_drawing_state(drawing_state())
    yield made
    assert made.store.close(5)


def _is_whole(body):
    return "sources" in body and "drawing_eisv" in body


def test_the_oldest_lose_their_detail_before_any_goes(pi):
    """Their numbers stay; the newest are whole."""
    pi.until(pi.gaps)
    bodies = pi.waiting()
    lean = [seq for seq, body in bodies.items() if not _is_whole(body)]
    behind = len(pi.store.oldest_checkins(outbox.HEAD_LIMIT))

    assert list(bodies) == pi.given
    assert lean == pi.given[behind : behind + len(lean)]
    assert len(lean) == outbox.CHUNK
    said = CheckIn.model_validate_json(bodies[lean[0]])
    assert (said.sensor_data.cpu_temp_c, said.anima) == (51.5, pi.anima)
    assert pi.gaps() == [(lean[0], lean[-1], 0, len(lean))]
    assert pi.store.dropped.total == 0


def test_the_older_half_goes_thin_when_there_is_no_detail_left(pi):
    """Every second one first; the newest stays, and so does the head."""
    pi.until(pi.misses)
    kept = list(pi.waiting())
    gone = sorted(set(pi.given) - set(kept))
    (gap,) = pi.gaps()

    assert gap[:3] == (gone[0], gone[-1], len(gone))
    assert [b - a for a, b in pairwise(gone)] == [2] * (len(gone) - 1)
    assert gone[-1] <= (pi.given[0] + pi.given[-1]) / 2
    assert pi.store.dropped.counts == {"outbox": len(gone)}
    for _ in range(1_000):
        pi.check_in()
    kept = list(pi.waiting())
    assert sum(seq > pi.given[-1] // 2 for seq in kept) > len(kept) / 2


def test_a_loss_is_told_until_it_is_heard(pi):
    """In every check-in after it; an older one that arrives tells nothing of it."""
    pi.until(pi.misses)
    old = min(pi.waiting())
    (before,) = pi.gaps()
    told = pi.check_in()
    (after,) = pi.gaps()
    said = json.loads(pi.waiting()[told])["pi"]

    assert (said["gaps"][0]["first_seq"], said["gaps"][0]["count"]) == (before[0], before[2])
    assert said["gaps"][0]["last_seq"] == before[1]
    assert said["thinned_checkins"] == before[3]
    pi.store.acknowledge(old, told=True)
    assert pi.gaps() == [after]
    newest = pi.check_in() if after == before else pi.given[-1]
    pi.store.acknowledge(newest, told=False)
    assert pi.gaps(), "a Mac of contract 2 was not told"
    while max(row[0] for row in pi.rows("SELECT changed_seq FROM outbox_gaps")) >= newest:
        for one in pi.store.oldest_checkins(9):
            pi.store.acknowledge(one.id)
        newest = pi.check_in()
    pi.store.acknowledge(newest, told=True)
    assert pi.gaps() == []
    last = pi.check_in()
    assert "gaps" not in json.loads(pi.waiting()[last])["pi"]


def test_what_may_have_arrived_keeps_its_body(pi):
    """All that could have been in a batch, and what was pushed back by older ones."""
    for _ in range(outbox.HEAD_LIMIT + 20):
        pi.check_in()
    first = pi.store.oldest_checkins(1)[0]
    pi.store.reject(first.id, NOW, "no")
    head = {one.id: one.body for one in pi.store.oldest_checkins(outbox.HEAD_LIMIT)}
    requeue({"ANIMA_HOME": str(pi.path.parent)})
    for _ in range(1_000):
        pi.check_in()
    bodies = pi.waiting()

    assert len(bodies) < 800
    assert {seq: bodies.get(seq) for seq in head} == head
    assert bodies[first.id] == first.body


def test_a_requeue_beside_us_is_counted(pi):
    """Depth and bytes are true again with the next look."""
    for _ in range(3):
        pi.check_in()
    pi.store.reject(1, NOW, "no")
    assert pi.store.snapshot().waiting == 2
    requeue({"ANIMA_HOME": str(pi.path.parent)})
    now = pi.store.snapshot()

    assert (now.waiting, now.rejected) == (3, 0)
    assert now.waiting_bytes == sum(map(len, pi.waiting().values()))


def test_what_is_undone_is_not_counted(pi):
    """The count is in the transaction."""
    pi.check_in()
    before = pi.store.snapshot()

    def no(seq, snapshot):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        pi.store.enqueue_checkin(BOOT, NOW, no)
    after = pi.store.snapshot()
    assert (after.waiting, after.waiting_bytes) == (before.waiting, before.waiting_bytes)


@pytest.mark.parametrize("seed", range(int(os.environ.get("ABODE_OUTBOX_SEEDS") or 2)))
def test_kept_settled_and_missing_are_all_that_was_ever_given(path, anima, drawing_state, seed):
    """Whatever comes and goes: bytes in bounds, the newest there, each loss in one gap, counted."""
    random = Random(seed)
    pi = Pi(path, anima, random.choice([80_000, 150_000]))
    pi.store.record_drawing_state(drawing_state())
    heard = 0
    for _ in range(60):
        match random.choices(range(4), [15, 5, 3, 1])[0]:
            case 0:
                for _ in range(random.randrange(40)):
                    pi.check_in()
                    size, newest = pi.rows("SELECT sum(length(body)), max(id) FROM outbox")[0]
                    assert size <= pi.limit_bytes
                    assert newest == pi.given[-1]
            case 1:
                batch = pi.store.oldest_checkins(random.randrange(1, 64))
                fates = [
                    Fate(one.id, *random.choice([(None,), ("no", True), ("later",)]))
                    for one in batch
                ]
                arrived = [fate.id for fate in fates if fate.reason is None]
                known = pi.rows("SELECT count, changed_seq FROM outbox_gaps")
                newest = max(arrived, default=0)
                heard += sum(count for count, seq in known if seq < newest)
                pi.store.settle("batch", fates, told=newest or None)
                pi.settled |= {fate.id for fate in fates if fate.reason is None or fate.is_final}
            case 2:
                for one in pi.store.oldest_checkins(10_000, 10**9)[-2:]:
                    pi.store.acknowledge(one.id)
                    pi.settled.add(one.id)
            case _:
                assert pi.store.close(5)
                pi.open()
    bodies, gaps = pi.waiting(), pi.gaps()
    missing = set(pi.given) - set(bodies) - pi.settled
    told = pi.store.snapshot()
    assert pi.store.close(5)

    assert len(pi.given) == len(set(pi.given))
    assert heard + sum(count for _, _, count, _ in gaps) == len(missing)
    assert missing or seed
    assert all(a[1] < b[0] for a, b in pairwise(gaps))
    if not heard:
        assert all(any(first <= seq <= last for first, last, *_ in gaps) for seq in missing)
    assert (told.waiting, told.waiting_bytes) == (len(bodies), sum(map(len, bodies.values())))


def test_a_limit_that_was_lowered_is_reached_by_and_by(path, anima, monkeypatch):
    """A check-in makes room in so many steps at most, and the next ones go on."""
    monkeypatch.setattr(outbox, "STEPS", 4)
    pi = Pi(path, anima, limit_bytes=10**7)
    for _ in range(600):
        pi.check_in()
    pi.store.close(5)
    pi.limit_bytes = 60_000
    pi.open()
    sizes = []
    for _ in range(60):
        pi.check_in()
        sizes.append(pi.rows("SELECT sum(length(body)) FROM outbox")[0][0])
    pi.store.close(5)

    assert sizes[0] > 60_000
    assert sizes[-1] <= 60_000
