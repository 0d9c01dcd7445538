"""Discoveries with their tags and edges, back in the old tables."""

from typing import Final

from apps.legacy.back.inverse import Row, told_back
from apps.legacy.back.old import Old
from apps.legacy.stage import named

WORDS: Final = ("response_to", "superseded_by")
"""Kinds of edges that are columns here, of their own names."""


def discovery(old: Old, row: Row) -> None:
    """One with all that it says of others; an edge that says the same stays as it is."""
    table = "discoveries"
    there = old.row(table, '"id" = ?', row["discovery_id"])
    values = told_back(old.mapping(table), row, old.local)
    old.put(table, row["discovery_id"], there, values, {})
    if "discovery_tags" in old.tables:
        _tags(old, row)
    if "discovery_edges" in old.tables:
        _edges(old, row)


def _tags(old: Old, row: Row) -> None:
    table = "discovery_tags"
    found = old.all(table, 'rowid, "tag"', '"discovery_id" = ?', row["discovery_id"])
    there = {tag: rowid for rowid, tag in found}
    for tag, rowid in there.items():
        key = named((row["discovery_id"], tag))
        if tag not in row["tags"] and not old.is_rejected(table, key):
            old.delete(table, rowid)
    for tag in row["tags"]:
        if tag not in there:
            old.insert(table, {"discovery_id": row["discovery_id"], "tag": tag})


def _edges(old: Old, row: Row) -> None:
    table = "discovery_edges"
    names = 'rowid, "dst_id", "edge_type", "response_type"'
    found = old.all(table, names, '"src_id" = ?', row["discovery_id"])
    links = dict(zip(row["related"], row["related_at"], strict=True))
    linked = {other for _, other, kind, _ in found if kind not in WORDS}
    for rowid, other, kind, how in found:
        if kind not in WORDS:
            stays = other in links
        else:
            stays = other == row[kind] and (kind != WORDS[0] or how == row["response_type"])
        key = named((row["discovery_id"], other, kind))
        if not stays and not old.is_rejected(table, key):
            old.delete(table, rowid)
    made = [(other, "related_to", None, at) for other, at in links.items() if other not in linked]
    made += [
        (row[kind], kind, row["response_type"] if kind == WORDS[0] else None, row["updated_at"])
        for kind in WORDS
        if row[kind] is not None
    ]
    for other, kind, how, at in made:
        old.insert(table, {
            "src_id": row["discovery_id"], "dst_id": other, "edge_type": kind,
            "response_type": how, "weight": 1.0, "created_at": old.local.text(at),
        })  # fmt: skip
