"""The ways a caller is turned away, each with its HTTP status. Translated once, at the door."""

from collections.abc import Sequence
from typing import ClassVar

from schemas.bridge import RELEASED
from schemas.errors import Diverged, HouseError, Refused, Unreachable


class Malformed(Refused):
    """The body is not JSON as we speak it."""

    status: ClassVar[int] = 400


class BadVersion(Refused):
    """A version of a protocol that we do not speak."""

    status: ClassVar[int] = 400


class Unauthorized(Refused):
    """No token, or not one of ours."""

    status: ClassVar[int] = 401


class Forbidden(Refused):
    """The token belongs to another agent."""

    status: ClassVar[int] = 403


class NotFound(Refused):
    """Nothing lives at this path."""

    status: ClassVar[int] = 404


class NotAllowed(Refused):
    """The path does not take this method."""

    status: ClassVar[int] = 405


class TooSlow(Refused):
    """The body took too long to arrive."""

    status: ClassVar[int] = 408


class Conflict(Refused):
    """The key is taken by another body."""

    status: ClassVar[int] = 409


class NotSpoken(Refused):
    """The check-in speaks a contract that we do not; the answer lists those that we do."""

    contracts: ClassVar[tuple[int, ...]] = RELEASED


class TooLarge(Refused):
    """The body is longer than a check-in can be."""

    status: ClassVar[int] = 413


class Unsupported(Refused):
    """The body is not of the kind we take."""

    status: ClassVar[int] = 415


class TooMany(Refused):
    """The agent calls more often than it may: later, nothing of it was done."""

    status: ClassVar[int] = 429

    def __init__(self, agent: str, rates: Sequence[tuple[int, int]], retry_after: int) -> None:
        self.retry_after = max(retry_after, 1)
        said = " and ".join(f"{calls} in {seconds} s" for calls, seconds in rates)
        hint = f"call again in {self.retry_after} s; nothing of this was done"
        super().__init__(f"agent {agent!r}: above {said}", hint)


class Busy(Unreachable):
    """More check-ins wait than can be answered in time."""

    retry_after: ClassVar[int] = 1


def status_of(error: HouseError) -> int:
    """The HTTP status of an error: 422 for what was refused, 503 for what is away."""
    if isinstance(error, Unreachable):
        return 503
    if isinstance(error, Diverged):
        return 500
    status = getattr(error, "status", 422)
    return int(status)
