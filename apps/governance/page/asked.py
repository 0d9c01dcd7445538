"""What a reader asked for in the address: each value in its bounds, or a plain refusal."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from apps.bridge.body import UNSTORABLE
from schemas.errors import Refused

LAST: Final = datetime(9998, 12, 31, tzinfo=UTC)
LARGEST: Final = 2**63 - 1
LAST_EVENT: Final = UUID(int=2**128 - 1)


class Asked:
    """The query of one request. Names that we do not know are nobody's harm."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said

    def text(self, name: str, limit: int = 200) -> str:
        """A text, without the space around it; empty if it is absent."""
        value = self._said.get(name, "").strip()
        if len(value) > limit or UNSTORABLE.search(value):
            raise Refused(f"{name}: is not a text of at most {limit} characters")
        return value

    def word(self, name: str, words: Collection[str], otherwise: str = "") -> str:
        """One of some words."""
        value = self.text(name) or otherwise
        if value and value not in words:
            raise Refused(f"{name}: {value!r:.40} is not one of {', '.join(words)}")
        return value

    def number(self, name: str, otherwise: int, high: int = LARGEST) -> int:
        """A whole number from 0 on."""
        value = self.text(name, 20)
        if not value:
            return otherwise
        if not value.isascii() or not value.isdigit() or int(value) > high:
            raise Refused(f"{name}: {value!r:.40} is not a whole number up to {high}")
        return int(value)

    def before(self, name: str = "before") -> datetime:
        """An instant with its offset; the far future if it is absent."""
        value = self.text(name, 40)
        if not value:
            return LAST
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or not 1 < at.year < LAST.year:
            raise Refused(f"{name}: {value!r:.40} is not an instant in UTC")
        return at.astimezone(UTC)

    def event(self, name: str = "id") -> UUID:
        """The id of an event; the last one there can be if it is absent."""
        value = self.text(name, 40)
        try:
            return UUID(value) if value else LAST_EVENT
        except ValueError:
            raise Refused(f"{name}: {value!r:.40} is not the id of an event") from None
