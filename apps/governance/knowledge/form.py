"""The form of a file of discoveries: what of it is in no discovery, so that it can be given back.

Pure. ``{"version": …, "nodes": {id: node}, "indexes": {name: {value: [ids]}}}``, as upstream writes
it. The indexes say again what the nodes say, in an order of their own and not always truly.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.errors import Refused

INDEXES: Final = {
    "by_agent": "agent_id",
    "by_tag": "tags",
    "by_type": "type",
    "by_severity": "severity",
    "by_status": "status",
}
"""Index to the key of a node that it is by."""
STYLES: Final = tuple(
    {"indent": indent, "ascii": ascii_only, "end": end}
    for indent in (2, None, 4, 1)
    for ascii_only in (True, False)
    for end in ("", "\n")
)
NEW: Final[dict[str, Any]] = {
    "keys": ["version", "nodes", "indexes"],
    "values": {"version": '"1.0"'},
    "nodes": [],
    "indexes": [[name, []] for name in INDEXES],
    "stale": [],
    "absent": [],
    **STYLES[0],
}
"""Of a file that nobody loaded."""

Pair = tuple[str, str, str]
"""Index, value, id."""


def of(file: Mapping[str, Any], body: str) -> dict[str, Any]:
    """The form of a whole file; one that is written in a way we do not know is refused."""
    nodes, indexes = file.get("nodes"), file.get("indexes", {})
    if not isinstance(nodes, dict) or not all(isinstance(n, dict) for n in nodes.values()):
        raise Refused("nodes: is not an object of objects")
    for key, node in nodes.items():
        if node.get("id") != key:
            raise Refused(f"nodes/{key:.80}: its id is {node.get('id')!r:.80}")
    told = set(_told(indexes))
    meant = set(_pairs(nodes.values()))
    style = next((style for style in STYLES if _written(file, style) == body), None)
    if style is None:
        raise Refused("file: is not written as json.dump does", "it could not be given back")
    return {
        "keys": list(file),
        "values": {k: json.dumps(v) for k, v in file.items() if k not in {"nodes", "indexes"}},
        "nodes": list(nodes),
        "indexes": [[name, [*map(list, lists.items())]] for name, lists in indexes.items()],
        "stale": sorted(told - meant),
        "absent": sorted(meant - told),
        **style,
    }


def whole(form: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> str:
    """The file's text, of its form and the nodes that there are now."""
    parts = {key: json.loads(text) for key, text in form["values"].items()}
    parts["nodes"] = dict(nodes)
    parts["indexes"] = _indexes(form, nodes)
    return _written({key: parts[key] for key in form["keys"]}, form)


def _indexes(
    form: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, list[str]]]:
    """Each in its old order, without what is so no more; what is new comes last."""
    absent = {tuple(pair) for pair in form["absent"]}
    stale = [tuple(pair) for pair in form["stale"]]
    wanted = dict.fromkeys(p for p in (*_pairs(nodes.values()), *stale) if p not in absent)
    made: dict[str, dict[str, list[str]]] = {}
    for name, lists in form["indexes"]:
        made[name] = {}
        for value, ids in lists:
            kept = [each for each in ids if (name, value, each) in wanted]
            if kept or not ids:
                made[name][value] = kept
            for each in kept:
                del wanted[name, value, each]
    for name, value, each in wanted:
        if name in made:
            made[name].setdefault(value, []).append(each)
    return made


def _pairs(nodes: Iterable[Mapping[str, Any]]) -> Iterable[Pair]:
    for node in nodes:
        for name, key in INDEXES.items():
            said = node.get(key)
            for value in said if isinstance(said, list) else [said]:
                if value is not None:
                    yield name, str(value), node["id"]


def _told(indexes: Any) -> Iterable[Pair]:
    if not isinstance(indexes, dict):
        raise Refused("indexes: is not an object")
    for name, lists in indexes.items():
        if not isinstance(lists, dict):
            raise Refused(f"indexes/{name:.80}: is not an object")
        for value, ids in lists.items():
            if not isinstance(ids, list) or len(set(map(str, ids))) < len(ids):
                raise Refused(f"indexes/{name:.80}/{value:.80}: is not a list of different ids")
            for each in ids:
                yield name, value, str(each)


def _written(file: Mapping[str, Any], style: Mapping[str, Any]) -> str:
    text = json.dumps(file, indent=style["indent"], ensure_ascii=style["ascii"])
    return text + str(style["end"])
