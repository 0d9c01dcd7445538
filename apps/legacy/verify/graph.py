"""The graph as its rows say it should be, against its label tables as they lie; no Cypher.

Each vertex and edge is one text: label, the key of the vertex or of both ends, properties. The hash
of a graph is over these, sorted: two graphs that are the same have it whatever AGE's ids are.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from apps.legacy.ledger import Db
from apps.legacy.verify.canonical import canonical, digest
from apps.legacy.verify.findings import Findings, parted
from apps.legacy.verify.report import Compared, Difference, What
from apps.legacy.verify.scratch import Scratch
from apps.queries import load
from schemas.governance import graph as labels

SQL: Final = load(Path(__file__).with_name("graph.sql"))
BEGUN: Final = (labels.Spawned,)
"""Drawn when an agent is made, which no old store tells of."""
EDGES: Final = tuple(each for each in labels.EDGES if each not in BEGUN)
KEYS: Final = {each.label: each.indexed[0] for each in labels.VERTICES}
ASIDE: Final = frozenset({"Agent", "Tag"})
"""The graph may know more of these than discoveries and disputes speak of."""
ROWS: Final = 2_000
Drawn = tuple[str, str, str, bytes, str]


def look(db: Db, scratch: Scratch) -> None:
    """Both sides into the scratch file."""
    scratch.add("drawn", _wanted(db), 5)
    for label in labels.VERTICES:
        scratch.add("drawn", _vertices(db, scratch, label.label), 5)
    for edge in EDGES:
        scratch.add("drawn", _edges(db, scratch, edge.label), 5)
    scratch.db.execute("CREATE INDEX drawn_key ON drawn (kind, key)")


def compare(scratch: Scratch, findings: Findings) -> tuple[list[Compared], str, str]:
    """Each label, and the hash of each side."""
    sums = {"old": sha256(), "new": sha256()}
    told = []
    for label in (*labels.VERTICES, *EDGES):
        one, rows = {}, {}
        for side, whole in sums.items():
            one[side], rows[side] = _hashed(scratch, side, label.label)
            whole.update(one[side])
        differing = _differences(scratch, label.label, findings)
        told.append(
            Compared(
                table=label.label, old=rows["old"], new=rows["new"], batches=1,
                differing=int(differing > 0), old_sha256=one["old"].hex(),
                new_sha256=one["new"].hex(),
            )
        )  # fmt: skip
    return told, sums["old"].hexdigest(), sums["new"].hexdigest()


def _wanted(db: Db) -> Iterator[Drawn]:
    """What the rows say: all discoveries and disputes, whoever told of them."""
    for agent, status, at in _rows(db, "agents"):
        yield _vertex("Agent", agent, {"id": agent, "status": status, "created_at": at})
    for row in _rows(db, "discoveries"):
        key, agent, kind, status, severity, summary, at, other, answer, successor = row
        told = {"id": key, "type": kind, "status": status, "severity": severity,
                "summary": summary, "created_at": at}  # fmt: skip
        yield _vertex("Discovery", key, told)
        yield _edge("DISCOVERED", ("Agent", agent), ("Discovery", key))
        if other is not None:
            more = {"response_type": answer}
            yield _edge("RESPONSE_TO", ("Discovery", key), ("Discovery", other), more)
        if successor is not None:
            more = {"supersedes": True}
            yield _edge("RELATED_TO", ("Discovery", successor), ("Discovery", key), more)
    for (tag,) in _rows(db, "words"):
        yield _vertex("Tag", tag, {"name": tag})
    for key, tag in _rows(db, "tags"):
        yield _edge("HAS_TAG", ("Discovery", key), ("Tag", tag))
    for key, other in _rows(db, "links"):
        yield _edge("RELATED_TO", ("Discovery", key), ("Discovery", other))
    yield from _wanted_disputes(db)


def _wanted_disputes(db: Db) -> Iterator[Drawn]:
    for key, status, phase, at, paused, reviewer in _rows(db, "sessions"):
        told = {"id": key, "status": status, "phase": phase, "created_at": at}
        yield _vertex("DialecticSession", key, told)
        yield _edge("PAUSED_AGENT", ("DialecticSession", key), ("Agent", paused))
        if reviewer is not None:
            yield _edge("REVIEWER", ("DialecticSession", key), ("Agent", reviewer))
    for number, session, agent, seq, kind in _rows(db, "messages"):
        yield _vertex("DialecticMessage", number, {"id": number, "seq": seq, "type": kind})
        yield _edge("HAS_MESSAGE", ("DialecticSession", session), ("DialecticMessage", number))
        yield _edge("WROTE", ("Agent", agent), ("DialecticMessage", number))


def _vertices(db: Db, scratch: Scratch, label: str) -> Iterator[Drawn]:
    for number, said in _labelled(db, "vertices", label):
        told = json.loads(said)
        key = str(told.get(KEYS[label]))
        scratch.add("places", [(int(number), label, key)], 3)
        yield _vertex(label, key, told, "new")


def _edges(db: Db, scratch: Scratch, label: str) -> Iterator[Drawn]:
    place = "SELECT label, key FROM places WHERE id = ?"
    for start, end, said in _labelled(db, "edges", label):
        ends = [next(scratch.rows(place, int(each)), ("nothing", each)) for each in (start, end)]
        if label == "HAS_TAG" and ends[0][0] == "Agent":
            continue  # what an agent is tagged with is its own
        yield _edge(label, ends[0], ends[1], json.loads(said), "new")


def _labelled(db: Db, query: str, label: str) -> Iterator[tuple[Any, ...]]:
    text = sql.SQL(SQL[query]).format(label=sql.Identifier(label))
    with db.cursor(name="drawn") as cursor:
        cursor.itersize = ROWS
        cursor.execute(text)
        yield from cursor


def _rows(db: Db, query: str) -> Iterator[tuple[Any, ...]]:
    with db.cursor(name="rows") as cursor:
        cursor.itersize = ROWS
        cursor.execute(SQL[query])
        yield from cursor


def _vertex(label: str, key: Any, told: dict[str, Any], side: str = "old") -> Drawn:
    return _drawn(side, label, str(key), told)


def _edge(
    label: str, start: Any, end: Any, told: dict[str, Any] | None = None, side: str = "old"
) -> Drawn:
    return _drawn(side, label, f"{start[0]} {start[1]} -> {end[0]} {end[1]}", told or {})


def _drawn(side: str, label: str, key: str, told: dict[str, Any]) -> Drawn:
    says = canonical({name: _plain(name, v) for name, v in told.items() if v is not None})
    return side, label, key, digest((key, says)), says


def _plain(name: str, value: Any) -> Any:
    if name != "created_at":
        return str(value) if isinstance(value, str) else value
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return at.astimezone(UTC).isoformat()


def _hashed(scratch: Scratch, side: str, label: str) -> tuple[bytes, int]:
    """Of one label; of what the graph may know more of, only what the rows speak of."""
    whole, rows = sha256(), 0
    for (each,) in scratch.rows(SIDE, side, label):
        whole.update(each)
        rows += 1
    return whole.digest(), rows


SIDE: Final = """
SELECT d.digest FROM drawn AS d
 WHERE d.side = ? AND d.kind = ?
   AND (d.side = 'old' OR d.kind NOT IN ('Agent', 'Tag') OR EXISTS (
        SELECT 1 FROM drawn AS o WHERE o.kind = d.kind AND o.key = d.key AND o.side = 'old'))
 ORDER BY d.digest
"""
APART: Final = """
SELECT key, sum(side = 'old') AS old, sum(side = 'new') AS new, min(says)
  FROM drawn WHERE kind = ?
 GROUP BY key, digest HAVING old <> new
 ORDER BY key
"""


def _differences(scratch: Scratch, label: str, findings: Findings) -> int:
    count = 0
    for key, many in groupby(scratch.rows(APART, label), lambda row: row[0]):
        rows = list(many)
        before = [says for _, old, new, says in rows if old > new]
        now = [says for _, old, new, says in rows if new > old]
        is_known = any(old for _, old, _, _ in rows)
        if label in ASIDE and not is_known:
            continue
        what: What = "changed" if before and now else "missing" if before else "extra"
        if what == "extra" and is_known:
            what = "twice"
        said = parted(before[0] if before else None, now[0] if now else None)
        findings.add(Difference(what=what, table=label, key=key, old=said[0], new=said[1]))
        count += 1
    return count
