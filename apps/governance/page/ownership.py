"""The ownership map: every table, label, key, file and message, as schemas/ declares them."""

from functools import cache
from typing import Any, Final, NamedTuple

from apps.declared import everything
from apps.declared.everything import keys
from apps.declared.field import nested, number
from apps.declared.postgres import summary
from apps.governance.page.asked import Asked
from apps.governance.page.view import View
from schemas.bridge import CheckIn
from schemas.ports import ANIMA_DB

SIDES: Final = {"pi": "the Pi", "mac": "the Mac"}
STORES: Final = {"anima": f"{ANIMA_DB} on the Pi", "governance": "Postgres governance on the Mac"}


class Column(NamedTuple):
    """One column, property or field."""

    name: str
    says: str
    unit: str
    range: str


class Place(NamedTuple):
    """One thing that is kept, and where."""

    place: str
    says: str
    owner: str
    store: str
    kept: str
    fresh: str
    sensitivity: str
    columns: tuple[Column, ...]

    def holds(self, word: str) -> bool:
        """Whether the word is in its name, its text or its store."""
        return word in f"{self.place} {self.says} {self.store} {self.sensitivity}".casefold()


def places(word: str = "") -> list[Place]:
    """All that is declared; with a word, what it is found in, with the columns that have it."""
    word = word.casefold()
    found = []
    for place in every():
        if not word or place.holds(word):
            found.append(place)
        elif hit := tuple(c for c in place.columns if word in f"{c.name} {c.says}".casefold()):
            found.append(place._replace(columns=hit))
    return found


@cache
def every() -> tuple[Place, ...]:
    """In the order of the declarations; they do not change while we run."""
    found = [_place(table, table.table, STORES[table.store]) for table in everything.tables()]
    found += [
        _place(label, label.label, f"AGE graph {label.graph}, {label.kind}")
        for label in everything.labels()
    ]
    found += [
        Place(
            key.pattern, key.says, SIDES[key.owner], "Redis",
            f"{key.lifetime_seconds} s", "", key.sensitivity, (),
        )
        for key in keys()
    ]  # fmt: skip
    found += [
        _place(file, file.place, f"file on {SIDES[file.owner]}, {file.form}")
        for file in everything.documents()
    ]
    found += [
        _place(message, message.__name__, "the bridge")._replace(
            owner=SIDES["pi" if message is CheckIn else "mac"], kept="until answered"
        )
        for message in everything.messages()
    ]
    return tuple(found)


def where(asked: Asked) -> dict[str, Any]:
    """The map, or the part of it that a word is found in."""
    sought = asked.text("q", 80)
    return {"sought": sought, "places": places(sought), "all": len(every())}


def _place(of: Any, place: str, store: str) -> Place:
    kept, fresh = getattr(of, "keep_days", None), getattr(of, "fresh_seconds", None)
    columns = tuple(
        Column(
            field.name,
            field.column.says or (field.quantity.source if field.quantity else ""),
            field.quantity.unit if field.quantity and field.quantity.unit != "1" else "",
            field.range if field.quantity else "",
        )
        for field in nested(of)
    )
    return Place(
        place,
        summary(of),
        SIDES[of.owner],
        store,
        f"{kept} d" if isinstance(kept, int) else "for ever",
        f"{number(fresh)} s" if isinstance(fresh, int | float) else "",
        getattr(of, "sensitivity", "internal"),
        columns,
    )


VIEWS: Final = {"/page/where": View("where.html", say=where)}
