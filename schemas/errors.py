"""The three ways a thing can go wrong, each with its exit code."""

from typing import ClassVar


class HouseError(Exception):
    """Something is wrong in the house."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str | None = None, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        """Where, what; then what to do next, when we know it."""
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class Refused(HouseError):
    """The input is not what was declared."""

    exit_code = 2


class Unreachable(HouseError):
    """A host or a store does not answer."""

    exit_code = 3


class Diverged(HouseError):
    """What is there is not what was declared."""

    exit_code = 4
