"""A server that writes to whichever side is the writer, and a ledger of what was acknowledged.

It asks who that is in the transaction of its write, as whoever can write to both must. The ledger
is kept outside of both sides: a number a write, the newest of what is overwritten.
"""

import json
import random
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg

from apps.legacy import epochs
from schemas.governance.cutover import Side

AGENTS = [f"agent-{n}" for n in range(6)]
STATE = """
INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256, recorded_at, received_at,
       late, energy, integrity, entropy, void, coherence, regime, health, risk, action, margin,
       nearest_edge, reason, warmth, clarity, stability, presence, state_json)
SELECT identity_id, 'live', %(n)s, sha256(%(n)s::text::bytea), clock_timestamp(),
       clock_timestamp(), false, %(value)s, 0.5, 0.2, 0, 0.5, 'STABLE', 'healthy', 0.1, 'proceed',
       'comfortable', 'risk', '', 0.5, 0.5, 0.5, 0.5, '{}'
  FROM core.identities WHERE agent_id = %(agent)s
"""
WORD = """
INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type, recorded_at, reasoning)
SELECT 'd', coalesce(max(seq) + 1, 0), %(agent)s, 'synthesis', clock_timestamp(), %(n)s::text
  FROM dialectic.messages WHERE session_id = 'd'
"""
HOUSE = {
    "label": "UPDATE core.identities SET label = %(n)s::text, updated_at = clock_timestamp(),"
             " last_activity_at = clock_timestamp() WHERE agent_id = %(agent)s",
    "event": "INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)"
             " VALUES (gen_random_uuid(), %(at)s, %(agent)s, 'live', jsonb_build_object('n',"
             " %(n)s::bigint))",
    "discovery": "INSERT INTO core.discoveries (discovery_id, agent_id, type, summary)"
                 " VALUES ('d' || %(n)s, %(agent)s, 'insight', %(n)s::text)",
    "summary": "UPDATE core.discoveries SET summary = %(n)s::text, updated_at = clock_timestamp()"
               " WHERE discovery_id = 'one'",
    "state": STATE,
    "word": WORD,
}  # fmt: skip
OLD = {
    "label": "UPDATE agent_metadata SET label = :n, last_update = :at WHERE agent_id = :agent",
    "event": "INSERT INTO audit_events (timestamp, agent_id, event_type, confidence, details_json)"
             " VALUES (:at, :agent, 'live', 1.0, json_object('n', :n))",
    "discovery": "INSERT INTO discoveries (id, agent_id, type, created_at, summary)"
                 " VALUES ('d' || :n, :agent, 'insight', :at, CAST(:n AS TEXT))",
    "summary": "UPDATE discoveries SET summary = CAST(:n AS TEXT), updated_at = :at"
               " WHERE id = 'one'",
    "state": "INSERT INTO agent_state (agent_id, E, update_count, created_at, updated_at,"
             " state_json) VALUES (:agent, :value, :n, :at, :at, '{}') ON CONFLICT (agent_id)"
             " DO UPDATE SET E = :value, update_count = update_count + 1, updated_at = :at",
    "word": "INSERT INTO dialectic_messages (session_id, agent_id, message_type, timestamp,"
            " reasoning) VALUES ('d', :agent, 'synthesis', :at, CAST(:n AS TEXT))",
}  # fmt: skip
PAUSE_SECONDS = 0.004
LATEST = ("label", "state")
"""One value an agent; the others are each their own, but for the one summary."""


class Ledger:
    """What was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.latest = {}
        self.each = {"event": [], "discovery": [], "word": []}
        self.by_side = {Side.OLD: 0, Side.NEW: 0}
        self.refused = 0

    def keep(self, kind, told, side):
        """Once the side said that it has it."""
        with self.lock:
            self.by_side[side] += 1
            if kind in self.each:
                self.each[kind].append(told)
            else:
                agent = told["agent"] if kind in LATEST else ""
                self.latest[kind, agent] = told

    def known(self, kind, agent=""):
        """The newest that was acknowledged, or one of those that were."""
        with self.lock:
            if kind in self.each:
                return random.choice(self.each[kind]) if self.each[kind] else None
            return self.latest.get((kind, agent))

    @property
    def count(self):
        """All of them."""
        return sum(self.by_side.values())


class BothSides(threading.Thread):
    """The server. It ends when it is told, or when a side fails otherwise than by refusing."""

    def __init__(self, folder, dsn, zone, seed):
        super().__init__(daemon=True)
        self.path, self.dsn, self.zone = folder / "governance.db", dsn, ZoneInfo(zone)
        self.directory, self.dice = str(folder), random.Random(seed)
        self.ledger, self.over, self.failed, self.n = Ledger(), threading.Event(), None, 0

    def run(self):
        """Write after write, until it is over."""
        try:
            with (
                closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as old,
                psycopg.connect(self.dsn, autocommit=True) as house,
            ):
                while not self.over.is_set():
                    self._one(old, house)
                    time.sleep(PAUSE_SECONDS)
        except BaseException as error:
            self.failed = error
            raise

    def _one(self, old, house):
        self.n += 1
        kind = self.dice.choice([*OLD])
        at = datetime.now(UTC)
        told = {"n": self.n, "agent": self.dice.choice(AGENTS), "value": self.n / 1e6}
        while not self.over.is_set():
            if epochs.writer(house, self.directory).side is Side.OLD:
                here = at.astimezone(self.zone)
                text = here.isoformat() if here.fold else here.replace(tzinfo=None).isoformat()
                if not _in_old(old, OLD[kind], {**told, "at": text}):
                    self.ledger.refused += 1
                    time.sleep(0.01)
                    continue
                self.ledger.keep(kind, {**told, "at": text}, Side.OLD)
                return
            if self._in_house(house, kind, told, at):
                text = at.astimezone(self.zone).replace(tzinfo=None).isoformat()
                self.ledger.keep(kind, {**told, "at": text}, Side.NEW)
                return

    def _in_house(self, house, kind, told, at):
        """Its own transaction says whether the house still is the writer."""
        with house.transaction() as work:
            house.execute(HOUSE[kind], {**told, "at": at})
            if epochs.writer(house, self.directory).side is Side.OLD:
                self.ledger.refused += 1
                raise psycopg.Rollback(work)
            return True
        return False


def _in_old(old, statement, told):
    """False when the fence says no; any other refusal is an error."""
    try:
        old.execute(statement, told)
    except sqlite3.IntegrityError as error:
        if "the new house is the writer" in str(error):
            return False
        raise
    return True


def stale(answer, kind, known):
    """Whether an answer is older than what had been acknowledged when it was asked."""
    rows = [dict(zip(answer.columns, row, strict=False)) for row in answer.rows]
    n = known["n"]
    if kind == "label":
        return int(rows[0]["label"] or 0) < n
    if kind == "state":
        return round(float(rows[0]["energy"]) * 1e6) < n
    if kind == "summary":
        return int(rows[0]["summary"]) < n
    if kind == "event":
        return not any(json.loads(row["details"]) == {"n": n} for row in rows)
    if kind == "discovery":
        return not rows
    return not any(row["reasoning"] == str(n) for row in rows)
