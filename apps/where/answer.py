"""A place as it is told: what is declared of it, and the command that reads it."""

from typing import NamedTuple

from apps.where.entry import Entry
from apps.where.match import find
from apps.where.read import command, on_shards
from schemas.governance.calls.where import Found, Live
from schemas.reach import Reach


class Answer(NamedTuple):
    """A place, and what is told of it."""

    entry: Entry
    found: Found

    def seen(self, live: Live, age: float | None = None) -> "Answer":
        """The same with what its store says of it."""
        known = None if age is None else round(max(0.0, age), 3)
        update = {"live": live, "age_seconds": known}
        return self._replace(found=self.found.model_copy(update=update))


def answers(term: str, reach: Reach, limit: int = 5) -> list[Answer]:
    """The places that a term means, the best one first. No store is asked."""
    return [answer(entry, reach, score) for score, entry in find(term, limit)]


def _store(entry: Entry, reach: Reach) -> str:
    said = entry.store.replace("`", "")
    if on_shards(entry) and reach.shards:
        return f"{said}; of agents that are away on {', '.join(reach.shards)}"
    return said


def answer(entry: Entry, reach: Reach, score: float = 0.0) -> Answer:
    """One place."""
    quantity = entry.field.quantity if entry.field else None
    found = Found(
        place=entry.place,
        kind=entry.kind,
        what=entry.what.replace("`", ""),
        owner=entry.owner,
        store=_store(entry, reach),
        unit=entry.unit,
        range=entry.field.range if entry.field and quantity else None,
        source=quantity.source if quantity else None,
        words=entry.field.words if entry.field else (),
        kept=entry.kept,
        fresh_seconds=entry.fresh_seconds,
        sensitivity=entry.sensitivity,
        read=command(entry, reach),
        score=round(score, 3),
    )
    return Answer(entry, found)
