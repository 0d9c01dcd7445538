"""``abode where``: where a piece of data lives, answered from the declarations."""

import difflib

from apps.ops.catalogue import Place, places
from schemas.errors import Refused


def find(what: str | None) -> list[Place]:
    """Every place whose name or description holds ``what``; all of them without it."""
    # Backticks are the document's Markdown, not the data's.
    every = [Place(*(cell.replace("`", "") for cell in place)) for place in places()]
    if not what:
        return every
    word = what.casefold()
    found = [p for p in every if word in f"{p.what} {p.place} {p.store}".casefold()]
    if not found:
        names = [place.place for place in every]
        close = difflib.get_close_matches(word, names, n=1, cutoff=0.4)
        raise Refused(
            f"{what!r}: no table or key is called so",
            f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}",
        )
    return found
