"""The result of work that another thread will do."""

import threading
from typing import Any


class Promise:
    """Kept or failed once, by one thread; awaited by any.

    concurrent.futures would do, but brings logging and a megabyte with it.
    """

    def __init__(self) -> None:
        self._settled = threading.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def keep(self, value: Any) -> None:
        """The work is done, and this is its result."""
        self._value = value
        self._settled.set()

    def fail(self, error: Exception) -> None:
        """The work was not done, and this is why."""
        self._error = error
        self._settled.set()

    @property
    def is_settled(self) -> bool:
        """Whether ``result`` would answer at once."""
        return self._settled.is_set()

    def result(self, timeout: float) -> Any:
        """Wait at most ``timeout`` seconds; raises the work's error, or TimeoutError."""
        if not self._settled.wait(timeout):
            raise TimeoutError(f"no answer within {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._value
