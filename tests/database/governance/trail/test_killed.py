"""Governance is killed while many check in: what it acknowledged is a row and a line, once."""

import json
import random
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException

from apps.governance.trail.index import connect
from apps.governance.trail.verify import known, verify
from apps.postgres import PostgresSettings
from schemas.governance.audit import Trail

CALM = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
CLIENTS = 12
KILLS = 4


class Client(threading.Thread):
    """An agent that checks in until it is told to stop, each again until it is acknowledged."""

    def __init__(self, name: str, house: dict) -> None:
        super().__init__(name=name)
        self.house, self.told = house, []

    def run(self) -> None:
        """Check in."""
        seq = 0
        while not self.house.get("over"):
            body = json.dumps({**CALM, "agent": self.name, "boot_id": "boot-0001", "seq": seq})
            try:
                status, *_ = self.house["now"].ask("POST", "/v1/checkins", body)
            except (OSError, HTTPException):  # it was killed
                time.sleep(0.02)
                continue
            if status == 200:
                self.told.append(seq)
                seq += 1
            else:
                time.sleep(0.05)


def test_a_killed_governance_loses_no_acknowledged_line(start):
    """Rows of agent_state, lines and rows of events are the same check-ins, and the chain holds."""
    chance, house = random.Random(41), {}
    clients = [Client(f"agent-{n}", house) for n in range(CLIENTS)]
    for round_ in range(KILLS):
        house["now"] = start().ready()
        if not round_:
            for client in clients:
                client.start()
        time.sleep(0.4 + chance.random() * 0.6)
        house["now"].process.send_signal(signal.SIGKILL)
        house["now"].process.wait()
    last = house["now"] = start().ready()
    time.sleep(0.5)
    house["over"] = True
    for client in clients:
        client.join(10)
    code, log = last.end()

    acknowledged = {(client.name, seq) for client in clients for seq in client.told}
    lines = [json.loads(x) for x in (last.folder / "audit_log.jsonl").read_text().splitlines()]
    told = Counter(
        (x["agent_id"], x["payload"]["seq"]) for x in lines if x["event_type"] == "check_in"
    )
    rows = Counter(last.rows(
        "SELECT i.agent_id, s.seq FROM core.agent_state AS s JOIN core.identities AS i"
        " ON i.identity_id = s.identity_id"
    ))  # fmt: skip
    events = {event_id for (event_id,) in last.rows("SELECT event_id::text FROM audit.events")}
    created = Counter(x["agent_id"] for x in lines if x["event_type"] == "identity_created")

    assert code == 0, log
    assert len(acknowledged) > 100
    assert acknowledged <= set(rows)
    assert set(rows.values()) == {1}
    assert told == rows
    assert events == {x["event_id"] for x in lines}
    assert len(events) == len(lines)
    assert created == Counter(client.name for client in clients)
    with connect(PostgresSettings(url=last.database.app)) as conn:
        of = known(conn, Trail.AUDIT_LOG)
    seen = verify(Trail.AUDIT_LOG, last.folder / "audit_log.jsonl", of)
    assert seen.findings == ()
    assert seen.lines == seen.last_seq == seen.indexed_seq == len(lines)
