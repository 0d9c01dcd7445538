"""What an annotation says beside its type, by the names of pydantic and annotated-types."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, NamedTuple


class Ge(NamedTuple):
    """Not below ``ge``."""

    ge: float


class Le(NamedTuple):
    """Not above ``le``."""

    le: float


class Len(NamedTuple):
    """So long at least, and at most."""

    min_length: int = 0
    max_length: int | None = None


class MinLen(NamedTuple):
    """So long at least."""

    min_length: int


class MaxLen(NamedTuple):
    """So long at most."""

    max_length: int


class GroupedMetadata:
    """Several of these in one; iterating gives them."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError


class StringConstraints(NamedTuple):
    """What a text must look like; ``pattern`` is searched for, ``$`` means the very end."""

    pattern: str | None = None
    min_length: int = 0
    max_length: int | None = None


class AfterValidator(NamedTuple):
    """A function of the checked value; ValueError refuses it."""

    func: Callable[[Any], Any]


class Json:
    """Marks what JSON can hold."""


JsonValue = Annotated[Any, Json()]


class Aware:
    """Marks an instant that says its offset."""


AwareDatetime = Annotated[datetime, Aware()]

MISSING: Any = object()
"""No default: the field is required."""


class FieldInfo(NamedTuple):
    """One field: its default, and what bounds it beside its type."""

    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None
    min_length: int = 0
    max_length: int | None = None
    exclude_if: Callable[[Any], bool] | None = None
    description: str | None = None

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING and self.default_factory is None

    def made(self) -> Any:
        """A default of its own."""
        return self.default_factory() if self.default_factory else self.default


def Field(default: Any = MISSING, **more: Any) -> Any:  # noqa: N802  pydantic's name
    """What a field is, beside its type."""
    return FieldInfo(default, **more)
