"""Strict JSON: UTF-8, no NaN or infinity, no key twice, bounded depth, text Postgres can hold."""

import json
import math
import re
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from apps.bridge.refusals import Malformed, NotSpoken
from schemas.bridge import CheckIn, SensorData
from schemas.eisv import DrawingEisv
from schemas.errors import Refused

DEPTH_LIMIT = 16
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
Model = TypeVar("Model", bound=BaseModel)
KNOWN_KEYS = sorted({*CheckIn.model_fields, *SensorData.model_fields, *DrawingEisv.model_fields})


def decode(body: bytes | str, where: str) -> Any:
    """The JSON value of ``body``, or Malformed with what is wrong with it.

    What is plainly well formed is read once and fast; the rest slowly, for what to say of it. A key
    that is there twice leaves quotes out when the value is written again.
    """
    told = body.encode(errors="surrogatepass") if isinstance(body, str) else body
    if b"\\u" not in told and told.count(b"{") + told.count(b"[") <= DEPTH_LIMIT:
        with suppress(ValueError):
            value = from_json(told, allow_inf_nan=False)
            again = to_json(value)
            if again.count(b'"') == told.count(b'"') and b"Infinity" not in again:
                return value
    return _slowly(body, where)


def _slowly(body: bytes | str, where: str) -> Any:
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        if text.count("{") + text.count("[") > DEPTH_LIMIT and _depth(text) > DEPTH_LIMIT:
            raise Malformed(f"{where}: nested deeper than {DEPTH_LIMIT}")
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"{where}: not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Malformed(f"{where}: nested deeper than {DEPTH_LIMIT}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"{where}: not JSON at character {error.pos}: {error.msg}") from None
    except ValueError as error:
        raise Malformed(f"{where}: {error}") from None
    if "\\u" in text:
        _storable(value, where)
    return value


def explain(error: ValidationError, where: str) -> Refused:
    """The first thing wrong with a message, path first; never the whole input."""
    first = error.errors(include_url=False, include_context=True)[0]
    path = "/".join(str(part) for part in first["loc"])
    kind, context = first["type"], first.get("ctx", {})
    hint = None
    if path == "contract":
        hint = f"contracts spoken here: {', '.join(map(str, NotSpoken.contracts))}"
        return NotSpoken(f"{where}: contract: {first['input']!r:.40} is not spoken here", hint)
    if kind == "extra_forbidden":
        key = str(first["loc"][-1])
        said = f"unknown key {key!r}"
        close = get_close_matches(key, KNOWN_KEYS, 1)
        hint = f"did you mean {close[0]!r}?" if close else None
    elif kind == "missing":
        said = "is missing"
    elif kind in {"greater_than_equal", "less_than_equal"}:
        side, limit = ("below", context["ge"]) if "ge" in context else ("above", context["le"])
        said = f"{first['input']!r:.40} is {side} {limit:g}"
    else:
        said = first["msg"].removeprefix("Value error, ")
    return Refused(f"{where}: {path}: {said}" if path else f"{where}: {said}", hint)


def read(model: type[Model], text: bytes | str, where: str) -> Model:
    """The message that ``text`` holds, taken strictly: no number in quotes, no true for 1."""
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise explain(error, where) from None


def read_check_in(body: bytes) -> tuple[CheckIn, bytes]:
    """The check-in that a body holds, and its ``told``.

    What is well formed is read once, by pydantic; what may not be is looked at by ``decode`` too,
    which is slower and says exactly what is wrong. A key that is there twice has quotes too many.
    """
    try:
        said: CheckIn = CheckIn.__pydantic_validator__.validate_json(body, strict=True)
    except ValidationError as error:
        decode(body, "check-in")
        raise explain(error, "check-in") from None
    told = said.told()
    if b"\\u" in body or body.count(b'"') != told.count(b'"'):
        decode(body, "check-in")
    return said, told


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} is there twice")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is beyond every range")
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def _storable(value: Any, where: str) -> None:
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise Malformed(f"{where}: text holds a NUL or half a surrogate pair")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _storable(key, where)
            _storable(inner, where)
    elif isinstance(value, list):
        for inner in value:
            _storable(inner, where)
