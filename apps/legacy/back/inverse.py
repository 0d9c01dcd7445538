"""The mapping read the other way: a row of the house as values of the old table's columns."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from apps.legacy.stage import BESIDE
from apps.legacy.verify.canonical import Number, canonical, parse
from schemas.legacy.shape import OldTable, Take

NOTHING: Final = (None, "", "[]", "{}")
"""What the house has where an old row had nothing."""
Row = Mapping[str, Any]


class Local:
    """Instants as the old server wrote them: naive, by its zone's clock."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def text(self, at: datetime | None) -> str | None:
        """Without an offset, unless it would be read as another instant."""
        if at is None:
            return None
        here = at.astimezone(self._zone)
        return here.isoformat() if here.fold else here.replace(tzinfo=None).isoformat()

    def instant(self, told: object) -> datetime | None:
        """What an old text means; None when it means nothing."""
        try:
            at = datetime.fromisoformat(str(told))
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC)


def told_back(table: OldTable, row: Row, local: Local) -> dict[str, Any]:
    """Values by old column; those of which the house says nothing are not in it."""
    told: dict[str, Any] = {}
    for take in table.takes:
        if take.how in ("uuid", "secret", "follows") or take.new is None or take.new not in row:
            continue
        told[take.old] = _value(take, row[take.new], local)
    return told


def same(take: Take, before: Any, now: Any, local: Local) -> bool:
    """Whether an old column says that already, in whatever words."""
    if before is None:
        return now in NOTHING
    if now is None:
        return False
    if take.how == "instant":
        return local.instant(before) == local.instant(now)
    if take.how in ("array", "object"):
        try:
            return canonical(parse(str(before))) == canonical(parse(str(now)))
        except (ValueError, RecursionError):
            return False
    return bool(before == now)


def _value(take: Take, value: Any, local: Local) -> Any:
    if take.how in (BESIDE, "json"):
        return _beside(take, (value or {}).get(BESIDE, {}))
    if value is None:
        return None
    ways: dict[str, Callable[[Any], Any]] = {
        "instant": local.text, "truth": int, "array": canonical, "object": _own,
    }  # fmt: skip
    way = ways.get(take.how)
    return way(value) if way else value


def _own(told: Mapping[str, Any]) -> str:
    return canonical({key: each for key, each in told.items() if key != BESIDE})


def _beside(take: Take, beside: Mapping[str, Any]) -> Any:
    name = take.old.removesuffix("_json")
    if take.how == "json" and name in beside:
        return canonical(beside[name])
    return _plain(beside.get(take.old))


def _plain(value: Any) -> Any:
    """A value of a JSON object as one of SQLite."""
    if isinstance(value, Number):
        return float(value) if set(value) & set(".eE") else int(value)
    return canonical(value) if isinstance(value, dict | list) else value
