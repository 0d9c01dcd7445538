"""Disputes and what was said in them, back in the old tables."""

from collections.abc import Callable, Iterable

from apps.legacy.back.inverse import Row, told_back
from apps.legacy.back.old import Old

Said = Callable[[str, int], Iterable[Row]]
"""What the house has of a dispute after so many words."""


def dispute(old: Old, row: Row, said: Said) -> None:
    """One, and the words that it lacks: those that are there never change."""
    table, words = "dialectic_sessions", "dialectic_messages"
    there = old.row(table, '"session_id" = ?', row["session_id"])
    if there is None or row["is_changed"]:
        values = told_back(old.mapping(table), row, old.local)
        if there and row["came"]:  # What it did not say there, it was only taken to say here.
            values = {name: each for name, each in values.items() if there[name] is not None}
        old.put(table, row["session_id"], there, values, {})
    if words not in old.tables:
        return
    ((count,),) = old.all(words, "count(*)", '"session_id" = ?', row["session_id"])
    for word in said(row["session_id"], int(count)):
        old.insert(words, told_back(old.mapping(words), word, old.local))
