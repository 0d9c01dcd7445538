"""What is a use of a tool: each call of somebody who is known, whatever came of it."""

import json

ROWS = "SELECT tool_name, agent_id, error_type FROM audit.tool_usage ORDER BY recorded_at"


def test_a_call_that_was_turned_away_is_use_as_well(governance, eventually):
    """No right, or arguments that are not as declared; who has no token leaves nothing."""
    asked = json.dumps({"new_agent": "reader", "rights": ["read"]})
    _, _, body = governance.ask("POST", "/v1/tools/register_agent", asked, {"X-Agent-Id": "op"})
    token = {"Authorization": f"Bearer {json.loads(body)['token']}"}

    def use(tool, arguments, headers):
        return governance.ask("POST", f"/v1/tools/{tool}", arguments, headers, "lan")[0]

    got = [
        use("list_agents", "{}", {}),
        use("list_agents", '{"limit": 0}', {"Authorization": "Bearer abode-1-nothing"}),
        use("list_agents", "{}", token),
        use("list_agents", '{"limit": 0}', token),
        use("record_result", '{"outcome_type": "x"}', token),
    ]
    wrong, _ = governance.call("sync_state", {"mood": 1}, token, door="lan")
    bad, _ = governance.call("get_agent", {"mood": 1}, token, door="lan")

    assert (got, wrong, bad) == ([401, 401, 200, 422, 403], True, True)
    assert eventually(lambda: len(governance.rows(ROWS)) == 6, 10, 0.1), governance.rows(ROWS)
    assert governance.rows(ROWS) == [
        ("register_agent", "op", None),
        ("list_agents", "reader", None),
        ("list_agents", "reader", "Refused"),
        ("record_result", "reader", "Forbidden"),
        ("sync_state", "reader", "Forbidden"),
        ("get_agent", "reader", "Refused"),
    ]
