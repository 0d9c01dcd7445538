"""A closed model: fields from its annotations, checked when it is made, told as dict or JSON."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, ClassVar, Self, get_origin, get_type_hints

from apps.lean.checks import Check, after, check_of
from apps.lean.constraints import FieldInfo
from apps.lean.values import Refusal, ValidationError, Wrong, from_json, plain, to_json


def model_validator(*, mode: str) -> Callable[[Any], Any]:
    """Marks a method that sees the whole model once its fields are right."""
    if mode != "after":
        raise TypeError(f"mode {mode!r}: the Pi's models look afterwards")

    def mark(method: Any) -> Any:
        method.lean_after = True
        return method

    return mark


def field_validator(*names: str) -> Callable[[Any], Any]:
    """Marks a class method that sees a field once it has its type."""

    def mark(method: Any) -> Any:
        method.__func__.lean_fields = names
        return method

    return mark


class Model:
    """Fields are set once; what pydantic calls ``frozen`` and ``extra`` is in ``model_config``."""

    model_config: ClassVar[dict[str, Any]] = {}
    model_fields: ClassVar[dict[str, FieldInfo]] = {}
    lean_after_all: ClassVar[tuple[str, ...]] = ()
    lean_by_field: ClassVar[dict[str, str]] = {}
    lean_checks: ClassVar[dict[str, Check] | None] = None
    lean_hints: ClassVar[dict[str, Any]] = {}
    model_fields_set: set[str]

    def __init_subclass__(cls, **_options: Any) -> None:
        cls.model_config = {
            key: value
            for base in reversed(cls.__mro__)
            for key, value in base.__dict__.get("model_config", {}).items()
        }
        hints = get_type_hints(cls, include_extras=True)
        cls.lean_hints = {
            name: hint
            for name, hint in hints.items()
            if get_origin(hint) is not ClassVar and name not in Model.__annotations__
        }
        cls.model_fields = {name: _info(cls, name) for name in cls.lean_hints}
        cls.lean_checks = None  # made when the first one is
        marked = {
            name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()
        }
        cls.lean_after_all = tuple(
            name for name, value in marked.items() if getattr(value, "lean_after", False)
        )
        cls.lean_by_field = {
            field: name
            for name, value in marked.items()
            for field in getattr(getattr(value, "__func__", None), "lean_fields", ())
        }

    def __init__(self, **given: Any) -> None:
        try:
            self._take(given)
        except Refusal as refusal:
            raise ValidationError(type(self).__name__, refusal.wrongs) from None

    def _take(self, given: Mapping[str, Any]) -> None:
        cls = type(self)
        checks = cls.lean_checks
        if checks is None:
            checks = cls.lean_checks = {name: _check(cls, name) for name in cls.model_fields}
        values: dict[str, Any] = {}
        wrongs: list[Wrong] = []
        for name, info in cls.model_fields.items():
            if name in given:
                try:
                    values[name] = checks[name](given[name])
                except Refusal as refusal:
                    wrongs += [wrong.within(name) for wrong in refusal.wrongs]
            elif info.is_required:
                wrongs.append(Wrong("missing", (name,), "Field required", dict(given)))
            else:
                values[name] = info.made()
        if cls.model_config.get("extra") == "forbid":
            wrongs += [
                Wrong("extra_forbidden", (str(name),), "Extra inputs are not permitted", value)
                for name, value in given.items()
                if name not in cls.model_fields
            ]
        if wrongs:
            raise Refusal(*wrongs)
        self.__dict__.update(values)
        self.__dict__["model_fields_set"] = {name for name in given if name in values}
        for method in cls.lean_after_all:
            after(getattr(cls, method))(self)

    @classmethod
    def lean_check(cls, value: Any) -> Self:
        """The check of a field of this type."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            msg = f"Input should be a valid dictionary or instance of {cls.__name__}"
            raise Refusal.of("model_type", msg, value)
        made = cls.__new__(cls)
        made._take(value)  # noqa: SLF001  its own
        return made

    @classmethod
    def model_validate(cls, value: Any) -> Self:
        """A model of a dictionary; ValidationError says what is wrong with it."""
        try:
            return cls.lean_check(value)
        except Refusal as refusal:
            raise ValidationError(cls.__name__, refusal.wrongs) from None

    @classmethod
    def model_validate_json(cls, text: bytes | str) -> Self:
        """A model of a JSON object."""
        try:
            value = from_json(text)
        except ValueError as error:
            wrong = Wrong("json_invalid", (), f"Invalid JSON: {error}", text)
            raise ValidationError(cls.__name__, [wrong]) from None
        return cls.model_validate(value)

    def model_dump(
        self, *, mode: str = "python", exclude_none: bool = False, exclude_unset: bool = False
    ) -> dict[str, Any]:
        """Its fields as a dictionary, those of models within it too."""
        told = {}
        for name, info in type(self).model_fields.items():
            value = self.__dict__[name]
            if (
                (exclude_none and value is None)
                or (exclude_unset and name not in self.model_fields_set)
                or (info.exclude_if and info.exclude_if(value))
            ):
                continue
            told[name] = _told(value, mode, exclude_none, exclude_unset)
        return told

    def model_dump_json(self, *, exclude_none: bool = False, exclude_unset: bool = False) -> str:
        """Its fields as compact JSON."""
        told = self.model_dump(exclude_none=exclude_none, exclude_unset=exclude_unset)
        return to_json(told).decode()

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """The same with some fields changed, unchecked."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__, **(update or {}))
        made.__dict__["model_fields_set"] = self.model_fields_set | set(update or {})
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        if type(self).model_config.get("frozen") or name not in type(self).model_fields:
            wrong = Wrong("frozen_instance", (name,), "Instance is frozen", value)
            raise ValidationError(type(self).__name__, [wrong])
        self.__dict__[name] = value

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def _values(self) -> list[Any]:
        return [self.__dict__[name] for name in type(self).model_fields]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self).model_fields)
        return f"{type(self).__name__}({shown})"


def _info(cls: type[Model], name: str) -> FieldInfo:
    """The field's default and bounds, wherever the class says them."""
    said = [each for each in getattr(cls.lean_hints[name], "__metadata__", ())
            if isinstance(each, FieldInfo)]  # fmt: skip
    given = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    if isinstance(given, FieldInfo):
        return given
    info = said[-1] if said else FieldInfo()
    has_default = any(name in vars(base) for base in cls.__mro__)
    return info._replace(default=given) if has_default else info


def _check(cls: type[Model], name: str) -> Check:
    found = check_of(cls.lean_hints[name])
    if name not in cls.lean_by_field:
        return found
    validator = after(getattr(cls, cls.lean_by_field[name]))
    return lambda value: validator(found(value))


def _told(value: Any, mode: str, exclude_none: bool, exclude_unset: bool) -> Any:
    more = (mode, exclude_none, exclude_unset)
    if isinstance(value, Model):
        return value.model_dump(mode=mode, exclude_none=exclude_none, exclude_unset=exclude_unset)
    if isinstance(value, dict):
        return {_told(key, *more): _told(item, *more) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        told = [_told(item, *more) for item in value]
        return tuple(told) if isinstance(value, tuple) and mode == "python" else told
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _told(getattr(value, field.name), *more) for field in fields(value)}
    if mode == "json" and not isinstance(value, (str, int, float, bool, type(None))):
        return plain(value)
    return value.value if mode == "json" and isinstance(value, Enum) else value
