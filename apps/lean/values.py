"""Values that are not models: what went wrong, secrets, and JSON to and from bytes."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

Loc = tuple[str | int, ...]


class Wrong(NamedTuple):
    """One thing that is wrong with an input."""

    kind: str
    loc: Loc
    msg: str
    input: Any

    def within(self, step: str | int) -> "Wrong":
        """The same, seen from one level further out."""
        return self._replace(loc=(step, *self.loc))


class Refusal(Exception):
    """Everything that is wrong with one value."""

    def __init__(self, *wrongs: Wrong) -> None:
        super().__init__()
        self.wrongs = wrongs

    @classmethod
    def of(cls, kind: str, msg: str, value: Any) -> "Refusal":
        """One thing, here."""
        return cls(Wrong(kind, (), msg, value))


class ValidationError(ValueError):
    """An input that a model refuses; ``errors()`` lists why, as pydantic does."""

    def __init__(self, title: str, wrongs: Iterable[Wrong]) -> None:
        self.title, self._wrongs = title, tuple(wrongs)
        lines = [f"{'.'.join(map(str, w.loc)) or title}: {w.msg}" for w in self._wrongs]
        super().__init__("\n".join(lines))

    def errors(self, **_shape: bool) -> list[dict[str, Any]]:
        """Each with ``type``, ``loc``, ``msg`` and ``input``."""
        return [{"type": w.kind, "loc": w.loc, "msg": w.msg, "input": w.input}
                for w in self._wrongs]  # fmt: skip


class SecretStr:
    """A text that is shown to nobody who does not ask for it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """The text."""
        return self._value

    def __str__(self) -> str:
        return "**********" if self._value else ""

    def __repr__(self) -> str:
        return f"SecretStr({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def from_json(text: bytes | str) -> Any:
    """What JSON says; ValueError if it is none, or not in UTF-8, or holds half a character."""
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    try:
        value = json.loads(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("recursion limit exceeded") from None
    return value


def to_json(value: Any) -> bytes:
    """Compact JSON, in UTF-8. What JSON has no word for is told as ``plain`` says."""
    return json.dumps(
        value, default=plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def plain(value: Any) -> Any:
    """A value in the words of JSON: enumerations by value, instants in UTC with a Z."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        if value.tzinfo is UTC:
            return f"{value.replace(tzinfo=None).isoformat()}Z"
        return value.isoformat()
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    return str(value)
