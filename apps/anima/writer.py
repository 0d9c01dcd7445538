"""One thread, one connection, one queue: whatever waits is committed together.

What is promised (docs/card.md): an ask and a prompt record are on disk, synced, when their promise
is kept; a plain record is within ``linger`` seconds, and at once when anything else is committed.
"""

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
from apps.anima.journal import Journal
from apps.anima.log import say
from apps.anima.promise import Promise
from apps.anima.transaction import Work, commit, is_damage, is_full, is_locked
from apps.sqlite import connect

QUEUE_LIMIT = 1_000
"""Jobs that may wait for the writer, and records that may wait for the disk."""
BATCH_LIMIT = 200
IDLE_SECONDS = 0.5
RETRY_SECONDS = 1.0
"""How long a disk that refused is left alone."""
OPEN_SECONDS = 60.0
"""The WAL of a killed process is read again at the first look."""
LINGER_ROWS = 100
"""So many plain records are committed without waiting for more."""
CHECKPOINT_PAGES = 1_000
"""A commit that makes the WAL longer than this copies it into the file: 4 MB, a few an hour."""
WAL_LIMIT_BYTES = 4 * 2**20
"""A WAL that grew beyond it, behind a long reader, is cut back to it when it begins anew."""

Role = Literal["record", "prompt", "ask", "read", "fresh"]
"""A record is kept until it is written, and may linger for company; a prompt one may not. An ask
is answered at once, well or badly, because somebody waits. A read needs no transaction, so
neither a lock nor a full disk stops it; a fresh one first has written what lingers."""
THINNED_FIRST = "state_history"
"""Of the records that the disk will not take, these go first: the next one tells much the same."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done, and the promise of its result."""

    kind: str
    work: Work
    role: Role
    done: Promise = field(default_factory=Promise)
    at: float = field(default_factory=time.monotonic)


class Writer:
    """The only thread that writes to the database.

    A job's promise is settled after the commit it was part of. A job that fails is rolled
    back alone; its neighbours are kept. ``full`` is told of a full disk; if it made room, the
    batch is tried again at once. ``linger`` is how many seconds a plain record may wait for
    company. ``damage`` is what SQLite said of the file itself: nothing more should be written then.
    """

    def __init__(
        self,
        path: Path,
        check: Work,
        pulse: Callable[[], None],
        full: Callable[[], bool],
        linger: float = 0.0,
    ) -> None:
        self._path, self._check, self._pulse, self._full = path, check, pulse, full
        self._linger = linger
        self._journal = Journal(path)
        self._jobs: queue.Queue[Job] = queue.Queue(QUEUE_LIMIT)
        self._kept: deque[Job] = deque()
        self._refused: sqlite3.Error | None = None
        self._retry_at = 0.0
        self._ready: Promise = Promise()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.damage: str | None = None
        self.dropped = Failures("record dropped")
        self.failed = Failures("store failed")
        self.not_copied = self._journal.failures

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
            self._kept.extend(job for job in jobs if job.role in {"record", "prompt"})
            is_due = self._is_due(jobs)
            self._write(db, [job for job in jobs if job.role == "ask"], is_due=is_due)
            for job in jobs:
                if job.role in {"read", "fresh"}:
                    self._read(db, job)
            if self._closing.is_set() and not jobs and (self._refused or not self._kept):
                break
        self._drop_all_but(0)
        try:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            say("not checkpointed", cause=error)
        db.close()
        if self.damage is None:
            self._journal.seal()
        self._journal.close()

    def _open(self) -> sqlite3.Connection:
        db = connect(self._path)
        try:
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
            db.execute("PRAGMA temp_store = MEMORY")
            self._check(db)
            self._journal.watch(db)
        except BaseException:
            db.close()
            raise
        return db

    def _gather(self) -> list[Job]:
        jobs: list[Job] = []
        try:
            jobs.append(self._jobs.get(timeout=self._patience()))
            while len(jobs) < BATCH_LIMIT:
                jobs.append(self._jobs.get_nowait())
        except queue.Empty:
            return jobs
        return jobs

    def _patience(self) -> float:
        """How long to wait for a job: not beyond the moment when a record has lingered enough."""
        if not self._kept or self._refused:
            return IDLE_SECONDS
        left = self._kept[0].at + self._linger - time.monotonic()
        return min(max(left, 0.0), IDLE_SECONDS)

    def _is_due(self, jobs: list[Job]) -> bool:
        """Whether the records that wait are to be written now."""
        if self._closing.is_set() or not self._kept:
            return True
        now = time.monotonic()
        if now < self._retry_at:
            return False
        if self._refused or len(self._kept) >= LINGER_ROWS:
            return True
        if now - self._kept[0].at >= self._linger or any(j.role in {"ask", "fresh"} for j in jobs):
            return True
        return any(job.role == "prompt" for job in self._kept)

    def _write(self, db: sqlite3.Connection, asks: list[Job], *, is_due: bool) -> None:
        """Commit records and asks together; if the disk refuses, keep the ones, answer the others.

        An ask sees every record that was submitted before it, unless the disk refused them.
        """
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
        try:
            outcomes = self._committed(db, jobs)
        except sqlite3.Error as error:
            if not (is_full(error) and self._full()):
                raise
            outcomes = self._committed(db, jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            self._settle(job, outcome)

    def _committed(self, db: sqlite3.Connection, jobs: list[Job]) -> list[Any]:
        self._journal.begin()
        try:
            return commit(db, [job.work for job in jobs], self._journal.note)
        except sqlite3.Error:
            self._journal.undo()
            raise

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
        if is_damage(error):
            self.damage = str(error)
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
        """Of the records that wait, the oldest go: feelings first, what is prompt last."""
        while len(self._kept) > limit:
            cause = self._refused or sqlite3.OperationalError("closed before it was written")
            first = min(range(len(self._kept)), key=lambda at: _rank(self._kept[at]))
            job = self._kept[first]
            del self._kept[first]
            self._fail(job, cause)

    def _settle(self, job: Job, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            self._fail(job, outcome)
        else:
            job.done.keep(outcome)

    def _fail(self, job: Job, error: Exception) -> None:
        """Only a record is lost when it fails; whoever waits for an answer can ask again."""
        if is_damage(error):
            self.damage = str(error)
        is_record = job.role in {"record", "prompt"}
        (self.dropped if is_record else self.failed).note(job.kind, error)
        job.done.fail(error)


def _rank(job: Job) -> int:
    return 2 if job.role == "prompt" else int(job.kind != THINNED_FIRST)
