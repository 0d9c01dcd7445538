"""Every Redis key of soulfra; nothing else builds one. All of it can be made from the log again."""

from dataclasses import replace
from typing import Final

from schemas.key import Key
from schemas.table import Sensitivity

HOT_SECONDS: Final = 3_600
"""Younger is hot: asked of Redis first. Source: the guide's caching rules, and its getLoop."""
WARM_SECONDS: Final = 86_400
"""Younger is warm: in Redis once somebody asked, and in Postgres. Older is cold."""
FORECAST_SECONDS: Final = 300
RATING_SECONDS: Final = 60
GUILD_SECONDS: Final = 600
"""Source of these three: the guide's key patterns."""
ABSENT_SECONDS: Final = 5
"""That something is not there is believed for so long."""
MARK_SECONDS: Final = 15
"""How long it is known that something older must not be put any more; no read takes so long."""
READING_SECONDS: Final = 2
"""Others wait for a read of Postgres at most so long, then they read themselves."""
ACTIVE_SECONDS: Final = 300
STREAM_SECONDS: Final = 7 * 86_400
"""A stream lives on with each event; who was away for longer asks the log."""
STREAM_ENTRIES: Final = 50_000
"""About so many of the newest are in each stream; those before them are in the log."""
RECENT: Final = 100
"""So many of the newest are kept in a queue of recent events or whispers."""


def _key(
    pattern: str, says: str, kind: str, seconds: int, sensitivity: Sensitivity = "internal"
) -> Key:
    """One in soulfra's own Redis."""
    return Key(pattern, says, kind, seconds, "mac", sensitivity, tenant="soulfra")


def _kept(
    pattern: str, says: str, kind: str, seconds: int, sensitivity: Sensitivity = "internal"
) -> Key:
    """One that may be given less than its lifetime: what is left does not tell how old it is."""
    return replace(_key(pattern, says, kind, seconds, sensitivity), begins_whole=False)


LOOP_STATE: Final = _kept(
    "loop:{loop_id}:state", "How a loop stands, as JSON.", "string", HOT_SECONDS, "personal"
)
LOOP_CONSCIOUSNESS: Final = _kept(
    "loop:{loop_id}:consciousness", "Its consciousness_state, as JSON.", "string", HOT_SECONDS
)
LOOP_EVENTS: Final = _kept(
    "loop:{loop_id}:events",
    "What happened to it, the newest last.",
    "list",
    WARM_SECONDS,
    "personal",
)
AGENT_STATE: Final = _kept(
    "agent:{agent_id}:state", "How an agent stands, as JSON.", "string", HOT_SECONDS
)
AGENT_ACTIVE: Final = _kept(
    "agent:{agent_id}:active", "There while an agent does something.", "string", ACTIVE_SECONDS
)
AGENT_WHISPERS: Final = _kept(
    "agent:{agent_id}:whispers",
    "What it whispered, the newest last.",
    "list",
    WARM_SECONDS,
    "personal",
)
DRIFT_INDEX: Final = _key(
    "drift:global:index", "How volatile all is, as JSON.", "string", RATING_SECONDS
)
DRIFT_RATING: Final = _key(
    "drift:entity:{id}:rating",
    "How an entity drifts; the id is agent:ID or loop:ID.",
    "string",
    RATING_SECONDS,
)
DRIFT_CRITICAL: Final = _key(
    "drift:critical:set",
    "Which entities drift too much, as agent:ID or loop:ID.",
    "set",
    RATING_SECONDS,
)
LOOP_CREATED: Final = _key(
    "events:loop:created", "Loops that began, whispered or forked.", "stream", STREAM_SECONDS
)
BLESSING_GRANTED: Final = _key(
    "events:blessing:granted", "Loops that were blessed.", "stream", STREAM_SECONDS
)
CLUSTER_FORMED: Final = _key(
    "events:cluster:formed", "Clusters that came to be.", "stream", STREAM_SECONDS
)
STREAMS_PLACE: Final = _key(
    "events:place", "How far the streams are filled, and the last id of each.", "hash",
    STREAM_SECONDS,
)  # fmt: skip
STREAM_ASIDE: Final = _key(
    "events:aside:{group}", "Ids that a group of consumers could not handle.", "stream",
    STREAM_SECONDS,
)  # fmt: skip
FORECAST: Final = _kept(
    "cache:forecast:{loop_id}", "What is expected of a loop.", "string", FORECAST_SECONDS
)
RATING: Final = _kept(
    "cache:rating:{entity_id}",
    "An entity's rating, as asked for; the id is agent:ID or loop:ID.",
    "string",
    RATING_SECONDS,
)
GUILD: Final = _kept(
    "cache:guild:{guild_id}", "A guild with its members, as JSON.", "string", GUILD_SECONDS
)
READING: Final = _key(
    "cache:reading:{key}", "Who reads what is missing, for all.", "string", READING_SECONDS
)

KEYS: Final = (
    LOOP_STATE, LOOP_CONSCIOUSNESS, LOOP_EVENTS, AGENT_STATE, AGENT_ACTIVE, AGENT_WHISPERS,
    DRIFT_INDEX, DRIFT_RATING, DRIFT_CRITICAL, LOOP_CREATED, BLESSING_GRANTED, CLUSTER_FORMED,
    STREAMS_PLACE, STREAM_ASIDE, FORECAST, RATING, GUILD, READING,
)  # fmt: skip
"""What the ACL of the user may touch, and nothing else."""
STREAMS: Final = (LOOP_CREATED, BLESSING_GRANTED, CLUSTER_FORMED)
