"""The thread that owes governance its check-ins: oldest first, until they arrive.

The one of now goes alone, and is answered with what holds; a backlog goes in batches. After a
failure one goes alone again, to see whether governance is back.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from apps.anima.backoff import Backoff
from apps.anima.clock import Clock
from apps.anima.failures import Failures
from apps.anima.log import say
from apps.anima.outbox import HEAD_LIMIT, Fate, Waiting
from apps.anima.store import Store
from apps.bridge.client import (
    Accepted,
    Client,
    NoBatches,
    Outcome,
    RefusedByServer,
    Unavailable,
    Unintelligible,
)
from schemas.bridge import CONTRACT, Action

GAPS_SINCE = 3
"""The contract that tells of gaps."""
IDLE_SECONDS = 0.5
HELD_SECONDS = 300.0
"""The longest that a backlog waits for its dates: of the outbox of four weeks the most part."""
STORE_SECONDS = 5.0
"""How long to leave a store alone that could not answer."""


class Sender:
    """Drains the outbox; reports every outcome to ``heard``, before anything touches the disk.

    What ``heard`` gives back is what a restart must remember: it is written with the check-in's
    own fate, and nothing more is sent from the outbox until it is.
    """

    def __init__(
        self,
        store: Store,
        client: Client,
        heard: Callable[[Outcome], Action | None],
        pulse: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] | None = None,
        *,
        at_once: Callable[[], int] = lambda: HEAD_LIMIT,
    ) -> None:
        """``at_once`` says how many may go at once now, as far as the clock is concerned."""
        self._now = now or Clock().now
        self._store, self._client, self._heard, self._pulse = store, client, heard, pulse
        self._at_once, self._held_until = at_once, time.monotonic() + HELD_SECONDS
        self._backoff = Backoff()
        self._contract: int = CONTRACT
        self._unqueued: deque[str] = deque(maxlen=1)
        self._unkept: Action | None = None
        self.failures = Failures("not understood")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self.start = self._thread.start

    def close(self, timeout: float) -> bool:
        """Stop after the request under way; False if that took too long."""
        self._closing.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def send_unqueued(self, body: str) -> None:
        """Send a check-in that the disk would not take: once, and the newest one only."""
        if self._unqueued:
            self._store.dropped.note("check-in", "neither queued nor sent")
        self._unqueued.append(body)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._pulse()
            try:
                pause = self._next()
            except (sqlite3.Error, TimeoutError):
                pause = STORE_SECONDS  # counted by the store; the check-in is still there
            except Exception as error:  # noqa: BLE001  an answer nobody thought of is no proceed
                self.failures.note("answer", error)
                self._unkept = self._heard(Unintelligible(f"{type(error).__name__}: {error}"))
                pause = STORE_SECONDS
            self._sleep(pause)

    def _next(self) -> float:
        if self._unqueued:
            return self.deliver_unqueued(self._unqueued.popleft())
        if self._unkept is not None:
            self._store.remember_action(self._unkept)
            self._unkept = None
        limit = self._limit()
        if not limit:
            return IDLE_SECONDS
        waiting = self._store.oldest_checkins(limit)
        if len(waiting) > 1:
            try:
                return self.deliver_batch(waiting)
            except NoBatches:
                say("check-ins go one by one")
        return self.deliver(waiting[0]) if waiting else IDLE_SECONDS

    def _limit(self) -> int:
        """How many may go now; the clock is waited for HELD_SECONDS at most."""
        limit = 1 if self._backoff.is_on else self._at_once()
        now = time.monotonic()
        if self._backoff.is_on or limit > 1:
            self._held_until = now + HELD_SECONDS
        elif now >= self._held_until:
            limit = HEAD_LIMIT
        return limit if self._client.takes_batches else min(limit, 1)

    def _sleep(self, seconds: float) -> None:
        while seconds > 0 and not self._closing.wait(min(seconds, 5.0)):
            self._pulse()
            seconds -= 5.0

    def deliver(self, waiting: Waiting) -> float:
        """Send one check-in; gives the seconds to wait before the next attempt, 0 if it is done."""
        outcome = self._client.send(waiting.body.encode())
        self._unkept = standing = self._heard(outcome)
        if isinstance(outcome, Accepted):
            self._store.acknowledge(waiting.id, standing, told=_is_told(outcome))
        elif isinstance(outcome, RefusedByServer):
            self._store.reject(waiting.id, self._now(), outcome.reason, standing)
            say("check-in rejected", seq=waiting.id, reason=outcome.reason)
        else:
            self._store.note_attempt(waiting.id, outcome.reason, standing)
        self._unkept = None
        return self._pause(outcome, waiting.id)

    def deliver_batch(self, waiting: Sequence[Waiting]) -> float:
        """Send several at once and settle them at once; gives the seconds to wait afterwards.

        Of their verdicts the newest counts; if any could not be read, that does.
        """
        outcomes = self._client.send_batch([one.body.encode() for one in waiting])
        self._unkept = standing = self._heard(_decisive(outcomes))
        fates, told = [], None
        later: Outcome | None = None
        for one, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                fates.append(Fate(one.id))
                told = one.id if _is_told(outcome) else told
            elif isinstance(outcome, RefusedByServer):
                fates.append(Fate(one.id, outcome.reason, is_final=True))
                say("check-in rejected", seq=one.id, reason=outcome.reason)
            elif later is None:
                later = outcome
                fates.append(Fate(one.id, outcome.reason))
        self._store.settle("batch", fates, standing, now=self._now(), told=told)
        self._unkept = None
        return self._pause(later or outcomes[-1], waiting[-1].id)

    def deliver_unqueued(self, body: str) -> float:
        """Send a check-in that is nowhere on disk; if it does not arrive it is lost, counted."""
        outcome = self._client.send(body.encode())
        self._unkept = self._heard(outcome)
        if not isinstance(outcome, Accepted):
            self._store.dropped.note("unqueued check-in", outcome.reason)
        return self._pause(outcome, 0)

    def _pause(self, outcome: Outcome, seq: int) -> float:
        """The seconds until the next attempt: none after an answer, ever longer without one."""
        if isinstance(outcome, Accepted | RefusedByServer):
            if self._backoff.is_on and isinstance(outcome, Accepted):
                say("governance answers again", seq=seq)
            if self._client.contract != self._contract:
                self._contract = self._client.contract
                say("governance speaks another contract", contract=self._contract)
            self._backoff.reset()
            return 0.0
        if not self._backoff.is_on:
            say("check-in not delivered", seq=seq, reason=outcome.reason)
        return self._backoff.wait(outcome.retry_after if isinstance(outcome, Unavailable) else 0.0)


def _decisive(outcomes: Sequence[Outcome]) -> Outcome:
    """What counts of a batch: an answer that is none, else the newest verdict, else the last no."""
    for kind in (Unintelligible, Accepted):
        if found := [outcome for outcome in outcomes if isinstance(outcome, kind)]:
            return found[-1]
    return outcomes[-1]


def _is_told(outcome: Accepted) -> bool:
    """Whether governance heard of the gaps, too."""
    return outcome.verdict.contract >= GAPS_SINCE
