"""Which threads still make progress."""

import time
from collections.abc import Callable

SILENCE_SECONDS = {"writer": 20.0, "sender": 90.0}
"""How long each may be silent. The sender may wait for a name to resolve, which nothing bounds."""


class Pulse:
    """The last sign of life of each thread, by the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats = dict.fromkeys(SILENCE_SECONDS, clock())

    def of(self, thread: str) -> Callable[[], None]:
        """The function by which a thread says that it lives."""

        def beat() -> None:
            self._beats[thread] = self._clock()

        return beat

    def silent(self) -> list[str]:
        """The threads that have been quiet for too long."""
        now = self._clock()
        return [name for name, limit in SILENCE_SECONDS.items() if now - self._beats[name] > limit]
