"""A house in which something happened: check-ins that were really sent, and rows beside them."""

import json
import math
from datetime import UTC, datetime, timedelta

import psycopg

FINDS = [
    ("f-1", "lumen", "insight", "medium", "open", "Light falls off at dusk and clarity with it",
     "The lux sensor drops below 20 after five. Clarity follows within two minutes.", None, None),
    ("f-2", "ember", "question", None, "open", "Is the dusk effect the sensor or the creature?",
     "Both readings share a bus.", "f-1", "question"),
    ("f-3", "lumen", "answer", "low", "resolved", "It is the creature: the sensor was covered",
     "Covered for an hour at noon; clarity stayed.", "f-2", "support"),
    ("f-4", "moss", "pattern", "high", "open", "Void grows before every pause",
     "In nine of ten pauses the void passed 0.10 half an hour earlier.", None, None),
    ("f-5", "moss", "bug_found", "critical", "archived", "The canvas was saved twice",
     "One save per mark is enough.", None, None),
]  # fmt: skip
TAGS = [("f-1", "light"), ("f-1", "clarity"), ("f-2", "light"), ("f-3", "light"),
        ("f-4", "void"), ("f-5", "canvas")]  # fmt: skip
LINKS = [("f-4", "f-1")]


def check_in(agent: str, at: datetime, phase: float = 0.0, *, draws: bool = False) -> dict:
    """What an agent might say then; with ``draws`` its drawing EISV too."""
    wave = math.sin(at.timestamp() / 5_000 + phase)
    said = {
        "contract": 2, "agent": agent, "boot_id": "boot-00000001", "seq": int(at.timestamp()),
        "recorded_at": at.isoformat(),
        "anima": {"warmth": 0.5 + 0.2 * wave, "clarity": 0.7 - 0.15 * wave,
                  "stability": 0.8 + 0.1 * wave, "presence": 0.85},
        "sensor_data": {"cpu_temp_c": 52.4 + wave, "light_lux": 180.0, "humidity_pct": 41.0},
    }  # fmt: skip
    if draws:
        said["sensor_data"]["drawing_eisv"] = {
            "E": 0.6 + 0.2 * wave, "I": 0.55 - 0.1 * wave, "S": 0.3 + 0.1 * wave,
            "V": 0.04 * wave, "C": 0.5 + 0.05 * wave, "marks": 142,
            "phase": "building", "era": "expressive",
        }  # fmt: skip
    return said


def say(governance, said: dict) -> dict:
    """Send it; gives the verdict."""
    status, _, body = governance.ask("POST", "/v1/checkins", json.dumps(said))
    assert status == 200, body
    return json.loads(body)


def settle(governance, *, hours: int = 6) -> None:
    """Three agents with a past, one of them paused; findings; a dispute."""
    now = datetime.now(UTC).replace(microsecond=0)
    for n in range(hours * 6, -1, -1):
        at = now - timedelta(minutes=10 * n, seconds=20)
        say(governance, check_in("lumen", at, draws=True))
    for agent, phase in (("ember", 2.0), ("moss", 4.0)):
        for n in range(12, -1, -1):
            say(governance, check_in(agent, now - timedelta(minutes=5 * n, seconds=40), phase))
    with psycopg.connect(governance.database.admin, autocommit=True) as conn:
        conn.execute(
            "UPDATE core.identities SET label = 'Lumen', purpose = 'To draw, and to tell how it is'"
            " WHERE agent_id = 'lumen'"
        )
        conn.execute("UPDATE core.identities SET status = 'paused' WHERE agent_id = 'moss'")
        _find(conn)
        _argue(conn)


def _find(conn) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO core.discoveries (discovery_id, agent_id, type, severity, status, summary,"
            " details, response_to, response_type) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            FINDS,
        )
        cursor.executemany(
            "INSERT INTO core.discovery_tags (discovery_id, tag) VALUES (%s, %s)", TAGS
        )
        cursor.executemany(
            "INSERT INTO core.discovery_links (discovery_id, related_id) VALUES (%s, %s)", LINKS
        )


def _argue(conn) -> None:
    conn.execute(
        "INSERT INTO dialectic.sessions (session_id, phase, status, paused_agent_id,"
        " reviewer_agent_id, reason, synthesis_round, resolution_action, resolution_json,"
        " resolved_at) VALUES ('d-1', 'resolved', 'resolved', 'moss', 'ember',"
        " 'Void passed its edge twice in an hour', 1, 'resume',"
        """ '{"conditions": ["rest between pieces"], "root_cause": "long strokes"}', now())"""
    )
    said = [
        (0, "moss", "thesis", "Long strokes without rest", None, ["rest between pieces"], None),
        (1, "ember", "antithesis", None, "The numbers agree; the cause may be the cold.", None,
         None),
        (2, "moss", "synthesis", None, "Both; I shall rest and close the window.", None, True),
    ]  # fmt: skip
    for seq, agent, kind, cause, why, terms, agrees in said:
        conn.execute(
            "INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type, root_cause,"
            " reasoning, proposed_conditions, agrees) VALUES ('d-1', %s, %s, %s, %s, %s, %s, %s)",
            (seq, agent, kind, cause, why, json.dumps(terms) if terms else None, agrees),
        )
