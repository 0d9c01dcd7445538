"""The statements that follow from events of the very transaction that they run in."""

from collections.abc import Collection
from typing import Final

from apps.soulfra.projections import projections
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity

THIS: Final = "pg_current_xact_id()::text::bigint"


def of_this(types: Collection[EventType]) -> list[str]:
    """For events of agents of these types, without anything to be filled in."""
    return [
        text.replace("%(first)s AND %(last)s", f"{THIS} AND {THIS}").replace("%%", "%")
        for text in projections({(Entity.AGENT, kind) for kind in types})
    ]
