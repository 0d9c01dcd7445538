"""Clients of soulfra over HTTP: in whose name they ask, and what more they may."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.quantity import Closed

OPERATOR = "operator"
"""The client that is always there: the house's own, and may everything."""
ClientName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
"""Of a file, too: two that differ in case only would be one on a Mac."""


class May(StrEnum):
    """What no client may that is not told so."""

    DETOKENISE = "detokenise"
    """Read what tokens in texts stand for, who has how many credits, whose an unsigned loop is."""
    FORGET = "forget"
    """Have a person forgotten."""
    REMEMBER = "remember"
    """Read what agents remember, and tell them more."""


class Granted(Closed):
    """What a client's token is good for."""

    user: UUID | None = None
    """Whose it is: it reads in that person's name, and commands for them only."""
    may: frozenset[May] = frozenset()

    @property
    def contradicts_itself(self) -> bool:
        """A person's own texts are read as they were meant anyway, another's never."""
        return self.user is not None and May.DETOKENISE in self.may
