"""Through the doors of a living governance: from pause to resume, and what ends by itself."""

import json
import time

CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}


def checked_in(governance, agent: str) -> dict:
    """The verdict on one more check-in."""
    body = json.dumps({"agent": agent, "anima": CALM})
    status, _, answer = governance.ask("POST", "/v1/checkins", body)
    assert status == 200, answer
    return json.loads(answer)


def test_a_paused_agent_gets_pause_until_a_dispute_resumes_it(governance):
    """Over MCP and REST; the check-in after the agreement goes on."""
    for agent in ("lumen", "ember"):
        assert checked_in(governance, agent)["action"] == "proceed"
    governance.rows("UPDATE core.identities SET status = 'paused'"
                    " WHERE agent_id = 'lumen' RETURNING 1")  # fmt: skip
    before = [checked_in(governance, "lumen")["action"] for _ in range(2)]

    wrong, opened = governance.call("request_review", {}, {"X-Agent-Id": "lumen"})
    assert not wrong, opened
    session_id = opened["session"]["session_id"]
    assert opened["session"]["reviewer_agent_id"] == "ember"
    for agent, tool, said in (
        ("lumen", "submit_thesis", {"root_cause": "V ran away"}),
        ("ember", "submit_antithesis", {"reasoning": "Will it again?", "concerns": ["V"]}),
        ("lumen", "submit_synthesis", {"agrees": True, "proposed_conditions": ["Rest"]}),
    ):
        wrong, told = governance.call(tool, {"session_id": session_id, **said},
                                      {"X-Agent-Id": agent})  # fmt: skip
        assert not wrong, told
        assert checked_in(governance, "lumen")["action"] == "pause"
    status, _, answer = governance.ask(
        "POST", "/v1/tools/submit_synthesis",
        json.dumps({"session_id": session_id, "agrees": True}), {"X-Agent-Id": "ember"},
    )  # fmt: skip

    assert (status, json.loads(answer)["agent_status"]) == (200, "active")
    assert before == ["pause", "pause"]
    assert checked_in(governance, "lumen")["action"] == "proceed"
    wrong, told = governance.call("get_dialectic", {"session_id": session_id})
    assert told["resolution"]["conditions"] == ["Rest"]


def test_the_process_sweeps_by_itself(start):
    """A dispute that was overdue when it started has failed soon after."""
    first = start().ready()
    for agent in ("lumen", "ember"):
        checked_in(first, agent)
    wrong, opened = first.call("request_review", {"session_type": "review"},
                               {"X-Agent-Id": "lumen"})  # fmt: skip
    assert not wrong, opened
    first.end()
    first.rows("UPDATE dialectic.sessions SET deadline_at = now() - interval '1 s' RETURNING 1")
    second = start().ready()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        [(status,)] = second.rows("SELECT status FROM dialectic.sessions")
        if status != "active":
            break
        time.sleep(0.1)
    assert status == "timeout"
