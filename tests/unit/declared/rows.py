"""Rows for every declared table: both ends of each range, each word, null, and ill-natured text.

The same every time: row ``n`` of a table is the same whichever of its columns are there yet.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter
from itertools import chain
from random import Random
from typing import Any
from uuid import UUID

from apps.declared.field import LARGEST, Field, fields
from schemas.label import Label
from schemas.quantity import Closed
from schemas.table import Table

COUNT = 16
"""Of each table: more than there are words or edges of any column."""
NESTED = {
    "": None,
    "quotes ' \" ` \\ $$": [[], {}, [[{"deep": [True, False, None]}]]],
    "numbers": [0, -0.0, 1e-7, 1.7976931348623157e308, 2**53 + 1, -(2**63)],
    "ünï¢ode 🜁": "\u202e a line\nand\ta tab; DROP TABLE x; -- {0} %s :name",
}
TEXTS = (
    "",
    "quotes ' and \" and ` and ''",
    "backslashes \\ \\n \\. \\N \\\\",
    "a line\nand\r\nanother\tand a tab",
    "ünï¢ode 🜁 \u202e e\u0301",
    "$$ $1 %s %(x)s {0} :name; DROP TABLE x; --",
    " spaces around ",
    "NULL",
    "long " * 300,
    # For what must be like a pattern.
    "abcdefgh",
    "Z0-9-a-b",
    "0" * 50,
    "loop:abcdefgh",
    "email:0123456789abcdefghijkl",
    "s1." + "A-z_" * 8,
)
INSTANTS = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
OTHERWISE: dict[str, Any] = {
    # As they were before others were added.
    "log.events": lambda row: {
        "version": 1,
        "type": {
            "loop_owned": "loop_forked",
            "user_forgotten": "loop_created",
            "agent_measured": "tone_shifted",
            "loop_measured": "loop_dissolved",
        }.get(row["type"], row["type"]),
    },
    "privacy.subjects": lambda row: {
        "forgotten_at": None if row["wrapped"] else NOON,
        "finished_at": None if row["wrapped"] else row["finished_at"],
    },
    # Up to the line's 0005 a key led to it: the first user that is made.
    "soulfra.agents": lambda _: {"owner_id": UUID(int=0)},
    "shard.slots": lambda row: {"frozen_until": NOON if row["state"] == "frozen" else None},
    "shard.moves": lambda _: {"last_slot": 4095},
    "soulfra.loops": lambda row: {
        # Nobody's were not there from the beginning: the first of each.
        "creator_id": row["creator_id"] or UUID(int=0),
        "agent_id": row["agent_id"] or "NULL-0",
        "fork_depth": (row["fork_depth"] or 1) if row["fork_parent"] else 0,
    },
    "soulfra.votings": lambda row: {"closed_at": None if row["status"] == "open" else NOON},
    "soulfra.prophecies": lambda row: {
        "fulfilled_at": NOON if row["fulfillment_status"] == "fulfilled" else None
    },
    "soulfra.clusters": lambda row: {
        "dissolved_at": NOON if row["status"] == "dissolved" else None
    },
    "soulfra.credit_entries": lambda row: {"amount": row["amount"] or 1},
    "soulfra.transformations": lambda row: {
        "loop_id": None if row["agent_id"] else row["loop_id"] or "abcdefgh"
    },
    "audit.tool_usage": lambda row: {"success": row["error_type"] is None},
    "core.tokens": lambda row: {
        "rights": ["check-in", "read", "write", "operate"][: row["token_id"] % 5]
    },
    "core.discoveries": lambda row: {
        "response_type": row["response_type"] or ("extend" if row["response_to"] else None)
    },
}
"""What one column must be because another is as it is."""


def rows(models: tuple[type[Table], ...], now: datetime) -> dict[type[Table], list[dict[str, Any]]]:
    """Rows of every table, in an order in which they can be inserted."""
    known = {model.table: model for model in models}
    order = TopologicalSorter({m: {known[t] for t in _referred(m)} - {m} for m in models})
    made: dict[type[Table], list[dict[str, Any]]] = {}
    for model in order.static_order():
        whole = made[model] = []
        keys = (_most(field) for field in fields(model) if (field.name,) == model.key)
        count = min((COUNT, *keys))
        there = {m.table: made[m] for m in made}
        # One by one: a row may refer to the one before.
        whole.extend(_row(model, n, now, there) for n in range(count))
    return made


def _most(field: Field) -> int:
    """How many values a column can have, if it says them all."""
    return {"true": 1, "words": len(field.words)}.get(field.kind, COUNT)


def properties(label: type[Label], now: datetime) -> list[dict[str, Any]]:
    """Of vertices or edges; a graph holds no null."""
    rows = [_row(label, n, now, {}) for n in range(COUNT)]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def months(now: datetime) -> Iterator[datetime]:
    """The edges of the months that are made ahead, and the instant after them."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(4):
        following = (first + timedelta(days=32)).replace(day=1)
        yield from (first, following - timedelta(microseconds=1))
        first = following
    yield first


def _row(model: type[Closed], n: int, now: datetime, made: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    singles = _singles(model)
    for place, field in enumerate(fields(model)):
        if field.column.generated:
            continue
        choices = list(_choices(model, field, now, made, n))
        if field.name in singles and field.kind != "words":
            row[field.name] = _single(field, n, choices[(n + place) % len(choices)])
            continue
        if field.nullable:
            choices = [None, *choices]
        row[field.name] = choices[(n + place) % len(choices)]
    if not issubclass(model, Table):
        return row
    for reference in model.references.values():
        table, *columns = re.findall(r"[\w.]+", reference.target)
        row |= zip(reference.columns, (made[table][n][of] for of in columns), strict=True)
    more = OTHERWISE.get(model.table)
    return row | (more(row) if more else {})


def _choices(
    model: type[Closed], field: Field, now: datetime, made: dict[str, Any], n: int
) -> Iterable[Any]:
    """What is worth a try."""
    if field.column.references:
        table, column = _reference(field)
        there = [row[column] for row in made[table]]
        # One may refer to its own table: to the row before.
        mine = issubclass(model, Table) and table == model.table
        return there[n - 1 : n] if mine else there[field.nullable :]
    random = Random(f"{model.__name__}.{field.name}")
    if field.kind in {"int", "float"}:
        return _numbers(field, random)
    if field.kind == "str":
        return [text for text in TEXTS if _fits(field, text)]
    if field.kind == "datetime":
        cut = issubclass(model, Table) and field.name == model.month_by
        return months(now) if cut else (*INSTANTS, *list(months(now))[:2])
    size = field.longest or 32
    by_kind: dict[str, tuple[Any, ...]] = {
        "words": field.words,
        "date": (date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31)),
        "true": (True,),
        "bool": (True, False),
        "UUID": tuple(UUID(int=random.getrandbits(128)) for _ in range(4)),
        "bytes": (b"\0" * size, b"\xff" * size, random.randbytes(size)),
        "texts": ((), TEXTS, ("",)),
        "object": ({}, NESTED, {"a": {"a": NESTED}}),
        "array": ([], [NESTED, None, -0.0, ""], [[[]]]),
    }
    return by_kind[field.kind]


def _numbers(field: Field, random: Random) -> Iterator[float]:
    """Both ends, nothing, a negative nothing, and something between."""
    low, high = ends(field)
    yield from (low, high)
    if low <= 0 <= high:
        yield 0
        if field.kind == "float":
            yield -0.0
    if field.kind == "float":
        yield from (low + (high / 2 - low / 2), low / 2 + high / 2 * random.random())
    else:
        yield random.randint(int(low), int(high))


def ends(field: Field) -> tuple[float, float]:
    """The least and the greatest number that a column takes."""
    low, high = field.low, field.quantity.high if field.quantity else None
    if field.kind == "float":
        most = 1.7976931348623157e308
        return -most if low is None else low, most if high is None else high
    most = 2**31 - 1 if field.column.sql == "integer" else LARGEST
    return -most - 1 if low is None else int(low), most if high is None else int(high)


def _fits(field: Field, text: str) -> bool:
    shortest = max(field.shortest or 0, "length(" in (field.column.check or ""))
    longest = 10**6 if field.longest is None else field.longest
    return shortest <= len(text) <= longest and bool(re.search(field.pattern or "", text))


def _single(field: Field, n: int, value: Any) -> Any:
    """A value that no other row of the table has."""
    if field.column.references:
        return value
    match field.kind:
        case "str":
            return f"{value}-{n}"
        case "int":
            return ends(field)[n] if n < len(ends(field)) else 1000 + n
        case "date":
            return date(2024, 2, 28) + timedelta(days=n)
        case "bytes" if value is not None:
            return bytes([n]) + value[1:]
        case "UUID":
            value = UUID(int=(0, 2**128 - 1)[n] if n < 2 else value.int ^ n)
    return value


def _singles(model: type[Closed]) -> set[str]:
    """Columns of some key."""
    if issubclass(model, Table):
        alone = {field.name for field in fields(model) if field.column.unique}
        return {*model.key, *chain.from_iterable(model.unique.values()), *alone}
    return set(model.indexed[:1]) if issubclass(model, Label) else set()


def _referred(model: type[Table]) -> Iterator[str]:
    yield from (_reference(field)[0] for field in fields(model) if field.column.references)
    yield from (reference.target.partition(" ")[0] for reference in model.references.values())


def _reference(field: Field) -> tuple[str, str]:
    """Table and column that a column refers to."""
    found = re.match(r"(\S+) \((\w+)\)", field.column.references or "")
    if not found:
        raise ValueError(f"{field.name}: refers to {field.column.references!r}")
    return found[1], found[2]
