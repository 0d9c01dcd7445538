"""Discoveries with their tags and what they say of each other, as the house should hold them.

A row says nothing of its links: they are gathered first, and each discovery is told at the end.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from apps.governance.knowledge.told import Node
from apps.legacy.stage import named
from apps.legacy.verify.agents import spoken_of
from apps.legacy.verify.canonical import (
    Cells,
    Instants,
    Number,
    Unfit,
    canonical,
    key_of,
    parse,
    part_of,
    real,
    text,
)
from apps.legacy.verify.findings import Findings
from apps.legacy.verify.house import digests
from apps.legacy.verify.old import Given, Row
from apps.legacy.verify.report import Difference
from apps.legacy.verify.rows import Values, beside, placed
from apps.legacy.verify.scratch import Scratch
from apps.legacy.verify.targets import DISCOVERIES, LINKS, TAGS, Target
from schemas.legacy.shape import OldTable

LOST: Final = f"""
SELECT e.src, e.kind, e.dst FROM edges AS e
 WHERE NOT EXISTS (SELECT 1 FROM told_{DISCOVERIES.query} AS t WHERE t.key = e.src)
   AND NOT EXISTS (SELECT 1 FROM found_{DISCOVERIES.query} AS f WHERE f.key = e.src)
 ORDER BY e.src, e.kind, e.dst
"""  # noqa: S608  # a name of ours
"""Words of a discovery that nobody told of."""
PLAIN: Final = ("related_to", "response_to", "superseded_by")
AT: Final = {name: place for place, name in enumerate(DISCOVERIES.columns)}


def discovery(table: OldTable, instant: Instants) -> Callable[..., Iterator[Row]]:
    """Rows of the old table, and who found them."""

    def _discovery(row: Values, _: frozenset[str]) -> Iterator[Row]:
        yield from _with_agent(_of_row(table, row, instant))

    return _discovery


def _with_agent(row: Row) -> Iterator[Row]:
    yield row
    agent, at = row.cells[AT["agent_id"]], row.cells[AT["created_at"]]
    if agent and at:
        yield spoken_of(agent, at)


def _of_row(table: OldTable, row: Values, instant: Instants) -> Row:
    told = placed(table, row, instant)
    told["provenance"] = part_of(told.get("provenance"), dict)
    return _told(told["discovery_id"], told, {})


def _told(key: Any, told: Values, more: Values) -> Row:
    created = told["created_at"]
    if not isinstance(key, str) or created is None:
        raise Unfit("its id or its time is null")
    cells = {
        "created_at": created,
        "updated_at": told.get("updated_at") or created,
        "resolved_at": told.get("resolved_at"),
        "details": text(told.get("details")) or "",
        "references_files": told.get("references_files") or "[]",
        "confidence": real(told.get("confidence")),
        "provenance": told.get("provenance"),
        "provenance_chain": told.get("provenance_chain"),
        "response_to": None,
        "response_type": None,
        "superseded_by": None,
        "metadata": canonical({"beside": more} if more else {}),
        **{n: text(told.get(n)) for n in ("agent_id", "type", "severity", "summary", "status")},
    }
    return Row(DISCOVERIES, key, [cells[name] for name in DISCOVERIES.columns])


def tag(row: Values, _: frozenset[str]) -> Iterator[Row]:
    """Rows of the old table of tags; their time is told at the end."""
    yield Row(TAGS, key_of(text(row["discovery_id"]), text(row["tag"])), [None])


def edge(
    scratch: Scratch, table: OldTable, instant: Instants
) -> Callable[[Values, frozenset[str]], Iterator[Row]]:
    """Rows of the old table of edges."""

    def _edge(row: Values, _: frozenset[str]) -> Iterator[Row]:
        more = beside(table, row)
        at = instant.needed(row["created_at"])
        yield from _said(scratch, text(row["src_id"]), text(row["dst_id"]), at, more)

    return _edge


def _said(
    scratch: Scratch, src: str | None, dst: str | None, at: str, more: Values
) -> Iterator[Row]:
    """A link of its own, or a word of its source; what a link cannot hold is kept there, too.

    So is when a word was said: it is left out at the end when that is the time of its source.
    """
    if src is None or dst is None:
        raise Unfit("one of its ends is null")
    kind = str(more.get("edge_type", ""))
    if kind in PLAIN[1:]:
        more = more | {"created_at": at}
    scratch.add("edges", [(src, kind, dst, canonical(more))], 4)
    if kind not in PLAIN[1:]:
        yield Row(LINKS, key_of(src, dst), [at])


def nodes(path: Path) -> Iterator[Given]:
    """Of a knowledge_graph.json, in its order."""
    told = parse(path.read_text("utf-8"))["nodes"]
    found = told.items() if isinstance(told, dict) else enumerate(told)
    for place, (key, node) in enumerate(found):
        yield Given(str(key), place, 0, (str(key), node))


def node(instant: Instants) -> Any:
    """A node as a discovery; its tags are told with it."""

    def _node(given: tuple[str, Any], _: frozenset[str]) -> Iterator[Row]:
        told = given[1]
        if not isinstance(told, dict):
            raise Unfit("is no object")
        known = {name: told.get(name) for name in Node.model_fields}
        more = {
            key: value
            for key, value in told.items()
            if key not in Node.model_fields and value is not None
        }
        values = {
            **known,
            "created_at": instant(known["timestamp"]),
            "updated_at": instant(known["updated_at"]),
            "resolved_at": instant(known["resolved_at"]),
            "status": known["status"] or "open",
            "references_files": canonical(known["references_files"] or []),
            **{
                name: None if known[name] is None else canonical(known[name])
                for name in ("provenance", "provenance_chain")
            },
        }
        row = _told(known["id"], values, more)
        yield from (Row(TAGS, key_of(row.key, tag), [None]) for tag in set(known["tags"] or ()))
        yield from _with_agent(row)

    return _node


def links(path: Path) -> Iterator[Given]:
    """What nodes of a file say of each other, each as it is called when it is rejected."""
    for given in nodes(path):
        key, told = given.value
        if not isinstance(told, dict):
            continue
        for other, more in _ends(told):
            name = named((key, None if other is None else _plain(other), more["edge_type"]))
            yield Given(name, given.at, 0, (key, other, told.get("timestamp"), more))


def _ends(told: Values) -> Iterator[tuple[Any, Values]]:
    related, answered = told.get("related_to"), told.get("response_to")
    for other in related if isinstance(related, list) else ():
        yield other, {"edge_type": PLAIN[0]}
    if isinstance(answered, dict):
        more = {"edge_type": PLAIN[1], "response_type": answered.get("response_type")}
        yield answered.get("discovery_id"), more
    if told.get("superseded_by"):
        yield told["superseded_by"], {"edge_type": PLAIN[2]}


def _plain(other: Any) -> Any:
    """A number as Python reads it."""
    if not isinstance(other, Number):
        return other
    return int(other) if other.removeprefix("-").isdigit() else float(other)


def link(scratch: Scratch, instant: Instants) -> Any:
    """One of them."""

    def _link(given: tuple[str, Any, Any, Values], _: frozenset[str]) -> Iterator[Row]:
        src, dst, at, more = given
        dst = None if dst is None else str(dst)
        yield from _said(scratch, src, dst, instant.needed(at), more)

    return _link


def finish(scratch: Scratch, findings: Findings) -> None:
    """Each discovery with what was said of it: the first that told of it, and all its words."""
    scratch.db.execute("CREATE INDEX edges_src ON edges (src)")
    scratch.index("told", DISCOVERIES)
    scratch.index("found", DISCOVERIES)
    before: str | None = None
    for told in _first(scratch):
        if told[0] != before:
            before = told[0]
            _finish_one(scratch, *told)
    for src, kind, dst in scratch.rows(LOST):
        findings.add(
            Difference(what="no row", table=DISCOVERIES.table, key=src, old=f"{kind} {dst}")
        )
    _finish_tags(scratch)


def _finish_tags(scratch: Scratch) -> None:
    """A tag is as old as its discovery."""
    before, at = None, None
    for place, key in scratch.rows(f"SELECT rowid, key FROM told_{TAGS.query} ORDER BY key"):  # noqa: S608  # a name of ours
        src = json.loads(key)[0]
        if src != before:
            said = [scratch.cells(side, DISCOVERIES, src) for side in ("told", "found")]
            before, at = src, next((json.loads(s)[AT["created_at"]] for s in said if s), None)
        _set(scratch, TAGS, place, [at])


def _set(scratch: Scratch, target: Target, place: int, cells: Cells) -> None:
    _, full = digests(target, cells)
    scratch.db.execute(
        f"UPDATE told_{target.query} SET full = ?, cells = ? WHERE rowid = ?",  # noqa: S608  # a name of ours
        (full, json.dumps(cells), place),
    )


def _first(scratch: Scratch) -> Iterator[tuple[str, int, str]]:
    """Key, row and values, the first telling of each first."""
    sql = f"SELECT key, rowid, cells FROM told_{DISCOVERIES.query} ORDER BY key, source, at"  # noqa: S608  # a name of ours
    rows = scratch.rows(sql)
    return ((str(key), int(place), str(cells)) for key, place, cells in rows)


def _finish_one(scratch: Scratch, key: str, place: int, said: str) -> None:
    edges = "SELECT kind, dst, beside FROM edges WHERE src = ? ORDER BY rowid"
    found = list(scratch.rows(edges, key))
    if not found:
        return
    cells = json.loads(said)
    kept: Values = {}
    for kind, dst, beside_text in found:
        more = parse(beside_text)
        if more.get("created_at") == cells[AT["created_at"]]:
            del more["created_at"]
        kept |= _kept(kind, dst, more)
        if kind == "response_to" and cells[AT["response_to"]] is None:
            cells[AT["response_to"]] = dst
            cells[AT["response_type"]] = more.get("response_type")
        if kind == "superseded_by" and cells[AT["superseded_by"]] is None:
            cells[AT["superseded_by"]] = dst
    if kept:
        metadata = parse(cells[AT["metadata"]])
        metadata["beside"] = metadata.get("beside", {}) | {"edges": kept}
        cells[AT["metadata"]] = canonical(metadata)
    _set(scratch, DISCOVERIES, place, cells)


def _kept(kind: str, dst: str, more: Values) -> Values:
    """What a link cannot hold of it: a weight that is not 1, a kind of its own, and so on."""
    told = {name: value for name, value in more.items() if name != "edge_type"}
    said = {name for name, value in told.items() if name != "weight"}
    if kind == "response_to":
        said -= {"response_type"}
    heavy = told.get("weight") is not None and float(told["weight"]) != 1
    return {f"{kind} {dst}": told} if said or heavy or kind not in PLAIN else {}
