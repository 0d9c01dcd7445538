"""Bring events and calls of tools over: rows of an old table, or lines of an old file."""

import json
from collections import defaultdict
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from apps.legacy import keyset, lines
from apps.legacy.bring import table_of
from apps.legacy.ledger import Rejects
from apps.legacy.months import Kind, Months, Told
from apps.legacy.row import cell, made_id, own_id, with_beside
from apps.legacy.source import opened
from apps.legacy.stage import named, text
from apps.legacy.work import Work
from apps.legacy.zone import Clock

CUTS: Final[dict[Kind, tuple[lines.Cut, lines.Parse]]] = {
    "events": (lines.cut_audit, lines.parse_audit),
    "tool_usage": (lines.cut_usage, lines.parse_usage),
}
ROWS: Final[dict[Kind, tuple[str, ...]]] = {
    "events": ("timestamp", "agent_id", "event_type", "details_json"),
    "tool_usage": (
        "timestamp", "agent_id", "session_id", "tool_name", "latency_ms", "success",
        "error_type", "payload_json",
    ),
}  # fmt: skip
"""Columns of an old table that have a place; its others are kept beside."""


def bring_lines(work: Work, months: Months) -> None:
    """Lines that came since; from the first one when it is another file than it was."""
    at, head = work.at, lines.head(work.path)
    cut, parse = CUTS[months.kind]
    if at.head != head or at.after is None or at.after[0] > work.path.stat().st_size:
        with work.db.transaction():
            at.forget(work.db)
            at.after, at.head = [0, 1], head
            at.read = at.taken = at.rejected = work.clock.folds = work.clock.gaps = 0
            work.moved(0)
    again = str(at.after[1])
    for block in lines.blocks(work.path, int(at.after[0]), int(at.after[1])):
        made, rejects = lines.rows(block, cut, parse, work.clock)
        size = sum(map(len, block.lines)) + len(block.lines)
        with work.db.transaction():
            if block.number == int(again):
                at.rejected -= at.forget(work.db, again)
            months.add(at, made)
            at.reject(work.db, rejects)
            # What its writer has not ended is read again when it has.
            open_bytes = len(block.lines[-1]) + 1 if block.torn else 0
            ended = len(block.lines) - block.torn
            at.after = [block.offset + size - open_bytes, block.number + ended]
            work.moved(ended)
        work.say(len(block.lines))


def bring_rows(work: Work, months: Months) -> None:
    """Rows of an old table, from where it was left."""
    at, kind = work.at, months.kind
    old = table_of(work.path, "audit_events" if kind == "events" else "tool_usage")
    with opened(work.path) as file:
        there = keyset.columns(file, old.name)
        known = [t.old for t in old.takes if t.old in there and t.how != "follows"]
        shape = Shape(kind, known)
        for piece in keyset.pieces(file, f'"{old.name}"', shape.wanted, old.key, at.after):
            made: dict[str, list[Told]] = defaultdict(list)
            rejects: Rejects = []
            for row in piece.rows:
                try:
                    month, told = shape.row(row, work.clock)
                except ValueError as error:
                    rejects.append((named(row[shape.width :]), str(error)))
                else:
                    made[month].append((named(row[shape.width :]), told))
            with work.db.transaction():
                months.add(at, made)
                at.reject(work.db, rejects)
                at.after = piece.after or at.after
                work.moved(len(piece.rows))
            work.say(len(piece.rows))


class Shape:
    """How a row of an old table becomes one of ours."""

    def __init__(self, kind: Kind, known: Sequence[str]) -> None:
        self._places = [name for name in ROWS[kind] if name in known]
        self._all = ROWS[kind]
        self._own = "event_id" if kind == "events" else "usage_id"
        self._beside = [name for name in known if name not in self._places]
        self._keys = [f"{json.dumps(name)}: " for name in self._beside]
        names = (*self._places, *self._beside)
        self.wanted = [f'"{name}"' for name in names]
        self.width = len(names)
        self._at = {name: place for place, name in enumerate(names)}

    def row(self, row: keyset.Row, clock: Clock) -> tuple[str, str]:
        """Its month, and it in COPY's text form; what it says is parsed by Postgres."""
        told = [
            value if value is None or isinstance(value, int | float) else text(value, name)
            for name, value in zip(self._at, row, strict=False)
        ]
        instant, month = clock.placed(_needed(told[0]))
        payload = told[len(self._places) - 1]
        given = self._at.get(self._own)
        own = None if given is None else own_id(told[given])
        what = ", ".join(
            key + _encoded(value)
            for key, name, value in zip(
                self._keys, self._beside, told[len(self._places) :], strict=True
            )
            if value is not None and not (own and name == self._own)
        )
        said = _object(self._all[-1], payload)
        rest = told[1 : len(self._places) - 1]
        made = own or made_id(self._content(told))
        cells = [made, instant, *map(cell, rest), cell(with_beside(said, what))]
        return month, "\t".join(cells) + "\n"

    def _content(self, told: list[Any]) -> bytes:
        """What makes an id: the hash that the old writer gave it, else what it says."""
        place = self._at.get("raw_hash")
        if place is not None and told[place]:
            return str(told[place]).encode()
        return json.dumps(
            [v for name, v in zip(self._at, told, strict=True) if name != "id"]
        ).encode()


def _needed(at: object) -> str:
    if not isinstance(at, str):
        raise lines.NoRow("timestamp: is no text")
    return at


def _encoded(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    return repr(value)


def _object(name: str, told: object) -> str:
    """JSON text of an object."""
    if told is None:
        return "{}"
    payload = told.strip() if isinstance(told, str) else ""
    if not (payload.startswith("{") and payload.endswith("}")):
        raise lines.NoRow(f"{name}: is no object")
    if lines.OWN in payload and "beside" in json.loads(payload):
        raise lines.NoRow(f"{name}: has a key beside of its own")
    return payload
