"""The thread that owes governance its check-ins: oldest first, one at a time, until they arrive."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from apps.anima.log import say
from apps.anima.store import Store, Waiting
from apps.bridge.client import (
    Accepted,
    Client,
    Outcome,
    RefusedByServer,
    Unavailable,
)

FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 1.0, 60.0
IDLE_SECONDS = 0.5
STORE_SECONDS = 5.0
"""How long to leave a store alone that could not answer."""


class Sender:
    """Drains the outbox; reports every outcome to ``heard``."""

    def __init__(
        self,
        store: Store,
        client: Client,
        heard: Callable[[Outcome], None],
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._client, self._heard, self._pulse = store, client, heard, pulse
        self._rng = Random()  # noqa: S311  jitter, not secrets
        self._backoff = 0.0
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

    def _run(self) -> None:
        while not self._closing.is_set():
            self._pulse()
            try:
                pause = self._next()
            except (sqlite3.Error, TimeoutError):
                pause = STORE_SECONDS  # counted by the store; the check-in is still there
            self._sleep(pause)

    def _next(self) -> float:
        waiting = self._store.oldest_checkins(1)
        return self.deliver(waiting[0]) if waiting else IDLE_SECONDS

    def _sleep(self, seconds: float) -> None:
        while seconds > 0 and not self._closing.wait(min(seconds, 5.0)):
            self._pulse()
            seconds -= 5.0

    def deliver(self, waiting: Waiting) -> float:
        """Send one check-in; gives the seconds to wait before the next attempt, 0 if it is done."""
        outcome = self._client.send(waiting.body.encode())
        if isinstance(outcome, Accepted):
            self._store.acknowledge(waiting.id)
            if self._backoff:
                say("governance answers again", seq=waiting.id)
            self._backoff = 0.0
        elif isinstance(outcome, RefusedByServer):
            self._store.reject(waiting.id, datetime.now(UTC), outcome.reason)
            say("check-in rejected", seq=waiting.id, reason=outcome.reason)
            self._backoff = 0.0
        else:
            self._store.note_attempt(waiting.id, outcome.reason)
            if not self._backoff:
                say("check-in not delivered", seq=waiting.id, reason=outcome.reason)
            self._backoff = min(max(2 * self._backoff, FIRST_BACKOFF_SECONDS), LAST_BACKOFF_SECONDS)
        self._heard(outcome)
        if not self._backoff:
            return 0.0
        asked = outcome.retry_after if isinstance(outcome, Unavailable) else 0.0
        wait = max(self._backoff * self._rng.uniform(0.5, 1.0), asked)
        return min(max(wait, FIRST_BACKOFF_SECONDS), LAST_BACKOFF_SECONDS)
