"""One thread, one connection, one queue: whatever waits is committed together."""

import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from apps.anima.failures import Failures
from apps.anima.log import say
from apps.anima.promise import Promise
from apps.anima.transaction import Work, commit, is_full, is_locked
from apps.sqlite import connect

QUEUE_LIMIT = 1_000
"""Jobs that may wait for the writer, and records that may wait for the disk."""
BATCH_LIMIT = 200
IDLE_SECONDS = 0.5
RETRY_SECONDS = 1.0
"""How long a disk that refused is left alone."""
OPEN_SECONDS = 60.0
"""The WAL of a killed process is read again at the first look."""

Role = Literal["record", "ask", "read"]
"""A record is kept until it is written; an ask is answered at once, well or badly, because
somebody waits; a read needs no transaction, so neither a lock nor a full disk stops it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done, and the promise of its result."""

    kind: str
    work: Work
    role: Role
    done: Promise = field(default_factory=Promise)


class Writer:
    """The only thread that writes to the database.

    A job's promise is settled after the commit it was part of. A job that fails is rolled
    back alone; its neighbours are kept. ``full`` is told of a full disk; if it made room, the
    batch is tried again at once.
    """

    def __init__(
        self, path: Path, check: Work, pulse: Callable[[], None], full: Callable[[], bool]
    ) -> None:
        self._path, self._check, self._pulse, self._full = path, check, pulse, full
        self._jobs: queue.Queue[Job] = queue.Queue(QUEUE_LIMIT)
        self._kept: deque[Job] = deque()
        self._refused: sqlite3.Error | None = None
        self._retry_at = 0.0
        self._ready: Promise = Promise()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.dropped = Failures("record dropped")
        self._failed = Failures("store failed")

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

    def submit(self, kind: str, work: Work, role: Role = "ask") -> Promise:
        """Queue work; never waits. A full queue refuses it at once."""
        job = Job(kind, work, role)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._fail(job, sqlite3.OperationalError("the writer's queue is full"))
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
            jobs = self._gather()
            self._kept.extend(job for job in jobs if job.role == "record")
            self._write(db, [job for job in jobs if job.role == "ask"])
            for job in jobs:
                if job.role == "read":
                    self._read(db, job)
            if self._closing.is_set() and not jobs and (self._refused or not self._kept):
                break
        self._drop_all_but(0)
        try:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            say("not checkpointed", cause=error)
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
        jobs: list[Job] = []
        try:
            jobs.append(self._jobs.get(timeout=IDLE_SECONDS))
            while len(jobs) < BATCH_LIMIT:
                jobs.append(self._jobs.get_nowait())
        except queue.Empty:
            return jobs
        return jobs

    def _write(self, db: sqlite3.Connection, asks: list[Job]) -> None:
        """Commit records and asks together; if the disk refuses, keep the ones, answer the others.

        An ask sees every record that was submitted before it, unless the disk refused them.
        """
        is_due = time.monotonic() >= self._retry_at or self._closing.is_set()
        records = list(islice(self._kept, BATCH_LIMIT)) if is_due else []
        try:
            self._commit(db, [*records, *asks])
        except sqlite3.Error as error:
            if records:
                self._keep(error)
            for job in asks:
                self._alone(db, job, error if is_locked(error) or not records else None)
        else:
            if records:
                self._forget(len(records))
        self._drop_all_but(QUEUE_LIMIT)

    def _commit(self, db: sqlite3.Connection, jobs: list[Job]) -> None:
        if not jobs:
            return
        works = [job.work for job in jobs]
        try:
            outcomes = commit(db, works)
        except sqlite3.Error as error:
            if not (is_full(error) and self._full()):
                raise
            outcomes = commit(db, works)
        for job, outcome in zip(jobs, outcomes, strict=True):
            self._settle(job, outcome)

    def _alone(self, db: sqlite3.Connection, job: Job, known: sqlite3.Error | None) -> None:
        """An ask must not fail for its neighbours' sake; ``known`` is what it would fail with."""
        try:
            if known:
                raise known
            self._commit(db, [job])
        except sqlite3.Error as error:
            self._fail(job, error)

    def _read(self, db: sqlite3.Connection, job: Job) -> None:
        try:
            self._settle(job, job.work(db))
        except Exception as error:  # noqa: BLE001  counted, and handed to whoever asked
            self._fail(job, error)

    def _keep(self, error: sqlite3.Error) -> None:
        """The disk refused the records: say so once, and try again later."""
        if self._refused is None:
            say("records wait", count=len(self._kept), cause=f"{type(error).__name__}: {error}")
        self._refused = error
        self._retry_at = time.monotonic() + RETRY_SECONDS

    def _forget(self, count: int) -> None:
        """So many of the records that waited are written."""
        for _ in range(count):
            self._kept.popleft()
        if self._refused is not None:
            say("records are written again", waiting=len(self._kept))
        self._refused = None

    def _drop_all_but(self, limit: int) -> None:
        """Of the records that wait, the oldest go."""
        while len(self._kept) > limit:
            cause = self._refused or sqlite3.OperationalError("closed before it was written")
            self._fail(self._kept.popleft(), cause)

    def _settle(self, job: Job, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            self._fail(job, outcome)
        else:
            job.done.keep(outcome)

    def _fail(self, job: Job, error: Exception) -> None:
        """Only a record is lost when it fails; whoever waits for an answer can ask again."""
        (self.dropped if job.role == "record" else self._failed).note(job.kind, error)
        job.done.fail(error)
