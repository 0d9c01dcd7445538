"""``abode where``: where a piece of data lives, answered from the declarations."""

import difflib
import re
from collections.abc import Iterator

from apps.declared.field import nested
from apps.ops.catalogue import Place, declared, vars_of
from schemas.errors import Refused


def find(what: str | None) -> list[Place]:
    """Every place whose name or description has a word that begins so, then every column."""
    # Backticks are the document's Markdown, not the data's.
    every = [Place(**vars_of(place)) for place, _ in declared()]
    if not what:
        return every
    word = what.casefold()
    begins = re.compile(rf"(?<![^\W_]){re.escape(word)}")
    found = [p for p in every if begins.search(f"{p.what} {p.place} {p.store}".casefold())]
    found += [column for column in columns() if _called(column.place, word)]
    if not found:
        names = [place.place for place in every] + [column.place for column in columns()]
        close = difflib.get_close_matches(word, names, n=1, cutoff=0.4)
        raise Refused(
            f"{what!r}: no table, column, label, key, file or message is called so",
            f"did you mean {close[0]!r}?" if close else "abode where lists all places",
        )
    return found


def columns() -> Iterator[Place]:
    """Every column, property and field: with its unit and range, where its place lies."""
    for place, model in declared():
        whole = Place(**vars_of(place))
        for field in nested(model) if model else ():
            yield whole._replace(what=field.says, place=f"{whole.place}.{field.name}")


def _called(place: str, word: str) -> bool:
    """Whether the last part of a column's name holds the word, or its name is the word."""
    return word in place.casefold().rpartition(".")[2] or place.casefold() == word
