"""What a kill kept from the trail is told later: each change once, however far behind all is."""

import asyncio
import json
import resource
import signal
from collections import Counter

import psycopg

from apps.governance import reconcile
from apps.governance.audit import event
from apps.governance.trail.follow import SQL

CALM = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
CHANGES = (
    ("issue_token", {"rights": ["read"]}, "token_issued"),
    ("set_thresholds", {"expected_version": 1, "reason": "calm", "risk_low": 0.3},
     "thresholds_changed"),
    ("request_review", {"session_type": "review"}, "dialectic_opened"),
    ("record_result", {"outcome_type": "drawing", "outcome_score": 0.5}, "outcome"),
    ("store_discovery", {"type": "note", "summary": "Dusk is late"}, "discovery_stored"),
)  # fmt: skip
ROWS = "SELECT event_id::text, event_type, payload FROM audit.events"


def lines(folder) -> list[dict]:
    """The raw trail."""
    return [json.loads(line) for line in (folder / "audit_log.jsonl").read_text().splitlines()]


def no_more_room(governance) -> None:
    """Its disk takes no further line; what it has open, it may read."""
    size = (governance.folder / "audit_log.jsonl").stat().st_size
    resource.prlimit(governance.process.pid, resource.RLIMIT_FSIZE, (size, size))


def test_a_change_that_was_committed_before_a_kill_is_told_at_the_next_start(start):
    """Tokens, thresholds, disputes and all else: kill -9 between the commit and the line."""
    made = start().ready()
    for agent in ("lumen", "ember"):
        body = json.dumps({**CALM, "agent": agent, "boot_id": "boot-0001", "seq": 1})
        assert made.ask("POST", "/v1/checkins", body)[0] == 200
    for tool, arguments, kind in CHANGES:
        no_more_room(made)
        status, _, said = made.ask(
            "POST", f"/v1/tools/{tool}", json.dumps(arguments), {"X-Agent-Id": "lumen"}
        )
        made.end(signal.SIGKILL)
        assert status == 503, said
        assert kind not in {line["event_type"] for line in lines(made.folder)}
        made = start().ready()
        of_kind = [line for line in lines(made.folder) if line["event_type"] == kind]
        assert [line["payload"].get("told_late") for line in of_kind] == [True], (kind, said)
    assert "lines that a crash kept from it" in made.end()[1]

    told = {line["event_id"]: (line["event_type"], line["payload"]) for line in lines(made.folder)}
    assert len(told) == len(lines(made.folder))
    assert told == {event_id: (kind, said) for event_id, kind, said in made.rows(ROWS)}
    assert made.rows("SELECT count(*) FROM audit.untold") == [(0,)]
    assert start().ready().end()[0] == 0
    kinds = [line["event_type"] for line in lines(made.folder)]
    assert [kinds.count(kind) for _, _, kind in CHANGES] == [1] * len(CHANGES)


PLANTED = """
INSERT INTO core.agent_state (
       identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
       entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
       warmth, clarity, stability, presence, state_json)
SELECT i.identity_id, 'boot-0001', n, sha256('a'), now(), now() - n * interval '1 ms', false, 0.5,
       0.5, 0.5, 0, 0.5, 'STABLE', 'healthy', 0.1, 'proceed', 'comfortable', 'risk', 'calm',
       1, 1, 1, 1, '{}'
  FROM core.identities AS i, generate_series(%s::int, %s::int) AS n
 WHERE i.agent_id = 'lumen'
RETURNING state_id, received_at, seq
"""


def planted(ground, first: int, last: int) -> list[tuple]:
    """Check-ins that were committed and that no line tells of."""
    with psycopg.connect(ground.database.admin, autocommit=True) as conn:
        return conn.execute(PLANTED, (first, last)).fetchall()


def test_what_takes_longer_than_a_start_may_goes_on_behind_the_doors(ground, monkeypatch):
    """Told once and never twice, though new lines come between, and though it is killed on the way.

    The next start finds what is left below what has been told since.
    """
    lumen = "INSERT INTO core.identities (agent_id) VALUES ('lumen') RETURNING 1"
    kept = event("lumen", "token_revoked", {"token_id": 7})

    async def first() -> None:
        async with ground.trails() as made:
            await made.audit.append([event("ember", "identity_created", {})])

    async def behind(seq: int, upto: int) -> list[str | None]:
        """Ended when so many lines were told, and a live check-in after them."""
        async with asyncio.timeout(60), ground.trails() as made:
            said = [made.trouble]
            task = asyncio.create_task(made.go_on())
            while made.audit.journal.tip.seq < upto and not task.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            [(state_id, at, _)] = planted(ground, seq, seq)
            payload = {"state_id": state_id, "boot_id": "boot-0001", "seq": seq}
            await made.audit.append([event("lumen", "check_in", payload, at)])
            task.cancel()
            await asyncio.wait([task])
            await made.index.caught_up(20)
            return [*said, made.trouble]

    asyncio.run(first())
    ground.rows(lumen)
    planted(ground, 1, 24_000)
    with psycopg.connect(ground.database.app, autocommit=True) as conn:
        conn.execute(SQL["keep_untold"], {"events": json.dumps([kept], default=str)})
    monkeypatch.setattr(reconcile, "START_SECONDS", 0.0)
    monkeypatch.setattr(reconcile, "PAUSE_SECONDS", 0.02)
    some = asyncio.run(behind(30_000, upto=4_000))
    rest = asyncio.run(behind(30_001, upto=2**63))

    assert some[0].startswith("24002 rows of before the start are looked through")
    assert some[1] is not None
    assert rest[1] is None
    told = [line["payload"]["seq"] for line in lines(ground.path.parent)
            if line["event_type"] == "check_in"]  # fmt: skip
    assert sorted(told) == [*range(1, 24_001), 30_000, 30_001]
    kinds = Counter((line["agent_id"], line["event_type"]) for line in lines(ground.path.parent))
    assert kinds["lumen", "identity_created"] == kinds["ember", "identity_created"] == 1
    assert kinds["lumen", "token_revoked"] == 1
    assert ground.is_same()
    assert ground.rows("SELECT count(*) FROM audit.untold") == [(0,)]
