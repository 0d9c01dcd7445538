"""Old data as a real server left it: no nasty value, so that any other tool can read it, too.

Sizes beside the events are those of the first seed: 1,063 discoveries with 5,218 edges.
"""

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.legacy.databases import SQL, fill

AGENTS: Final = 40
DISCOVERIES: Final = 1_063
EDGES: Final = 5_218
DISPUTES: Final = 100
SECONDS: Final = 7
Line = dict[str, Any]


def line(number: int, first: datetime) -> Line:
    """The same event in both stores; 362 bytes as a line, as the real log has them."""
    dice = random.Random(number)
    return {
        "timestamp": (first + timedelta(seconds=SECONDS * number, microseconds=1)).isoformat(),
        "agent_id": f"agent_{dice.randrange(AGENTS):06d}", "event_type": "auto_attest",
        "confidence": dice.random(),
        "details": {"ci_passed": True, "risk_score": dice.random(), "decision": "proceed",
                    "reason": "x" * 60, "coherence": dice.random(), "void_active": False},
        "metadata": None,
    }  # fmt: skip


def audit_log(path: Path, count: int, first: datetime) -> None:
    """A file of lines."""
    with path.open("w") as file:
        file.writelines(json.dumps(line(number, first)) + "\n" for number in range(count))


def governance_db(path: Path, count: int, first: datetime) -> None:
    """Variant A with so many events, each as a line has it, and the rest of a small house."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for file in ("variant_a", "knowledge"):
            db.executescript((SQL / f"{file}.sql").read_text())
        at = first.isoformat()
        fill(db, "agent_metadata", (
            {"agent_id": f"agent_{n:06d}", "status": "active", "created_at": at, "last_update": at,
             "version": "v1.0", "total_updates": n, "tags_json": "[]", "api_key": f"key-{n:016x}"}
            for n in range(AGENTS)))  # fmt: skip
        fill(db, "session_identities", (
            {"session_key": f"session-{n}", "agent_id": f"agent_{n:06d}", "api_key": f"key-{n}",
             "bound_at": at, "updated_at": at, "bind_count": 1}
            for n in range(AGENTS)))  # fmt: skip
        fill(db, "agent_state", (
            {"agent_id": f"agent_{n:06d}", "E": 0.6, "I": 0.9, "S": 0.2, "V": 0.01,
             "coherence": 0.8, "regime": "STABLE", "update_count": n, "void_active": 0,
             "created_at": at, "updated_at": at, "state_json": "{}"}
            for n in range(AGENTS)))  # fmt: skip
        fill(db, "audit_events", _events(count, first))
        _knowledge(db, first)
        _disputes(db, first)


def _events(count: int, first: datetime) -> Iterator[Line]:
    for number in range(count):
        told = line(number, first)
        yield {
            "timestamp": told["timestamp"], "agent_id": told["agent_id"],
            "event_type": told["event_type"], "confidence": told["confidence"],
            "details_json": json.dumps(told["details"]), "metadata_json": None,
            "raw_hash": hashlib.sha256(json.dumps(told).encode()).hexdigest(),
        }  # fmt: skip


def _knowledge(db: sqlite3.Connection, first: datetime) -> None:
    dice = random.Random(DISCOVERIES)
    ids = [(first + timedelta(minutes=n)).isoformat() for n in range(DISCOVERIES)]
    fill(db, "discoveries", (
        {"id": each, "agent_id": f"agent_{dice.randrange(AGENTS):06d}", "type": "insight",
         "severity": "low", "status": "open", "created_at": each, "summary": f"what {n} found",
         "details": "x" * 400, "confidence": 0.5} for n, each in enumerate(ids)))  # fmt: skip
    fill(db, "discovery_tags", (
        {"discovery_id": each, "tag": f"tag-{n % 12}"} for n, each in enumerate(ids)))  # fmt: skip
    pairs: set[tuple[str, str]] = set()
    while len(pairs) < EDGES:
        src, dst = dice.sample(ids, 2)
        pairs.add((src, dst))
    fill(db, "discovery_edges", (
        {"src_id": src, "dst_id": dst, "edge_type": "related_to", "created_at": src}
        for src, dst in sorted(pairs)))  # fmt: skip


def _disputes(db: sqlite3.Connection, first: datetime) -> None:
    at = first.isoformat()
    fill(db, "dialectic_sessions", (
        {"session_id": f"{n:016x}", "paused_agent_id": f"agent_{n % AGENTS:06d}",
         "phase": "resolved", "status": "resolved", "created_at": at, "synthesis_round": 1}
        for n in range(DISPUTES)))  # fmt: skip
    fill(db, "dialectic_messages", (
        {"session_id": f"{n // 4:016x}", "agent_id": f"agent_{n % AGENTS:06d}",
         "message_type": "thesis", "timestamp": at, "root_cause": "drift", "reasoning": "x" * 200}
        for n in range(4 * DISPUTES)))  # fmt: skip
