"""Seeded writers and readers that know nothing of an evolution, each statement timed."""

import random
import threading
import time
from contextlib import contextmanager

import psycopg

SEED = 20261130


class Load:
    """What they saw: the longest wait of each step, every failure, and how many statements."""

    def __init__(self, dsn):
        self.dsn, self.step, self.stopped = dsn, "before", threading.Event()
        self.longest, self.failed, self.count, self.inserted = {}, [], {}, 0

    def timed(self, db, sql, *values):
        """One statement, in a transaction of its own."""
        step, begun = self.step, time.monotonic()
        try:
            db.execute(sql, values)
        except psycopg.Error as error:
            self.failed.append(f"{step}: {error}")
        took = time.monotonic() - begun
        if took > self.longest.get(step, 0.0):
            self.longest[step] = took
        self.count[step] = self.count.get(step, 0) + 1

    def write(self):
        """Loops come, change, and go."""
        dice = random.Random(SEED)
        with psycopg.connect(self.dsn, autocommit=True) as db:
            while not self.stopped.is_set():
                n = self.inserted + 1
                self.timed(
                    db,
                    "INSERT INTO soulfra.loops (loop_id, whisper, created_at)"
                    " VALUES (%s, 'w', timestamptz '2026-10-01 00:00+00' + %s * interval '1 day')",
                    f"m{n}",
                    dice.randint(0, 91),
                )
                self.inserted = n
                some = f"l{dice.randint(1, 3000)}"
                self.timed(
                    db, "UPDATE soulfra.loops SET whisper = %s WHERE loop_id = %s", f"x{n}", some
                )
                if n % 5 == 0:
                    self.timed(db, "DELETE FROM soulfra.loops WHERE loop_id = %s", f"m{n - 3}")
                time.sleep(0.002)

    def read(self):
        """By key, and all of them."""
        dice = random.Random(SEED + 1)
        with psycopg.connect(self.dsn, autocommit=True) as db:
            while not self.stopped.is_set():
                some = f"l{dice.randint(1, 3000)}"
                self.timed(db, "SELECT whisper FROM soulfra.loops WHERE loop_id = %s", some)
                if dice.random() < 0.1:
                    self.timed(db, "SELECT count(*) FROM soulfra.loops")
                time.sleep(0.002)


class Halls(Load):
    """The same of halls and their view; who writes the tone does so until it is told not to."""

    tones = True

    def write(self):
        """Halls come, are moved, change their tone, and go."""
        dice = random.Random(SEED)
        with psycopg.connect(self.dsn, autocommit=True) as db:
            while not self.stopped.is_set():
                n = self.inserted = self.inserted + 1
                new = "INSERT INTO soulfra.halls (id, guild) VALUES (%s, %s)"
                self.timed(db, new, 100_000 + n, dice.randint(1, 900))
                some = dice.randint(1, 1000)
                self.timed(db, "UPDATE soulfra.halls SET guild = 1 WHERE id = %s", some)
                if self.tones:
                    change = "UPDATE soulfra.halls SET tone = %s WHERE id = %s"
                    self.timed(db, change, f"tone {n}", some)
                if n % 5 == 0:
                    self.timed(db, "DELETE FROM soulfra.halls WHERE id = %s", 100_000 + n - 3)
                time.sleep(0.002)

    def read(self):
        """By the view."""
        dice = random.Random(SEED + 1)
        with psycopg.connect(self.dsn, autocommit=True) as db:
            while not self.stopped.is_set():
                some = dice.randint(1, 1000)
                self.timed(db, "SELECT tone, guild FROM soulfra.tones WHERE id = %s", some)
                time.sleep(0.002)


@contextmanager
def loaded(dsn, of=Load):
    """A writer and a reader while something else goes on."""
    load = of(dsn)
    threads = [threading.Thread(target=load.write), threading.Thread(target=load.read)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()
