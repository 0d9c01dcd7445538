"""What one address shows: which rows it asks for, which template tells them, what keeps it live."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from apps.governance.page.asked import Asked
from apps.postgres import Connection
from schemas.governance.thresholds import Thresholds

FEW: Final = 8
"""Rows of a list that stands beside other things."""
MANY: Final = 50
"""Rows of a list that has a page of its own."""
DEPTH: Final = 20_000
"""How far back a filtered list looks: a rare word never means a scan of ten million rows."""


class Look(NamedTuple):
    """What a view has at hand: one connection, what was asked, the hour and the thresholds."""

    conn: Connection
    asked: Asked
    now: datetime
    limits: Thresholds
    whose: str = ""
    """Whose trail may be looked at; of everybody's where it is empty."""


class View(NamedTuple):
    """One page: of rows, of what needs none, or of how governance stands."""

    template: str
    look: Callable[[Look], Awaitable[dict[str, Any]]] | None = None
    say: Callable[[Asked], Awaitable[dict[str, Any]]] | None = None
    """Asked when there is no ``look``: it is told even when Postgres is not there."""
    live: str = ""
    """The topics of news.py after which it is asked for again."""
    standing: bool = False
