"""How the shards stand: what each has, what is under way, and what nobody takes."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from apps.soulfra.shards.copy import SQL, Connection
from apps.soulfra.shards.move import Connect
from schemas.soulfra.shards import HOME, Hold

TAKES = {Hold.HERE, Hold.FROZEN}


@dataclass(frozen=True, slots=True)
class Standing:
    """One shard."""

    name: str
    place: str
    slots: int
    agents: int
    events: int


@dataclass(frozen=True, slots=True)
class Survey:
    """All of them."""

    shards: tuple[Standing, ...]
    moves: tuple[dict[str, Any], ...]
    """Begun and not ended."""
    waiting: int
    """Agents that are registered and yet to be carried."""
    nobodys: tuple[int, ...]
    """Slots that no database takes: of a move that died; it is to be resumed or undone."""
    twice: tuple[int, ...]
    """Slots that two take, or one that is not the map's: never."""


def survey(home: Connection, connect: Connect) -> Survey:
    """Ask each. Nothing is locked: what moves right now may be counted before and after."""
    places = home.execute(SQL["known"]).fetchall()
    owner = {slot: name for slot, name, _ in home.execute(SQL["map"]).fetchall()}
    takes: dict[int, list[str]] = {slot: [] for slot in owner}
    shards = []
    for name, place in places:
        if name == HOME:
            shards.append(_standing(home, name, place, owner, takes))
            continue
        with connect(name, place) as conn:
            shards.append(_standing(conn, name, place, owner, takes))
    moves = home.execute(SQL["unfinished"]).fetchall()
    keys = ("id", "first", "last", "source", "target", "step")
    (waiting,) = home.execute(SQL["waiting"]).fetchone() or (0,)
    return Survey(
        tuple(shards),
        tuple(dict(zip(keys, row, strict=True)) for row in moves),
        waiting,
        tuple(slot for slot, names in takes.items() if not names),
        tuple(slot for slot, names in takes.items() if names and names != [owner[slot]]),
    )


def _standing(
    conn: Connection, name: str, place: str, owner: dict[int, str], takes: dict[int, list[str]]
) -> Standing:
    for slot, state in conn.execute(SQL["held"]).fetchall():
        if state in TAKES:
            takes[slot].append(name)
    agents, events = conn.execute(SQL["counts"]).fetchone() or (0, 0)
    return Standing(name, place, Counter(owner.values())[name], agents, events)
