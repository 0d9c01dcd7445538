"""The old server's data directory, whole: databases, text files, leftovers and dead directories."""

import json
import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256

from tests.legacy.databases import agent, write
from tests.legacy.nasty import (
    BROKEN_LINES,
    IDS,
    MEGABYTE,
    NUMBERS,
    TEXTS,
    UNFIT,
    UNKNOWN,
    instant,
    one,
)  # fmt: skip


def audit_line(number, dice):
    """One line as the old writer wrote it; every eleventh says its session, too."""
    more = {"n": one(NUMBERS, number), "text": one(TEXTS, number), "none": None}
    line = {
        "timestamp": instant(number), "agent_id": agent(dice.randrange(40)),
        "event_type": one(("auto_attest", "lambda1_skip", "complexity_derivation"), number),
        "confidence": one(NUMBERS, number),
        "details": {"reason": one(TEXTS, number), "risk_score": dice.random(), "pad": "x" * 120},
        "metadata": one((None, {}, None, more), number),
    }  # fmt: skip
    return line | ({"session_id": one(IDS, number)} if number % 11 == 0 else {})


def audit_log(path, rows, seed=0, *, broken=False):
    """Lines as a stream; every 100th twice; broken ones among them and a torn end if asked."""
    dice = random.Random(f"{seed}/audit")
    with path.open("w", encoding="utf-8") as file:
        before = ""
        for number in range(rows):
            text = json.dumps(audit_line(number, dice)) + "\n"
            if number == 7:
                text = text.replace("x" * 120, "x" * MEGABYTE)
            before = before if number % 100 == 99 else text
            file.write(before)
        if broken:
            file.writelines(f"{line}\n" for line in BROKEN_LINES)
            for number, details in enumerate(UNFIT, rows):
                file.write(json.dumps(audit_line(number, dice) | {"details": details}) + "\n")
            file.write('{"timestamp": "2025-11-2')
    return path


def also_as_rows(database, log):
    """Some lines of the log are events of the database, too, under the hash of the old writer.

    Of those with metadata only where the table has a column for it.
    """
    with closing(sqlite3.connect(database)) as db, db, log.open() as file:
        there = {row[1] for row in db.execute("PRAGMA table_info(audit_events)")}
        for number, text in enumerate(file):
            line = json.loads(text)
            has_more = line["metadata"] is not None
            is_one = number % 60 == 7 if has_more else number % 20 == 4
            if not is_one or "session_id" in line or (has_more and "metadata_json" not in there):
                continue
            whole = json.dumps(line, sort_keys=True, separators=(",", ":"))
            row = {
                "timestamp": line["timestamp"], "agent_id": line["agent_id"],
                "event_type": line["event_type"], "confidence": line["confidence"],
                "details_json": json.dumps(line["details"]),
                "raw_hash": sha256(whole.encode()).hexdigest(),
            }  # fmt: skip
            if has_more:
                row["metadata_json"] = json.dumps(line["metadata"])
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO audit_events ({', '.join(row)}) VALUES ({marks})",
                       tuple(row.values()))  # fmt: skip


def tool_usage(path, rows, seed=0):
    """Five keys a line, as the real file."""
    dice = random.Random(f"{seed}/usage")
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            line = {
                "timestamp": instant(number),
                "tool_name": one(("health_check", "identity"), number),
                "agent_id": one((agent(dice.randrange(40)), None), number),
                "success": bool(number % 2), "error_type": one((None, "TimeoutError", ""), number),
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")
    return path


def graph(path, nodes):
    """A knowledge_graph.json; each fifth node is related to one that is not there."""
    told = {}
    for number in range(nodes):
        name = instant(number)
        told[name] = {
            "id": name, "agent_id": agent(number % 40), "type": "insight",
            "summary": one(TEXTS, number), "tags": list(TEXTS[: number % 4]),
            "severity": "low", "timestamp": name, "status": "open",
            "related_to": ["nothing"] if number % 5 == 4 else [instant(number // 2)],
            "references_files": [], "resolved_at": None, "updated_at": None,
            "details": one(TEXTS, number + 1), "odd": one(UNKNOWN, number),
        }  # fmt: skip
    path.write_text(json.dumps({"version": "1.0", "nodes": told, "indexes": {}}))
    return path


def dialectic(folder, sessions):
    """One JSON file a session."""
    folder.mkdir()
    for number in range(sessions):
        said = {
            "phase": "thesis", "agent_id": agent(number), "timestamp": instant(number),
            "root_cause": one(TEXTS, number), "observed_metrics": None,
            "proposed_conditions": list(TEXTS), "reasoning": one(TEXTS, number + 1),
            "agrees": None, "concerns": None,
        }  # fmt: skip
        told = {
            "session_id": f"{number:016x}", "paused_agent_id": agent(number),
            "reviewer_agent_id": agent(number + 1), "phase": "thesis", "synthesis_round": 0,
            "transcript": [said] * (number % 4), "resolution": None,
            "created_at": instant(number),
        }  # fmt: skip
        (folder / f"{number:016x}.json").write_text(json.dumps(told))


def make(data, variant="A", rows=200, seed=0, nodes=None):
    """Everything that the seeds list, below ``data``; the same bytes of text for the same seed.

    ``nodes`` are those of the one file that has to be read whole.
    """
    data.mkdir(parents=True, exist_ok=True)
    write(data / "governance.db", variant, rows, seed)
    audit_log(data / "audit_log.jsonl", rows, seed)
    also_as_rows(data / "governance.db", data / "audit_log.jsonl")
    tool_usage(data / "tool_usage.jsonl", rows, seed)
    graph(data / "knowledge_graph.json", max(1, rows // 5) if nodes is None else nodes)
    dialectic(data / "dialectic_sessions", max(1, rows // 40))
    for name in ("knowledge.db", "knowledge_graph.db", "governance_new.db-wal"):
        (data / name).touch()
    (data / "governance_new.db-shm").write_bytes(bytes(32_768))
    (data / "knowledge.db-shm").write_bytes(bytes(32_768))
    (data / "knowledge.db-wal").touch()
    for end in ("shm", "wal"):
        (data / f"knowledge.db-{end}.__migrated__").write_bytes(b"left")
    for name in ("agents", "activity"):
        (data / name).mkdir()
        (data / name / "old_agent.json").write_text("{}")
    return data


def aged(data):
    """The same, written when the old server wrote."""
    then = int(datetime(2025, 11, 3, tzinfo=UTC).timestamp() * 1e9)
    for path in data.rglob("*"):
        os.utime(path, ns=(then, then))
    return data
