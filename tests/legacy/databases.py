# ruff: noqa: D103  # a maker is named for the row it makes
"""The old SQLite files, as both of their writers made them, at any scale."""

import hashlib
import json
import random
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

from tests.legacy.nasty import IDS, MEGABYTE, NUMBERS, RATIOS, TEXTS, instant, objects, one

SQL = Path(__file__).parent / "sql"
BATCH = 2_000
REGIMES = ("STABLE", "TRANSITION", "CONVERGENCE", "DIVERGENCE", "EXPLORATION", "nominal")
EDGES = ("related_to", "response_to", "superseded_by")


def agent(number):
    """An id: the nasty ones, then plain ones."""
    return IDS[number] if number < len(IDS) else f"agent_{number:06d}"


def write(path, variant, rows, seed=0):
    """A governance.db of variant A or B, or a knowledge.db (K); ``rows`` in its largest tables."""
    files = {"A": ("variant_a", "knowledge"), "B": ("variant_b",), "K": ("knowledge",)}[variant]
    makers = {"A": {**GOVERNANCE_A, **KNOWLEDGE}, "B": GOVERNANCE_B, "K": KNOWLEDGE}[variant]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for file in files:
            db.executescript((SQL / f"{file}.sql").read_text())
        for table, (share, make) in makers.items():
            dice = random.Random(f"{seed}/{variant}/{table}")
            count = max(1, rows // share) if share else 1
            fill(db, table, (make(number, dice, count) for number in range(count)))
    return path


def fill(db, table, rows):
    """Rows in batches, so that memory does not grow with them."""
    while batch := list(islice(rows, BATCH)):
        names = ", ".join(batch[0])
        marks = ", ".join("?" * len(batch[0]))
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})",
                       (tuple(row.values()) for row in batch))  # fmt: skip
        db.execute("COMMIT")


def hash_of(number, dice):
    """The hash of a line; none at times, as old rows have."""
    return (
        None if number % 7 == 3 else hashlib.sha256(f"{number}{dice.random()}".encode()).hexdigest()
    )


def metadata_a(number, dice, _count):
    return {
        "agent_id": agent(number), "status": one(("active", "paused", "archived", "weird"), number),
        "created_at": instant(number), "last_update": instant(number + 1),
        "version": one(("v1.0", None, ""), number), "total_updates": one((0, 1, -1, 2**62), number),
        "tags_json": one((None, "[]", json.dumps(list(TEXTS)), "not json"), number),
        "notes": one(TEXTS, number), "lifecycle_events_json": one((None, "[]"), number),
        "parent_agent_id": one((None, agent(0), "nobody"), number),
        "api_key": f"key-{dice.getrandbits(64):016x}", "purpose": one((None, *TEXTS), number),
        "label": one((None, "", "Lumen"), number),
    }  # fmt: skip


def metadata_b(number, dice, _count):
    return {
        "agent_id": agent(number), "api_key": f"key-{dice.getrandbits(64):016x}",
        "created_at": instant(number), "updated_at": one((None, instant(number + 1)), number),
        "status": one(("active", "disabled", "deleted", ""), number),
        "parent_agent_id": one((None, agent(0), "nobody"), number),
        "tags_json": one(("[]", json.dumps(list(TEXTS))), number), "metadata_json": objects(number),
    }  # fmt: skip


def session_a(number, _dice, _count):
    return {
        "session_key": f"session-{number}",
        "agent_id": one((agent(number), "nobody", None), number),
        "api_key": f"raw-{number}", "bound_at": instant(number), "updated_at": instant(number + 1),
        "bind_count": one((0, 1, None), number),
    }  # fmt: skip


def session_b(number, _dice, count):
    return {
        "session_id": f"session-{number}", "agent_id": agent(number % count),
        "created_at": instant(number), "last_active": instant(number + 1),
        "expires_at": instant(number + 9), "is_active": number % 2,
        "client_type": one(("sse", "stdio", None), number), "client_info_json": objects(number),
        "metadata_json": one((None, "{}"), number),
    }  # fmt: skip


def state_a(number, _dice, _count):
    return {
        "agent_id": agent(number), "E": one(RATIOS, number), "I": one(RATIOS, number + 1),
        "S": one(RATIOS, number + 2), "V": one(NUMBERS, number), "coherence": one(RATIOS, number),
        "regime": one(REGIMES, number), "update_count": number, "void_active": number % 2,
        "created_at": instant(number), "updated_at": instant(number + 1),
        "state_json": objects(number),
    }  # fmt: skip


def state_b(number, dice, count):
    S = one(RATIOS, number)
    told = {"E": one(RATIOS, number + 1), "health_status": "healthy", "risk_score": dice.random()}
    return {
        "agent_id": agent(number % max(1, count // 10)), "recorded_at": instant(number),
        "entropy": S, "integrity": one(RATIOS, number + 2), "stability_index": 1 - S,
        "volatility": one(NUMBERS, number), "regime": one(REGIMES, number),
        "coherence": one(RATIOS, number), "state_json": one((json.dumps(told), None, "{}"), number),
    }  # fmt: skip


def event_a(number, dice, _count):
    return {
        "timestamp": instant(number), "agent_id": agent(dice.randrange(40)),
        "event_type": one(("auto_attest", "lambda1_skip", "eisv_sync", ""), number),
        "confidence": one(NUMBERS, number), "details_json": objects(number),
        "metadata_json": one((None, "{}", "not json", "[0.0]", objects(number)), number),
        "raw_hash": hash_of(number, dice),
    }  # fmt: skip


def event_b(number, dice, _count):
    return {
        "timestamp": instant(number), "event_id": one((IDS[0], IDS[1], None), number),
        "agent_id": one((agent(dice.randrange(40)), None), number), "session_id": None,
        "event_type": "auto_attest", "confidence": one(RATIOS, number),
        "details_json": objects(number), "raw_hash": hash_of(number, dice),
    }  # fmt: skip


def usage(number, dice, _count):
    return {
        "timestamp": instant(number), "usage_id": one((f"usage_{number}", IDS[0], None), number),
        "agent_id": one((agent(dice.randrange(40)), None), number), "session_id": None,
        "tool_name": one(("health_check", "sync_state", "agent's \\ tool"), number),
        "latency_ms": one((0, 12, -1, 2**40, None), number), "success": number % 2,
        "error_type": one((None, "", "TimeoutError"), number), "payload_json": objects(number),
    }  # fmt: skip


def discovery(number, _dice, _count):
    return {
        "id": instant(number), "agent_id": agent(number % 40),
        "type": one(("insight", "pattern", "bug_found", "made_up"), number),
        "severity": one((None, "low", "critical", ""), number), "created_at": instant(number),
        "summary": one(TEXTS, number),
        "details": "x" * MEGABYTE if number == 5 else one((None, *TEXTS), number),
        "related_files": one((None, "[]", json.dumps(list(TEXTS))), number),
        "confidence": one((None, *NUMBERS), number),
        "embedding": one((None, b"", bytes(range(256))), number),
        "provenance": one((None, "{}", objects(number)), number),
    }  # fmt: skip


def edge(number, _dice, count):
    return {
        "src_id": instant(number % count),
        "dst_id": "nothing" if number % 5 == 4 else instant(number // 2),
        "edge_type": one(EDGES, number), "response_type": one((None, "extend", "odd"), number),
        "weight": one(NUMBERS, number), "created_at": instant(number + 1),
        "metadata": objects(number),
    }  # fmt: skip


def dispute(number, _dice, _count):
    return {
        "session_id": f"{number:016x}", "paused_agent_id": agent(number),
        "reviewer_agent_id": one((None, agent(1), "nobody"), number),
        "phase": one(("resolved", "thesis", "negotiation"), number),
        "status": one((None, "active", "resolved"), number), "created_at": instant(number),
        "topic": one(TEXTS, number), "synthesis_round": one((0, -1, None), number),
        "paused_agent_state_json": objects(number),
    }  # fmt: skip


def message(number, _dice, _count):
    return {
        "session_id": f"{number // 4:016x}", "agent_id": agent(number % 40),
        "message_type": one(("thesis", "antithesis", "synthesis"), number),
        "timestamp": instant(number), "root_cause": one(TEXTS, number),
        "proposed_conditions_json": one((None, "[]", json.dumps(list(TEXTS))), number),
        "observed_metrics_json": objects(number), "agrees": one((None, 0, 1), number),
    }  # fmt: skip


def calibration(number, _dice, _count):
    bins = {"0.8-0.9": {"count": 6, "predicted_correct": 5, "actual_correct": 4.8}}
    told = json.dumps({"bins": bins, "complexity_bins": {}})
    return {"id": 1, "state_json": told, "updated_at": instant(number)}


GOVERNANCE_A = {
    "schema_version": (0, lambda *_: {"name": "agent_metadata", "version": 1}),
    "agent_metadata": (10, metadata_a), "session_identities": (10, session_a),
    "agent_state": (10, state_a), "audit_events": (1, event_a),
    "calibration_state": (0, calibration), "dialectic_sessions": (40, dispute),
    "dialectic_messages": (10, message),
}  # fmt: skip
GOVERNANCE_B = {
    "agent_metadata": (10, metadata_b), "session_identities": (10, session_b),
    "agent_state": (1, state_b), "audit_events": (1, event_b), "tool_usage": (2, usage),
    "calibration_state": (0, calibration),
}  # fmt: skip
KNOWLEDGE = {
    "discoveries": (5, discovery),
    "discovery_tags": (5, lambda n, *_: {"discovery_id": instant(n), "tag": one(TEXTS, n)}),
    "discovery_edges": (2, edge),
    "rate_limits": (10, lambda n, *_: {"agent_id": agent(n), "timestamp": instant(n)}),
    "knowledge_schema_version": (0, lambda *_: {"version": 1, "applied_at": instant(0)}),
}  # fmt: skip
