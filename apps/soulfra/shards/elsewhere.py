"""What the database says when an agent's slot is not here, or not now."""

from typing import Final

import psycopg

from schemas.errors import Unreachable

RULE: Final = "slots_state"
"""What the function ``shard.keep`` names when it refuses."""


class Elsewhere(Unreachable):
    """The slot of an agent is on another shard, or is being moved right now."""


def elsewhere(error: psycopg.Error) -> Elsewhere | None:
    """That, if it is what the database refused an event for."""
    if error.diag.constraint_name != RULE:
        return None
    return Elsewhere(f"postgres: {error.diag.message_primary}", "it moves; give it again")
