"""The ownership map: every place with its parts, or what a term means, as ``where`` tells it."""

from collections import defaultdict
from functools import cache
from typing import Any, Final, NamedTuple

from apps.bridge.tool import Caller, Tool
from apps.governance.page.asked import Asked
from apps.governance.page.view import View
from apps.where.entry import Entry, entries
from schemas.governance.calls.where import Found, Live, Where, WhereReply

LIMIT: Final = 12
SIDES: Final = {"pi": "the Pi", "mac": "the Mac"}
MOODS: Final = {Live.THERE: "good", Live.MISSING: "bad", Live.SILENT: "warn"}


class Place(NamedTuple):
    """One thing that is kept, and its columns, properties or fields."""

    whole: Entry
    parts: tuple[Entry, ...]


@cache
def places() -> tuple[Place, ...]:
    """In the order of the declarations; they do not change while we run."""
    parts: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries():
        if entry.whole is not None:
            parts[entry.whole].append(entry)
    return tuple(
        Place(entry, tuple(parts[entry.place])) for entry in entries() if entry.whole is None
    )


class Map:
    """The view of it; a term is asked of the tool, which forgives typing errors."""

    def __init__(self, where: Tool) -> None:
        self._where = where

    def views(self) -> dict[str, View]:
        """The one page."""
        return {"/page/where": View("where.html", say=self._say)}

    async def _say(self, asked: Asked) -> dict[str, Any]:
        sought = asked.text("q", 80)
        found: tuple[Found, ...] = ()
        if sought:
            said = await self._where.run(Caller(), Where(term=sought, limit=LIMIT))
            found = said.found if isinstance(said, WhereReply) else ()
        shown = () if sought else places()
        return {
            "sought": sought, "found": found, "places": shown, "sides": SIDES, "moods": MOODS,
        }  # fmt: skip
