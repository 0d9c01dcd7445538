"""A board whose clock goes wrong in every known way, and a creature that lives on it."""

import itertools
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from apps.anima.clock import EPOCH, SECOND, Board, Clock
from apps.anima.finished import Finished
from apps.anima.instants import as_instant
from apps.anima.retiming import QUERIES, STAMPS, Retiming, last_ids
from apps.anima.store import Store
from apps.sqlite import as_text
from schemas.anima.tables import AnimaState
from schemas.bridge import CheckIn
from schemas.eisv import Anima

ANIMA = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)
YEAR = 365 * 86_400
STATE_EVERY, DRAW_EVERY, CHECK_IN_EVERY = 5, 7, 20
"""Seconds between rows: sooner than life does it, so that a short case has many."""


class Written(NamedTuple):
    """A row as it was handed to the store: by the real time, and by the creature's."""

    truth: datetime
    stamp: datetime
    boot: int


class World:
    """The real time, one board, and the process on it."""

    def __init__(self, path, start, make_drawing, linger=0.0):
        self.path, self.truth, self.make_drawing = path, start, make_drawing
        self.linger = linger
        self.rows = {table: [] for table in STAMPS}
        self.boots = itertools.count(1)
        self.boot = 0
        self.sent = []
        self.governance = None
        """How wrong governance's clock is in seconds; None while it is away."""
        self.store = None
        self.begun = None
        self.lied = False
        """Whether governance ever told a wrong time: what was sent by it stays as it was."""

    # The board

    def power_on(self, wall=None, uptime=15.0):
        """The kernel starts; the system's clock shows ``wall``, or the truth."""
        self.boot = next(self.boots)
        self.boottime = int(uptime * SECOND)
        self.shown = self._micros(wall or self.truth)
        self.synced = None
        self.wake()

    def power_cut(self, away=60.0):
        """Everything stops, and the real time goes on."""
        self.stop()
        self.truth += timedelta(seconds=away)

    def ntp(self, wrong=0.0):
        """Time synchronisation sets the system's clock."""
        self.shown = self._micros(self.truth + timedelta(seconds=wrong))
        self.synced = self.shown

    def jump(self, seconds):
        """Somebody sets the system's clock."""
        self.shown += int(seconds * SECOND)

    def board(self):
        """What the clock asks."""
        return Board(
            boottime=lambda: self.boottime,
            wall=lambda: self.shown,
            synced=lambda: self.synced,
            boot=lambda: f"boot-{self.boot}",
        )

    # The process

    def wake(self):
        """The process begins as main.py begins it."""
        self.store = Store(self.path, "lumen", linger=self.linger)
        self.store.start()
        self.clock = Clock(self.board())
        self.retiming = Retiming(self.store, self.clock)
        self.retiming.begin()
        self.store.wake(self.clock.now())
        self.settle()

    def stop(self):
        """The process is gone."""
        if self.store is not None:
            assert self.store.close(10)
            self.store = None

    def live(self, seconds):
        """Second by second: the clock's chore, rows, check-ins, answers."""
        for second in range(1, int(seconds) + 1):
            self.truth += timedelta(seconds=1)
            self.boottime += SECOND
            self.shown += SECOND
            self.retiming.turn()
            if second % STATE_EVERY == 0:
                self._state()
            if second % DRAW_EVERY == 0:
                self._draw()
                self._happen()
            if second % CHECK_IN_EVERY == 0:
                self._check_in()
                self._finish()
                self._send()
            if not self.retiming.is_settled:
                self.settle()
        self.settle()

    def skip(self, days):
        """The board stays on, and nothing happens."""
        self.truth += timedelta(days=days)
        self.boottime += days * 86_400 * SECOND
        self.shown += days * 86_400 * SECOND
        self.retiming.turn()
        self.settle()

    def settle(self):
        """Let the writer come to rest, and the clock hear of it."""
        self.store.submit("test", lambda db: None).result(10)
        for _ in range(1_000):
            if self.retiming.is_settled:
                return
            self.retiming.turn()
            self.store.submit("test", lambda db: None).result(10)
        raise AssertionError("re-timing does not settle")

    def _state(self):
        now = self._note("state_history")
        self.store.record_state(AnimaState(timestamp=now, **ANIMA.model_dump()))

    def _draw(self):
        now = self._note("drawing_history")
        self.store.record_drawing_state(self.make_drawing(timestamp=now))

    def _happen(self):
        now = as_text(self._note("trajectory_events"))
        self.store.submit(
            "trajectory_events",
            lambda db: (
                db.execute(
                    "INSERT INTO trajectory_events (timestamp, event_type) VALUES (?, 'turn')",
                    (now,),
                ).lastrowid
            ),
            "record",
        )

    def _finish(self):
        """A piece that was begun when the last one was put away, in this boot or before."""
        now = self._note("drawing_records")
        number = len(self.rows["drawing_records"])
        piece = Finished(
            piece_uid=f"{number:016}", started_at=self.begun or now, finished_at=now, era="field",
            completion_reason="composed", marks=9, pixels=9, duration_seconds=1.0, E=0.5, I=0.5,
            S=0.5, V=0.0, C=0.5, energy=0.5, curiosity=0.5, engagement=0.5, fatigue=0.5,
            satisfaction=0.5, file=None,
        )  # fmt: skip
        self.begun = now
        self.store.record_finished(piece)

    def _check_in(self):
        now = self._note("outbox")
        dated = now if self.clock.is_known else None
        self.store.enqueue_checkin(
            f"process-{self.boot}",
            now,
            lambda seq, _: CheckIn(
                contract=2, boot_id=f"process-{self.boot}", seq=seq, recorded_at=dated, anima=ANIMA
            ),
        )

    def _send(self):
        """Governance takes what waits, and says what time it is."""
        if self.governance is None:
            return
        for waiting in self.store.oldest_checkins(100):
            self.sent.append(json.loads(waiting.body))
            self.store.acknowledge(waiting.id)
        said = self.truth + timedelta(seconds=self.governance)
        self.clock.hear_date(f"{said:%a, %d %b %Y %H:%M:%S} GMT")

    def _note(self, table):
        now = self.clock.now()
        self.rows[table].append(Written(self.truth, now, self.boot))
        return now

    @staticmethod
    def _micros(when):
        return (when - EPOCH) // timedelta(microseconds=1)

    # What came of it

    def found(self, table):
        """Every row of a table as the file has it: id, time, and time less every shift."""

        def work(db):
            query = QUERIES["times"].format(table=table, stamp=STAMPS[table])
            return db.execute(query, {"from_id": 1, "upto_id": 2**62}).fetchall()

        return [
            (
                row["id"],
                as_instant(row["stamp"]),
                as_instant(row["stamp"]) - timedelta(microseconds=row["shifted"]),
                int(row["boot"].removeprefix("boot-")),
            )
            for row in self.store.submit("test", work, "read").result(10)
        ]

    def tables(self):
        """The tables that are there, of those that the clock knows."""
        return list(self.store.submit("test", last_ids, "read").result(10))

    def events(self, kind):
        """The data of events of one kind."""

        def work(db):
            rows = db.execute(
                "SELECT data FROM events WHERE event_type = ? ORDER BY id", (kind,)
            ).fetchall()
            return [json.loads(row["data"]) for row in rows]

        return self.store.submit("test", work, "read").result(10)

    def waiting(self):
        """The bodies in the outbox, oldest first, read as a stranger reads them."""

        def work(db):
            rows = db.execute("SELECT id, recorded_at, body FROM outbox ORDER BY id").fetchall()
            return [(row["id"], row["recorded_at"], json.loads(row["body"])) for row in rows]

        return self.store.submit("test", work, "read").result(10)

    @staticmethod
    def pretend_made(path, when):
        """The tables were made then; the file says so, and no clock is believed to be earlier."""
        db = sqlite3.connect(path)
        db.execute("UPDATE _yoyo_migration SET applied_at_utc = ?", (as_text(when),))
        db.commit()
        db.close()


MADE, START = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 5, 12, tzinfo=UTC)
"""When a board with five days of rows was made, and when it woke first."""


def five_days(path, drawing_state):
    """A board that is on and knows the time, five days of rows ago; it stops with the test."""
    World.pretend_made(path, MADE)
    made = World(path, START, drawing_state)
    made.power_on()
    made.ntp()
    for _ in range(5):
        made.live(70)
        made.skip(days=1)
    made.live(5)
    yield made
    made.stop()
