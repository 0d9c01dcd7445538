"""Lives from one shard to another: as they were, hash for hash, and whatever came meanwhile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from apps.queries import load
from apps.soulfra.projections import of_this
from schemas.errors import Diverged
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity

SQL: Final = load(Path(__file__).with_name("move.sql"))
EVENTS: Final = 1_000
"""Of one transaction."""
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Slots:
    """From the first to the last."""

    first: int
    last: int

    @property
    def asked(self) -> dict[str, int]:
        """As queries want it."""
        return {"first": self.first, "last": self.last}

    @property
    def each(self) -> range:
        """One by one."""
        return range(self.first, self.last + 1)


@dataclass(frozen=True, slots=True)
class Content:
    """What there is of some slots."""

    agents: int
    events: int
    checksum: str


def catch_up(source: Connection, target: Connection, slots: Slots) -> int:
    """Give the target what it has not yet, batch by batch, each whole or not at all; how much."""
    heads = dict(source.execute(SQL["heads"], slots.asked).fetchall())
    there = dict(target.execute(SQL["lengths"], {"agents": list(heads)}).fetchall())
    have = {agent: there.get(agent, 0) for agent in heads if there.get(agent, 0) < heads[agent]}
    taken = 0
    while have:
        asked = {"have": Jsonb(have), "limit": EVENTS}
        events, reached, types = source.execute(SQL["ahead"], asked).fetchone() or (None, {}, [])
        if events is None:
            break
        _take(source, target, events, types)
        taken += sum(version - have[agent] for agent, version in reached.items())
        have |= reached
        have = {agent: version for agent, version in have.items() if version < heads[agent]}
    return taken


def _take(source: Connection, target: Connection, events: str, types: list[str]) -> None:
    (commands,) = source.execute(SQL["commands"], {"events": events}).fetchone() or (None,)
    with target.transaction():
        target.execute(SQL["take"], {"events": events})
        for statement in of_this({(Entity.AGENT, EventType(kind)) for kind in types}):
            target.execute(statement)
        if commands is not None:
            target.execute(SQL["take_commands"], {"commands": commands})


def compared(source: Connection, target: Connection, slots: Slots) -> Content:
    """What both have, the same to the byte; Diverged when it is not."""
    agents = {"agents": [name for name, _ in source.execute(SQL["heads"], slots.asked)]}
    (said,) = source.execute(SQL["said"], agents).fetchone() or (None,)
    if said is not None:
        target.execute(SQL["say"], {"said": said})
    here, there = (Content(*(conn.execute(SQL["checksum"], agents).fetchone() or (0, 0, "")))
                   for conn in (source, target))  # fmt: skip
    if here != there:
        raise Diverged(
            f"slots {slots.first}-{slots.last}: {here} is not {there}",
            "nothing was moved; the source has them as before",
        )
    return here
