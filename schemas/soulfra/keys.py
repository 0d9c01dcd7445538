"""Every Redis key of soulfra. Nothing else builds one. Each is made from the log, and can be again."""

from typing import Final

from schemas.key import Key

HOT_SECONDS: Final = 3_600
"""Younger is hot: asked of Redis first. Source: the guide's caching rules, and its getLoop."""
WARM_SECONDS: Final = 86_400
"""Younger is warm: in Redis once somebody asked, and in Postgres. Older is cold."""
FORECAST_SECONDS: Final = 300
RATING_SECONDS: Final = 60
GUILD_SECONDS: Final = 600
"""Source of these three: the guide's key patterns."""
ACTIVE_SECONDS: Final = 300
STREAM_SECONDS: Final = 7 * 86_400
"""A stream lives on with each event; who was away for longer asks the log."""
RECENT: Final = 100
"""So many of the newest are kept in a queue of recent events or whispers."""

LOOP_STATE: Final = Key(
    "loop:{loop_id}:state", "How a loop stands, as JSON.", "string", HOT_SECONDS, "mac", "personal"
)
LOOP_CONSCIOUSNESS: Final = Key(
    "loop:{loop_id}:consciousness",
    "Its consciousness_state, as JSON.",
    "string",
    HOT_SECONDS,
    "mac",
)
LOOP_EVENTS: Final = Key(
    "loop:{loop_id}:events", "What happened to it, the newest last.", "list", WARM_SECONDS, "mac",
    "personal",
)  # fmt: skip
AGENT_STATE: Final = Key(
    "agent:{agent_id}:state", "How an agent stands, as JSON.", "string", HOT_SECONDS, "mac"
)
AGENT_ACTIVE: Final = Key(
    "agent:{agent_id}:active",
    "There while an agent does something.",
    "string",
    ACTIVE_SECONDS,
    "mac",
)
AGENT_WHISPERS: Final = Key(
    "agent:{agent_id}:whispers", "What it whispered, the newest last.", "list", WARM_SECONDS, "mac",
    "personal",
)  # fmt: skip
DRIFT_INDEX: Final = Key(
    "drift:global:index", "How volatile all is, as JSON.", "string", RATING_SECONDS, "mac"
)
DRIFT_RATING: Final = Key(
    "drift:entity:{id}:rating", "How an entity drifts.", "string", RATING_SECONDS, "mac"
)
DRIFT_CRITICAL: Final = Key(
    "drift:critical:set", "Which entities drift too much.", "set", RATING_SECONDS, "mac"
)
LOOP_CREATED: Final = Key(
    "events:loop:created", "Loops that began, whispered or forked.", "stream", STREAM_SECONDS, "mac"
)
BLESSING_GRANTED: Final = Key(
    "events:blessing:granted", "Loops that were blessed.", "stream", STREAM_SECONDS, "mac"
)
CLUSTER_FORMED: Final = Key(
    "events:cluster:formed", "Clusters that came to be.", "stream", STREAM_SECONDS, "mac"
)
FORECAST: Final = Key(
    "cache:forecast:{loop_id}", "What is expected of a loop.", "string", FORECAST_SECONDS, "mac"
)
RATING: Final = Key(
    "cache:rating:{entity_id}", "An entity's rating, as asked for.", "string", RATING_SECONDS, "mac"
)
GUILD: Final = Key(
    "cache:guild:{guild_id}", "A guild with its members, as JSON.", "string", GUILD_SECONDS, "mac"
)

KEYS: Final = (
    LOOP_STATE, LOOP_CONSCIOUSNESS, LOOP_EVENTS, AGENT_STATE, AGENT_ACTIVE, AGENT_WHISPERS,
    DRIFT_INDEX, DRIFT_RATING, DRIFT_CRITICAL, LOOP_CREATED, BLESSING_GRANTED, CLUSTER_FORMED,
    FORECAST, RATING, GUILD,
)  # fmt: skip
"""What the ACL of the user may touch, and nothing else."""
STREAMS: Final = (LOOP_CREATED, BLESSING_GRANTED, CLUSTER_FORMED)
