"""A tool: one thing that governance does for a caller, whichever door it came through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.errors import HouseError, Refused
from schemas.governance.calls import Call, Right
from schemas.quantity import Closed

ALL = frozenset(Right)


class Caller(NamedTuple):
    """Who asks, as far as the door knows."""

    agent: str | None = None
    """None when nobody was named: only the local door lets such a caller in."""
    session_id: str | None = None
    rights: frozenset[Right] = ALL
    ended: str | None = None
    """What its agent came to, if it has ended: it may check in, and be told to pause."""

    def named(self) -> str:
        """The agent, or Refused: what follows is done in somebody's name."""
        if self.agent is None:
            raise Refused("agent: is missing", "name it in the body or as X-Agent-Id")
        return self.agent


def _unheard(_caller: Caller, _why: HouseError) -> None:
    """Nobody keeps count."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Its name, its two models, the right it needs and what it does.

    ``run`` is given the caller and an instance of ``takes``, and gives one of ``gives``; it raises
    a HouseError for whatever it does not do. ``turned_away`` is told of a call that never came to
    ``run``: its caller may not, or its arguments are not as declared.
    """

    name: str
    says: str
    takes: type[Call]
    gives: type[Closed]
    needs: Right
    run: Callable[[Caller, Any], Awaitable[Closed]]
    is_verdict: bool = False
    """Whether what it gives is a verdict, so that a refusal must not look like leave to go on."""
    turned_away: Callable[[Caller, HouseError], None] = _unheard
