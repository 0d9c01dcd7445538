"""How long to leave governance alone after it did not answer, so that no two Pis come together."""

from random import Random

FIRST_SECONDS, LAST_SECONDS = 2.0, 60.0
ASKED_LIMIT_SECONDS = 600.0
"""The longest that a server's own wish is kept to."""


class Backoff:
    """Twice as long each time, from FIRST_SECONDS to LAST_SECONDS; at least half of it is waited.

    A wish of the server's is waited out before: all hear the same one, and must not come at once.
    """

    def __init__(self, rng: Random | None = None) -> None:
        self._rng = rng or Random()  # noqa: S311  jitter, not secrets
        self._span = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the last attempt failed."""
        return self._span > 0

    def wait(self, asked: float = 0.0) -> float:
        """It failed once more: the seconds until the next attempt."""
        self._span = min(max(2 * self._span, FIRST_SECONDS), LAST_SECONDS)
        return min(asked, ASKED_LIMIT_SECONDS) + self._span * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It answered."""
        self._span = 0.0
