"""One text per value, the same whichever store it lies in, and digests of them.

A number is its exact IEEE value, a whole one all its digits; an instant is UTC to the microsecond;
JSON has its keys sorted. 0.0, empty and null are three things. Inside JSON -0.0 is 0: jsonb knows
no other zero.
"""

import json
import math
import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

DIGEST_BYTES: Final = 16
Cells = list[str | None]
"""Values of a row, in the order of its columns."""


class Unfit(ValueError):
    """A value that no column can hold."""


class Number(str):
    """A number of JSON, as it was written."""

    __slots__ = ()


def _none(word: str) -> NoReturn:
    raise Unfit(f"{word} is no number")


READER: Final = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_none)


def parse(text: str) -> Any:
    """JSON whose numbers are as they were written."""
    return READER.decode(text)


def canonical(value: Any) -> str:
    """JSON text, always the same for the same value."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is Number:
        return number(value)
    if kind is dict:
        inner = [f"{encode_basestring(key)}:{canonical(value[key])}" for key in sorted(value)]
        return f"{{{','.join(inner)}}}"
    if kind is list:
        return f"[{','.join([canonical(each) for each in value])}]"
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    return number(repr(value))


def number(text: str) -> str:
    """A number of JSON by its value."""
    if text.isdigit() or (text[0] == "-" and text[1:].isdigit()):
        return "0" if text == "-0" else text
    near = float(text)
    if math.isnan(near):
        raise Unfit(f"{text} is no number")
    plain = repr(near)
    if near == 0 or math.isinf(near):
        plain = format(Decimal(text), "f")
    elif "e" in plain:
        plain = format(Decimal(plain), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def real(value: Any) -> str | None:
    """A number of a column of numbers: its eight bytes, -0.0 apart from 0.0."""
    if value is None:
        return None
    if isinstance(value, bytes):
        raise Unfit("holds bytes")
    return struct.pack(">d", float(value)).hex()


def text(value: Any) -> str | None:
    """A text as it is; ValueError when no column can hold it."""
    if value is None:
        return None
    if isinstance(value, bytes):
        raise Unfit("holds bytes")
    told = value if isinstance(value, str) else repr(value)
    if "\0" in told:
        raise Unfit("holds a NUL")
    told.encode()
    return told


def part_of(value: Any, kind: type) -> str | None:
    """Canonical text out of JSON text of that kind; null stays null."""
    if value is None:
        return None
    told = parse(text(value) or "")
    if not isinstance(told, kind):
        raise Unfit(f"is no {kind.__name__}")
    return canonical(told)


class Instants:
    """Times as text, of the zone that the backfill was told where they say none."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def __call__(self, value: Any) -> str | None:
        """UTC to the microsecond; an hour that came twice is its first pass."""
        if value is None:
            return None
        at = datetime.fromisoformat(text(value) or "")
        if at.tzinfo is None:
            at = at.replace(tzinfo=self._zone)
        plain = at.astimezone(UTC).replace(tzinfo=None)
        return plain.isoformat(timespec="microseconds") + "Z"

    def needed(self, value: Any) -> str:
        """One that must be there."""
        told = self(value)
        if told is None:
            raise Unfit("when it was is null")
        return told


def digest(cells: Iterable[str | None]) -> bytes:
    """Of a row: a value's length stands before it, and null is no value."""
    told = []
    for cell in cells:
        if cell is None:
            told.append(b"-")
        else:
            body = cell.encode()
            told += (b"+%d " % len(body), body)
    return sha256(b"".join(told)).digest()[:DIGEST_BYTES]


def key_of(*parts: str | None) -> str:
    """How a row is called."""
    if len(parts) == 1:
        return parts[0] or ""
    return json.dumps(parts, ensure_ascii=False)
