"""Arguments with which each tool does what it is for, in an order in which they work.

Every tool has a line here: the official client calls them all. Some are made of what others said.
"""

import json
from collections.abc import Callable

BLOCK = {
    "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
    "environment": {"cpu_temp_c": 53.1},
}
BEFORE = (("store_discovery", {"discovery_id": "d-2", "summary": "the lamp was replaced"}),)
"""What must have been called for all of these to work."""
EXAMPLES: dict[str, dict | Callable[[dict[str, dict]], dict]] = {
    "sync_state": {"sensor_data": BLOCK},
    "process_agent_update": {"parameters": [{"key": "sensor_data", "value": json.dumps(BLOCK)}]},
    "update_agent_metadata": {"purpose": "to draw", "tags": ["pi"], "preferences": {"ink": 1}},
    "identity": {},
    "register_agent": {"new_agent": "ember", "label": "Ember", "rights": ["read"]},
    "issue_token": {"agent": "ember", "token_days": 1},
    "revoke_token": {"token_id": 1},
    "list_agents": {"limit": 10},
    "get_agent": {"agent": "ember"},
    "archive_agent": {"agent": "ember", "reason": "it was an example"},
    "record_result": {"outcome_type": "drawing", "outcome_score": 0.9, "is_bad": False},
    "outcome_event": {"outcome_type": "drawing", "is_bad": True, "detail": {"why": "blank"}},
    "health_check": {},
    "get_governance_metrics": {},
    "store_discovery": {"discovery_id": "d-1", "summary": "the lamp flickers", "tags": ["light"]},
    "get_discovery": {"discovery_id": "d-1"},
    "search_discoveries": {"query": "flickering"},
    "related_discoveries": {"discovery_id": "d-1"},
    "response_chain": {"discovery_id": "d-1"},
    "update_discovery": {"discovery_id": "d-1", "status": "resolved"},
    "agent_lineage": {},
    "neighbourhood": {"around": {"key": "d-1"}, "hops": 2},
    "path_between": {"start": {"key": "d-1"}, "end": {"label": "Tag", "key": "light"}},
    "knowledge_stats": {},
    "supersede_discovery": {"discovery_id": "d-1", "superseded_by": "d-2"},
    "request_review": {"session_type": "review", "reason": "an example"},
    "submit_thesis": lambda said: {
        "session_id": _dispute(said), "root_cause": "it was dark", "proposed_conditions": ["light"],
    },
    "submit_antithesis": lambda said: {"session_id": _dispute(said), "reasoning": "it was noon"},
    "submit_synthesis": lambda said: {"session_id": _dispute(said), "agrees": True},
    "get_dialectic": lambda said: {"session_id": _dispute(said)},
    "list_dialectics": {"limit": 5},
    "export_dialectic": lambda said: {"session_id": _dispute(said)},
    "import_dialectic": lambda said: {"document": said["export_dialectic"]["document"]},
    "record_ground_truth": {"confidence": 0.8, "actual": 1.0},
    "get_calibration": {"days": 30},
    "get_thresholds": {},
    "set_thresholds": lambda said: {
        "expected_version": said["get_thresholds"]["version"], "reason": "an example",
        "risk_low": 0.34,
    },
    "query_audit_events": {"limit": 5},
    "where": {"term": "drawing_history"},
}  # fmt: skip


def _dispute(said: dict[str, dict]) -> str:
    return said["request_review"]["session"]["session_id"]
