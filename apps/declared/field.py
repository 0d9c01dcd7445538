"""One column or property of a declaration, taken apart: what its annotation and its Column say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from annotated_types import Len, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from schemas.errors import Refused
from schemas.quantity import Quantity
from schemas.table import Column

LARGEST = 2**63 - 1
"""What an integer column holds anyway."""
SILENT: Final = Column()
KINDS: Final[dict[Any, str]] = {
    dict: "object",
    BaseModel: "object",
    list: "array",
    AwareDatetime: "datetime",
    **{plain: plain.__name__ for plain in (bool, int, float, str, bytes, datetime, date, UUID)},
}


@dataclass(frozen=True, slots=True)
class Field:
    """A name, the kind of its values, and all that holds for them."""

    name: str
    kind: str = ""
    """str, int, float, bool, datetime, date, UUID, bytes, words, true, object, array or texts."""
    nullable: bool = False
    quantity: Quantity | None = None
    words: tuple[str, ...] = ()
    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None
    column: Column = SILENT
    inner: type[BaseModel] | None = None
    """The model of the value, or of each of its parts."""

    @property
    def low(self) -> float | None:
        """The bound that a check must hold."""
        return self.quantity.low if self.quantity else None

    @property
    def high(self) -> float | None:
        """The bound that a check must hold; none where the type is the bound."""
        high = self.quantity.high if self.quantity else None
        return None if self.kind == "int" and high == LARGEST else high

    @property
    def range(self) -> str:
        """``[0, 1]``; ``any`` without bounds."""
        low, high = self.low, self.quantity.high if self.quantity else None
        if low is None and high is None:
            return "any"
        return f"[{number(low, '-∞')}, {number(high, '∞')}]"

    @property
    def says(self) -> str:
        """One sentence for the reader; a number adds its source, its unit and its range."""
        if not self.quantity:
            return self.column.says
        said = (self.column.says.removesuffix("."), self.quantity.source)
        head = "; ".join(part for part in said if part)
        return f"{head}; unit {self.quantity.unit}; range {self.range}"


def number(value: float | None, otherwise: str = "") -> str:
    """As a person writes it."""
    return otherwise if value is None else "2^63 - 1" if value == LARGEST else f"{value:g}"


def fields(model: type[BaseModel]) -> tuple[Field, ...]:
    """Every field of a model, in its order."""
    return tuple(_field(model, name, info) for name, info in model.model_fields.items())


def nested(model: type[BaseModel], path: str = "") -> Iterator[Field]:
    """The fields of a model and of all that is in it, named by their path."""
    for field in fields(model):
        yield replace(field, name=path + field.name)
        if field.inner:
            yield from nested(field.inner, f"{path}{field.name}.")


def _field(model: type[BaseModel], name: str, info: FieldInfo) -> Field:
    found = Field(info.alias or name)
    try:
        for kind, marks in _unwrapped(info.annotation, tuple(info.metadata)):
            found = _marked(_typed(found, kind), marks)
    except TypeError as error:
        raise Refused(f"{model.__name__}.{name}: {error}") from None
    return found


def _unwrapped(kind: Any, marks: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The plain types of an annotation, each with what stands beside it."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        yield from _unwrapped(inner, (*more, *marks))
    elif get_origin(kind) in {Union, UnionType}:
        for each in get_args(kind):
            yield from _unwrapped(each, marks)
    else:
        yield kind, marks


def _typed(field: Field, kind: Any) -> Field:
    if kind is NoneType:
        return replace(field, nullable=True)
    if field.kind == "words" and isinstance(kind, type) and issubclass(kind, StrEnum):
        return replace(field, words=(*field.words, *(word.value for word in kind)))
    if field.kind:
        raise TypeError(f"{kind} beside {field.kind}: a column is of one type")
    origin = get_origin(kind) or kind
    if origin is Literal:
        words = tuple(value for value in get_args(kind) if isinstance(value, str))
        plain = "true" if get_args(kind) == (True,) else type(get_args(kind)[0]).__name__
        return replace(field, kind="words" if words else plain, words=words)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return replace(field, kind="words", words=tuple(word.value for word in origin))
    inner = next((m for m in (origin, *get_args(kind)) if _is_model(m)), None)
    return replace(field, kind=_kind(kind, origin), inner=inner)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kind(kind: Any, origin: Any) -> str:
    if origin is tuple:
        return "texts" if get_args(kind) == (str, ...) else "array"
    known = next((k for k in KINDS if isinstance(origin, type) and issubclass(origin, k)), None)
    if known is None:
        raise TypeError(f"{kind} is no type of a column")
    return KINDS[known]


def _marked(field: Field, marks: tuple[Any, ...]) -> Field:
    for mark in marks:
        match mark:
            case Column():
                field = replace(field, column=mark)
            case Quantity():
                field = replace(field, quantity=mark)
            case StringConstraints():
                field = replace(
                    field,
                    pattern=str(mark.pattern) if mark.pattern else field.pattern,
                    shortest=mark.min_length if mark.min_length is not None else field.shortest,
                    longest=mark.max_length if mark.max_length is not None else field.longest,
                )
            case Len():
                field = replace(field, shortest=mark.min_length, longest=mark.max_length)
            case MinLen():
                field = replace(field, shortest=mark.min_length)
            case MaxLen():
                field = replace(field, longest=mark.max_length)
    return field
