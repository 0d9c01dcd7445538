"""From an annotation to the function that checks a value, lax as pydantic is by default."""

import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from apps.lean.constraints import (
    AfterValidator,
    Aware,
    FieldInfo,
    Ge,
    GroupedMetadata,
    Json,
    Le,
    Len,
    MaxLen,
    MinLen,
    StringConstraints,
)
from apps.lean.values import Refusal, SecretStr, Wrong

Check = Callable[[Any], Any]
N = TypeVar("N", int, float)
TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
FALSE = frozenset({"0", "off", "f", "false", "n", "no"})
JSON_TYPES = (str, bool, int, float, NoneType)


def check_of(annotation: Any) -> Check:  # noqa: PLR0911  one per kind of type
    """The check of a type; TypeError for one that this room does not know."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(args[0], args[1:])
    if origin in {Union, UnionType}:
        return _union(args)
    if origin is Literal:
        return _one_of(args, args)
    if origin in {list, tuple, dict}:
        return _container(origin, args)
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    if isinstance(annotation, type):
        if hasattr(annotation, "model_fields"):
            return annotation.lean_check  # type: ignore[no-any-return,attr-defined]
        if issubclass(annotation, Enum):
            return _one_of([each.value for each in annotation], list(annotation))
        if is_dataclass(annotation):
            return _dataclass(annotation)
    raise TypeError(f"{annotation!r}: no model of the Pi had this type before")


def _annotated(annotation: Any, said: Iterable[Any]) -> Check:
    said = list(_flat(said))
    if any(isinstance(each, Json) for each in said):
        return _json
    checks = [check_of(annotation), *(made for each in said if (made := _bound(each)))]
    return _chain(checks)


def _chain(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    first, *rest = checks

    def check(value: Any) -> Any:
        value = first(value)
        for each in rest:
            value = each(value)
        return value

    return check


def _flat(said: Iterable[Any]) -> Iterable[Any]:
    for each in said:
        if isinstance(each, GroupedMetadata):
            yield from _flat(each)
        elif isinstance(each, FieldInfo):
            yield from (Ge(each.ge),) if each.ge is not None else ()
            yield from (Le(each.le),) if each.le is not None else ()
            if each.min_length or each.max_length is not None:
                yield Len(each.min_length, each.max_length)
        else:
            yield each


def _bound(said: Any) -> Check | None:
    """What one piece of an annotation asks for; None for one that only tells."""
    if isinstance(said, Ge):
        return _compared(lambda value: value >= said.ge, "greater_than_equal",
                         f"Input should be greater than or equal to {said.ge}")  # fmt: skip
    if isinstance(said, Le):
        return _compared(lambda value: value <= said.le, "less_than_equal",
                         f"Input should be less than or equal to {said.le}")  # fmt: skip
    if isinstance(said, StringConstraints):
        return _text(said)
    if isinstance(said, (Len, MinLen, MaxLen)):
        return _sized(getattr(said, "min_length", 0), getattr(said, "max_length", None))
    if isinstance(said, AfterValidator):
        return after(said.func)
    return _aware if isinstance(said, Aware) else None


def after(func: Check) -> Check:
    """A validator's ValueError is a refusal."""

    def check(value: Any) -> Any:
        try:
            return func(value)
        except ValueError as error:
            raise Refusal.of("value_error", f"Value error, {error}", value) from None

    return check


def _compared(holds: Callable[[Any], bool], kind: str, msg: str) -> Check:
    def check(value: Any) -> Any:
        if value is not None and not holds(value):
            raise Refusal.of(kind, msg, value)
        return value

    return check


def _sized(shortest: int, longest: int | None) -> Check:
    def check(value: Any) -> Any:
        if value is None:
            return value
        kind = "string" if isinstance(value, str) else "list"
        if len(value) < shortest:
            raise Refusal.of(f"{kind}_too_short", f"should have at least {shortest}", value)
        if longest is not None and len(value) > longest:
            raise Refusal.of(f"{kind}_too_long", f"should have at most {longest}", value)
        return value

    return check


def _text(said: StringConstraints) -> Check:
    sized = _sized(said.min_length, said.max_length)
    if said.pattern is None:
        return sized
    # pydantic's $ is the end; Python's would let a newline follow.
    pattern = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", said.pattern))

    def check(value: Any) -> Any:
        if value is not None and not pattern.search(value):
            msg = f"String should match pattern '{said.pattern}'"
            raise Refusal.of("string_pattern_mismatch", msg, value)
        return sized(value)

    return check


def _union(members: tuple[Any, ...]) -> Check:
    """None first, then whoever takes the value as it is, then whoever takes it at all."""
    checks = [check_of(member) for member in members if member is not NoneType]
    takes_none = NoneType in members

    def check(value: Any) -> Any:
        if value is None and takes_none:
            return None
        refusals = []
        taken: list[Any] = []
        for each in checks:
            try:
                made = each(value)
            except Refusal as refusal:
                refusals.append(refusal)
            else:
                if type(made) is type(value):
                    return made
                taken.append(made)
        if taken:
            return taken[0]
        raise Refusal(*(wrong for refusal in refusals for wrong in refusal.wrongs))

    return check


def _one_of(words: Iterable[Any], members: Iterable[Any]) -> Check:
    known = dict(zip(words, members, strict=True))
    shown = [repr(word) for word in known]
    listed = " or ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)

    def check(value: Any) -> Any:
        plain = value.value if isinstance(value, Enum) else value
        try:
            return known[plain]
        except (KeyError, TypeError):
            raise Refusal.of("enum", f"Input should be {listed}", value) from None

    return check


def _container(origin: type, args: tuple[Any, ...]) -> Check:
    if origin is dict:
        return _dict(check_of(args[0]), check_of(args[1]))
    if origin is tuple and args[-1] is not Ellipsis:
        return _tuple([check_of(arg) for arg in args])
    each, kind = check_of(args[0]), "list" if origin is list else "tuple"

    def check(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise Refusal.of(f"{kind}_type", f"Input should be a valid {kind}", value)
        return origin(_every(enumerate(value), each))

    return check


def _tuple(checks: list[Check]) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(checks):
            msg = f"Input should be a valid tuple of {len(checks)}"
            raise Refusal.of("tuple_type", msg, value)
        return tuple(_every(enumerate(value), lambda pair: pair[0](pair[1]), checks))

    return check


def _every(
    items: Iterable[tuple[str | int, Any]], each: Check, checks: list[Check] | None = None
) -> list[Any]:
    """All of them checked, or all that is wrong with them."""
    made: list[Any] = []
    wrongs: list[Wrong] = []
    for number, (place, item) in enumerate(items):
        try:
            made.append(each((checks[number], item) if checks else item))
        except Refusal as refusal:
            wrongs += [wrong.within(place) for wrong in refusal.wrongs]
    if wrongs:
        raise Refusal(*wrongs)
    return made


def _dict(key: Check, each: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Refusal.of("dict_type", "Input should be a valid dictionary", value)
        keys = _every(((str(name), name) for name in value), key)
        return dict(zip(keys, _every(((str(n), v) for n, v in value.items()), each), strict=True))

    return check


def _dataclass(kind: type) -> Check:
    hints = get_type_hints(kind, include_extras=True)
    checks = {field.name: check_of(hints[field.name]) for field in fields(kind)}

    def check(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, dict):
            raise Refusal.of("dataclass_type", f"Input should be a {kind.__name__}", value)
        if unknown := [name for name in value if name not in checks]:
            raise Refusal.of("unexpected_keyword_argument", f"{unknown[0]}: is unknown", value)
        made = _every(value.items(), lambda pair: pair[0](pair[1]), [checks[n] for n in value])
        return kind(**dict(zip(value, made, strict=True)))

    return check


def _converted(kind: Callable[[Any], N], value: Any, wrong: str, msg: str) -> N:
    if isinstance(value, (float, int, str)):
        with suppress(ValueError, OverflowError):
            return kind(value)
    raise Refusal.of(wrong, msg, value)


def _float(value: Any) -> float:
    number = _converted(float, value, "float_type", "Input should be a valid number")
    if not math.isfinite(number):
        raise Refusal.of("finite_number", "Input should be a finite number", value)
    return number


def _int(value: Any) -> int:
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 2**63):
        raise Refusal.of("int_from_float", "Input should be a valid integer", value)
    return _converted(int, value, "int_type", "Input should be a valid integer")


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.lower() in TRUE | FALSE:
            return value.lower() in TRUE
    elif isinstance(value, (int, float)) and value in {0, 1}:
        return bool(value)
    raise Refusal.of("bool_type", "Input should be a valid boolean", value)


def _str(value: Any) -> str:
    if isinstance(value, str):
        return str(value.value) if isinstance(value, Enum) else value
    raise Refusal.of("string_type", "Input should be a valid string", value)


def _path(value: Any) -> Path:
    if isinstance(value, (str, Path)):
        return Path(value)
    raise Refusal.of("path_type", "Input is not a valid path", value)


def _secret(value: Any) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(_str(value))


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value) > len("2026-11-29"):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    raise Refusal.of("datetime_type", "Input should be a valid datetime", value)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise Refusal.of("timezone_aware", "Input should have timezone info", value)
    return value


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {_str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Refusal.of("finite_number", "Input should be a finite number", value)
    if isinstance(value, JSON_TYPES):
        return value
    raise Refusal.of("invalid-json-value", "input was not a valid JSON value", value)


def _none(value: Any) -> None:
    if value is not None:
        raise Refusal.of("none_required", "Input should be None", value)


SIMPLE: dict[Any, Check] = {
    Any: lambda value: value,
    bool: _bool,
    datetime: _datetime,
    float: _float,
    int: _int,
    NoneType: _none,
    Path: _path,
    SecretStr: _secret,
    str: _str,
}
