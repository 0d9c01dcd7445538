"""Bring events and calls of tools over: rows of an old table, or lines of an old file."""

import json
from collections import defaultdict
from collections.abc import Container, Generator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple, NoReturn

from apps.legacy import keyset, lines
from apps.legacy.ahead import ahead
from apps.legacy.bring import table_of
from apps.legacy.ledger import Rejects
from apps.legacy.marks import event_of
from apps.legacy.months import Kind, Months, Told
from apps.legacy.row import cell, is_special, made_id, own_id, with_beside
from apps.legacy.source import opened
from apps.legacy.stage import is_text, text
from apps.legacy.work import Work
from apps.legacy.zone import Clock
from schemas.legacy.shape import OldTable

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


def _none(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


READER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_none)
"""Whether a text is JSON; a number of any length is one."""


class Batch(NamedTuple):
    """Rows by month, what is none, and where that leaves a position."""

    made: dict[str, list[Told]]
    rejects: Rejects
    read: int
    after: list[Any] | None
    folds: int
    gaps: int


Batches = Generator[Batch, None, None]


def bring_lines(work: Work, months: Months) -> None:
    """Lines that came since; from the first one when it is another file than it was."""
    at, head = work.at, lines.head(work.path)
    if at.head != head or at.after is None or at.after[0] > work.path.stat().st_size:
        with work.db.transaction():
            at.forget(work.db)
            at.after, at.head = [0, 1], head
            at.read = at.taken = at.rejected = work.clock.folds = work.clock.gaps = 0
            work.moved(0)
    else:
        # Its first line may be one that its writer had not ended.
        with work.db.transaction():
            at.rejected -= at.forget(work.db, str(at.after[1]))
            work.moved(0)
    _write(work, months, _lines(work, months.kind, int(at.after[0]), int(at.after[1])))


def bring_rows(work: Work, months: Months) -> None:
    """Rows of an old table, from where it was left."""
    _write(work, months, _rows(work, months.kind))


def _write(work: Work, months: Months, batches: Batches) -> None:
    at = work.at
    for batch in ahead(batches):
        with work.db.transaction():
            months.add(at, batch.made)
            at.reject(work.db, batch.rejects)
            at.after = batch.after or at.after
            work.moved(batch.read, (batch.folds, batch.gaps))
        work.say(batch.read)


def _lines(work: Work, kind: Kind, offset: int, number: int) -> Batches:
    clock = work.clock
    cut, parse = CUTS[kind]
    for read in lines.blocks(work.path, offset, number):
        waits = work.waits and read.torn
        block = read._replace(lines=read.lines[:-1]) if waits else read
        made, rejects = lines.rows(block, cut, parse, clock)
        # What its writer has not ended is read again when it has.
        ended = len(block.lines) - (block.torn and not waits)
        after = [block.offset + block.size, block.number + ended]
        yield Batch(made, rejects, ended, after, clock.folds, clock.gaps)


def _rows(work: Work, kind: Kind) -> Batches:
    clock = work.clock
    old = table_of(work.path, "audit_events" if kind == "events" else "tool_usage")
    with opened(work.path) as file:
        shape = Shape.of(kind, old, keyset.columns(file, old.name))
        for piece in keyset.pieces(
            file, work.source(old.name), shape.wanted, old.key, work.at.after
        ):
            made: dict[str, list[Told]] = defaultdict(list)
            rejects: Rejects = []
            for row in piece.rows:
                try:
                    month, told = shape.row(row, clock)
                except ValueError as error:
                    rejects.append((str(row[-1]), str(error)))
                else:
                    made[month].append((row[-1], told))
            yield Batch(made, rejects, len(piece.rows), piece.after, clock.folds, clock.gaps)


class Shape:
    """How a row of an old table becomes one of ours."""

    def __init__(self, kind: Kind, known: Sequence[str], parsed: frozenset[str]) -> None:
        """``parsed`` are columns beside it whose text is JSON."""
        self._places = [name for name in ROWS[kind] if name in known]
        self._count = len(self._places)
        self._own = "event_id" if kind == "events" else "usage_id"
        beside = [name for name in known if name not in self._places]
        names = (*self._places, *beside)
        self._beside = [
            (place, name, f"{json.dumps(name)}: ", name in parsed)
            for place, name in enumerate(beside, self._count)
        ]
        self.wanted = [f'"{name}"' for name in names]
        self.width = len(names)
        self._at = {name: place for place, name in enumerate(names)}
        self._hash = self._at.get("raw_hash")

    @classmethod
    def of(cls, kind: Kind, old: OldTable, there: Container[str]) -> "Shape":
        """Of a table that has these columns in its file."""
        known = [t for t in old.takes if t.old in there and t.how != "follows"]
        return cls(kind, [t.old for t in known], frozenset(t.old for t in known if t.how == "json"))

    def row(self, row: keyset.Row, clock: Clock) -> tuple[str, str]:
        """Its month, and it in COPY's text form; what it says is parsed by Postgres."""
        told = row[: self.width]
        texts = "".join([each for each in told if each.__class__ is str])
        if bytes in map(type, told) or not is_text(texts):
            self._name(told)
        instant, month = clock.told(_needed(told[0]))
        given = self._at.get(self._own)
        own = None if given is None else own_id(told[given])
        if house := event_of(told[self._hash]) if self._hash is not None else None:
            return self._ours(house, instant, month, told)
        what = ", ".join(
            [
                _parsed(name, told[place]) if is_json else f"{key}{_plain(told[place])}"
                for place, name, key, is_json in self._beside
                if told[place] is not None and not (own and name == self._own)
            ]
        )
        said = with_beside(_object(self._places[-1], told[self._count - 1]), what)
        values = [own or made_id(self._content(told)), instant, *told[1 : self._count - 1], said]
        if "\\" in what or is_special(texts):
            return month, "\t".join(map(cell, values)) + "\n"
        plain = [each if each.__class__ is str else cell(each) for each in values]
        return month, "\t".join(plain) + "\n"

    def _ours(self, event: str, instant: str, month: str, told: keyset.Row) -> tuple[str, str]:
        """An event that the house wrote there: all that it says is in its object."""
        cells = [event, instant, cell(told[1] or None), cell(told[2]), cell(told[self._count - 1])]
        return month, "\t".join(cells) + "\n"

    def _name(self, told: keyset.Row) -> None:
        for name, value in zip(self._at, told, strict=True):
            if isinstance(value, bytes | str):
                text(value, name)

    def _content(self, told: keyset.Row) -> bytes:
        """What makes an id: the hash that the old writer gave it, else what it says."""
        if self._hash is not None and told[self._hash]:
            return str(told[self._hash]).encode()
        said = [value for name, value in zip(self._at, told, strict=True) if name != "id"]
        return json.dumps(said).encode()


def _plain(value: object) -> str:
    return encode_basestring_ascii(value) if isinstance(value, str) else repr(value)


def _parsed(name: str, value: object) -> str:
    """As the lines have it, so that an event of both is one; what is no JSON stays a text."""
    try:
        is_json = isinstance(value, str) and READER.decode(value) is not None
    except (ValueError, RecursionError):
        is_json = False
    if is_json:
        return f"{json.dumps(name.removesuffix('_json'))}: {value}"
    return f"{json.dumps(name)}: {_plain(value)}"


def _needed(at: object) -> str:
    if not isinstance(at, str):
        raise lines.NoRow("timestamp: is no text")
    return at


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
