"""Arguments with which each tool does what it is for, in an order in which they work.

Every tool has a line here: the official client calls them all.
"""

import json

BLOCK = {
    "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9},
    "environment": {"cpu_temp_c": 53.1},
}
EXAMPLES: dict[str, dict] = {
    "sync_state": {"sensor_data": BLOCK},
    "process_agent_update": {"parameters": [{"key": "sensor_data", "value": json.dumps(BLOCK)}]},
    "update_agent_metadata": {"purpose": "to draw", "tags": ["pi"], "preferences": {"ink": 1}},
    "identity": {},
    "record_result": {"outcome_type": "drawing", "outcome_score": 0.9, "is_bad": False},
    "outcome_event": {"outcome_type": "drawing", "is_bad": True, "detail": {"why": "blank"}},
}
