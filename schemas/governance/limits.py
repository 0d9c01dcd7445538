"""How much one agent may ask."""

from typing import Final, NamedTuple


class Rate(NamedTuple):
    """So many calls in any stretch of so many seconds."""

    calls: int
    seconds: int


PER_AGENT: Final = (Rate(60, 60), Rate(1_000, 3_600))
"""Of every tool call and every live check-in together."""
LIVE_SECONDS: Final = 120
"""A check-in recorded longer ago is a Pi's backlog, which no rate holds up."""
