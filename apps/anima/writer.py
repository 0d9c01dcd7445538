"""One thread, one connection, one queue: whatever waits is committed together."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.anima.failures import Failures
from apps.anima.promise import Promise
from apps.sqlite import connect

QUEUE_LIMIT = 1_000
BATCH_LIMIT = 200
IDLE_SECONDS = 0.5
OPEN_SECONDS = 300.0
"""quick_check reads the whole file: a minute or two for 150 MB on a card."""

Work = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done inside a transaction, and the promise of its result."""

    kind: str
    work: Work
    done: Promise = field(default_factory=Promise)


class Writer:
    """The only thread that touches the database.

    A job's promise is settled after the commit it was part of. A job that fails is rolled
    back alone; its neighbours are kept.
    """

    def __init__(self, path: Path, check: Work, pulse: Callable[[], None]) -> None:
        self._path, self._check, self._pulse = path, check, pulse
        self._jobs: queue.Queue[Job] = queue.Queue(QUEUE_LIMIT)
        self._ready: Promise = Promise()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.dropped = Failures("record dropped")

    def start(self) -> None:
        """Open and check the database; raises here what went wrong there."""
        self._thread.start()
        self._ready.result(OPEN_SECONDS)

    def close(self, timeout: float) -> bool:
        """Commit what is queued, checkpoint, close; False if that took too long."""
        self._closing.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def submit(self, kind: str, work: Work) -> Promise:
        """Queue work; never waits. A full queue refuses it at once."""
        job = Job(kind, work)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self.dropped.note(kind, f"queue of {QUEUE_LIMIT} is full")
            job.done.fail(sqlite3.OperationalError("the writer's queue is full"))
        return job.done

    def _run(self) -> None:
        try:
            db = self._open()
        except Exception as error:  # noqa: BLE001  handed to whoever called start()
            self._ready.fail(error)
            return
        self._ready.keep(None)
        while True:
            self._pulse()
            batch = self._gather()
            if batch:
                self._commit(db, batch)
            elif self._closing.is_set():
                break
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def _open(self) -> sqlite3.Connection:
        db = connect(self._path)
        try:
            self._check(db)
        except BaseException:
            db.close()
            raise
        return db

    def _gather(self) -> list[Job]:
        batch: list[Job] = []
        try:
            batch.append(self._jobs.get(timeout=IDLE_SECONDS))
            while len(batch) < BATCH_LIMIT:
                batch.append(self._jobs.get_nowait())
        except queue.Empty:
            return batch
        return batch

    def _commit(self, db: sqlite3.Connection, batch: list[Job]) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(db, job) for job in batch]
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            outcomes = [error] * len(batch)
        for job, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self.dropped.note(job.kind, outcome)
                job.done.fail(outcome)
            else:
                job.done.keep(outcome)


def _attempt(db: sqlite3.Connection, job: Job) -> Any:
    """The job's result, or the exception that undid it.

    A full disk rolls back the whole transaction by itself; then there is no savepoint to
    return to, and that error belongs to the whole batch.
    """
    db.execute("SAVEPOINT job")
    try:
        result = job.work(db)
    except Exception as error:  # noqa: BLE001  counted, and handed to the job's owner
        db.execute("ROLLBACK TO job")
        result = error
    db.execute("RELEASE job")
    return result
