"""An entity's rating, remembered for a minute: whoever knows how to rate is asked once."""

from collections.abc import Awaitable, Callable
from typing import Final

from apps.postgres import Pool
from apps.soulfra.cache.kinds import Kind
from apps.soulfra.cache.value import Value, now
from schemas.quantity import Closed
from schemas.soulfra import keys
from schemas.soulfra.words import Entity

Rate = Callable[[str], Awaitable[Closed | None]]
"""Gives what is said of the drift of ``agent:ID`` or ``loop:ID``; None if nothing is."""
RATED: Final = (Entity.AGENT, Entity.LOOP)


def rating(rate: Rate) -> Kind:
    """The kind of what this rates, by its stream: an agent and a loop may have one id.

    It has no version: the newer of two is the one read later.
    """

    async def read(_: Pool, stream: str) -> Value:
        began = now()
        said = await rate(stream)
        return Value(0, began, began, None if said is None else said.model_dump_json())

    return Kind("rating", Entity.AGENT, keys.RATING, "entity_id", read, keys.RATING)
