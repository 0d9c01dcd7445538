"""Who may do what in the database ``soulfra``. post-apply.grants.sql gives exactly this."""

from typing import Final

from schemas.postgres import Grant, each
from schemas.soulfra.log import Event
from schemas.soulfra.server import APP, READER

TABLES: Final = (
    "soulfra.users",
    "soulfra.agents",
    "soulfra.loops",
    "soulfra.guilds",
    "soulfra.guild_members",
    "soulfra.votings",
    "soulfra.votes",
    "soulfra.blessings",
    "soulfra.prophecies",
    "soulfra.transformations",
    "soulfra.clusters",
    "soulfra.cluster_loops",
    "soulfra.credit_entries",
)
DRIFT: Final = ("drift.ratings", "drift.volatility")
DIGEST: Final = "log.digest(bytea,text,bigint,text,integer,timestamp with time zone,jsonb,jsonb)"
MADE_BY_POSTGRES: Final = {"position", "transaction_id", "recorded_at", "sha256"}

_APP: Final = (
    *each(APP, "schema", ("USAGE",), "soulfra", "log"),
    *each(APP, "table", ("SELECT",), *TABLES, "log.events", "log.commands", "log.followers"),
    *each(APP, "table", ("INSERT",), *TABLES, "log.commands", "log.followers"),
    # When and in which transaction, after what: nobody says that of an event.
    Grant(
        APP,
        "table",
        "log.events",
        ("INSERT",),
        tuple(name for name in Event.model_fields if name not in MADE_BY_POSTGRES),
    ),
    Grant(
        APP,
        "table",
        "log.followers",
        ("UPDATE",),
        ("transaction_id", "position", "taken", "recorded_at", "moved_at"),
    ),
    # What began a life stays; what it came to follows from its events.
    Grant(
        APP,
        "table",
        "soulfra.users",
        ("UPDATE",),
        ("username", "email", "subscription_tier", "emotional_credits", "version"),
    ),
    Grant(
        APP,
        "table",
        "soulfra.agents",
        ("UPDATE",),
        ("current_tone", "consciousness_score", "memory_depth", "version"),
    ),
    Grant(
        APP,
        "table",
        "soulfra.loops",
        ("UPDATE",),
        (
            "whisper_origin",
            "consciousness_state",
            "emotional_tone",
            "blessed",
            "dissolved_at",
            "version",
        ),
    ),
    Grant(APP, "table", "soulfra.votings", ("UPDATE",), ("status", "closed_at")),
    Grant(
        APP,
        "table",
        "soulfra.prophecies",
        ("UPDATE",),
        ("prophecy_text", "fulfillment_status", "fulfilled_at"),
    ),
    Grant(APP, "table", "soulfra.clusters", ("UPDATE",), ("mythology", "status", "dissolved_at")),
    # The follower counts, and lets go of loops that ended.
    *each(APP, "schema", ("USAGE",), "drift"),
    *each(APP, "table", ("SELECT",), *DRIFT),
    Grant(APP, "table", "drift.ratings", ("INSERT", "DELETE")),
    Grant(APP, "table", "drift.ratings", ("UPDATE",), ("level", "shifts", "shifted_at")),
    Grant(
        APP,
        "table",
        "drift.volatility",
        ("UPDATE",),
        ("level", "agents", "loops", "shifts", "shifted_at"),
    ),
    *each(APP, "sequence", ("USAGE",), "soulfra.blessings_id_seq", "soulfra.prophecies_id_seq"),
    *each(
        APP,
        "routine",
        ("EXECUTE",),
        "soulfra.create_loop_months(timestamp with time zone)",
        "log.verify(text)",
        DIGEST,
    ),
)
_READER: Final = (
    *each(READER, "schema", ("USAGE",), "soulfra", "log"),
    *each(READER, "table", ("SELECT",), *TABLES, "log.events", "log.followers"),
    *each(READER, "schema", ("USAGE",), "drift"),
    *each(READER, "table", ("SELECT",), *DRIFT),
    *each(READER, "routine", ("EXECUTE",), "log.verify(text)", DIGEST),
)

GRANTS: Final[tuple[Grant, ...]] = (*_APP, *_READER)
