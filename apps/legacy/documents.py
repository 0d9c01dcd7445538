"""Documents that the old server writes anew when they change: one dispute each, or all discoveries.

What tables say goes before what documents say, as in the backfill.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from apps.legacy import discoveries
from apps.legacy.ledger import Db
from apps.legacy.renew import SQL, Passing
from apps.legacy.seen import Inspected
from apps.legacy.units import Followed
from apps.legacy.work import Work
from apps.legacy.zone import Clock
from apps.queries import load
from schemas.legacy.files import DIALECTIC, GRAPH

MARKS: Final = load(Path(__file__).with_name("documents.sql"))
Live = dict[Path, dict[str, Followed]]


def forget(db: Db, seen: Inspected) -> None:
    """Disputes whose document has changed, so that they are brought anew."""
    for path, digest, told in _changed(db, seen, DIALECTIC.kind):
        unit = str(told.get("session_id"))
        with db.transaction():
            for query in ("undraw", "dialectic_sessions"):
                db.execute(SQL[query], {"units": [unit]})
            _mark(db, path, digest, unit)


def renew(db: Db, seen: Inspected, live: Live, clock: Clock) -> None:
    """Discoveries of a document that has changed, unless the old server keeps them in a table."""
    in_table = any("discoveries" in tables for tables in live.values())
    for path, digest, told in _changed(db, seen, GRAPH.kind):
        nodes = told["nodes"]
        units = [str(unit) for unit in (nodes if isinstance(nodes, dict) else ())]
        with db.transaction():
            if not in_table:
                for query in ("discoveries", "discovery_links", "discovery_answers"):
                    db.execute(SQL[query], {"units": units, "gone": []})
                for part, bring in (("nodes", discoveries.bring_nodes),
                                    ("links", discoveries.bring_links)):  # fmt: skip
                    at = Passing(str(path), part, resumed=True)
                    work = Work(db, seen.directory, path, at, clock, lambda _: None, renews=True)
                    work.graph_lacks(len(units))
                    bring(work)
            _mark(db, path, digest, "")


def _changed(db: Db, seen: Inspected, kind: str) -> Iterator[tuple[Path, bytes, dict[str, Any]]]:
    things = [thing for thing in seen.things if thing.kind == kind]
    paths = [Path(seen.directory) / thing.path for thing in things]
    given = {"files": [*map(str, paths)]}
    known: dict[str, bytes] = dict(db.execute(MARKS["documents"], given).fetchall())
    for path in paths:
        try:
            body = path.read_bytes()
            digest = sha256(body).digest()
            if known.get(str(path)) != digest:
                yield path, digest, json.loads(body)
        except (FileNotFoundError, ValueError):
            continue  # Being written, or gone: the next sweep sees.


def _mark(db: Db, path: Path, digest: bytes, unit: str) -> None:
    db.execute(MARKS["mark"], {"file": str(path), "unit": unit, "digest": digest})
