"""What could not be done: counted by kind, said once per cause."""

from collections import Counter

from apps.anima.log import say

CAUSES_LIMIT = 200


class Failures:
    """A count for each kind of failure. Counting is exact from one thread per kind."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._told: set[tuple[str, str]] = set()
        self.counts: Counter[str] = Counter()

    def note(self, kind: str, cause: object, times: int = 1) -> None:
        """Count, and log if this cause is new."""
        self.counts[kind] += times
        key = (kind, f"{type(cause).__name__}: {cause}")
        if key not in self._told and len(self._told) < CAUSES_LIMIT:
            self._told.add(key)
            say(self._event, kind=kind, cause=key[1], count=self.counts[kind])

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(self.counts.values())
