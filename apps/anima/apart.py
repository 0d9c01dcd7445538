"""Sensors that may block, read in a thread of their own, so that the loop never waits for them."""

import threading
import time
from collections.abc import Iterable, Iterator

from apps.anima.failures import Failures
from apps.anima.readings import FRESH_SECONDS, Reading, Sensor, sense


class Apart:
    """Gives at once what the sensors said last, and asks them again.

    What they said ages; while a driver hangs its last readings go out of date, are absent, and
    the silence is counted. The first asking gives nothing.
    """

    def __init__(self, source: str, sensors: Iterable[Sensor], failures: Failures) -> None:
        self.source = source
        self._sensors, self._failures = tuple(sensors), failures
        self._wanted = threading.Event()
        self._last: list[Reading] = []
        self._asked_at = 0.0
        self._thread: threading.Thread | None = None

    def read(self) -> Iterator[Reading]:
        """The last readings, however old; TimeoutError once nobody answers any more."""
        now = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.source, daemon=True)
            self._thread.start()
        if not self._wanted.is_set():
            self._asked_at = now
            self._wanted.set()
        elif now - self._asked_at > FRESH_SECONDS:
            raise TimeoutError(f"no answer for more than {FRESH_SECONDS:g} s")
        yield from self._last

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._last = sense(self._sensors, self._failures)
            self._wanted.clear()
