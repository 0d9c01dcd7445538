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
DIGEST: Final = "log.digest(bytea,text,bigint,text,integer,timestamp with time zone,jsonb,jsonb)"
SHARDS: Final = (
    "shard.places",
    "shard.map",
    "shard.slots",
    "shard.registrations",
    "shard.moves",
)
SLOT_OF: Final = "shard.slot_of(text)"
ADOPT: Final = "shard.adopt(text,integer,timestamp with time zone,jsonb,jsonb)"
MADE_BY_POSTGRES: Final = {"position", "transaction_id", "recorded_at", "sha256"}

_APP: Final = (
    *each(APP, "schema", ("USAGE",), "soulfra", "log", "shard"),
    *each(APP, "table", ("SELECT",), *TABLES, "log.events", "log.commands", "log.followers"),
    # Which slots are whose, only the owner says.
    *each(APP, "table", ("SELECT",), *SHARDS),
    *each(APP, "table", ("DELETE",), "shard.registrations"),
    *each(APP, "routine", ("EXECUTE",), SLOT_OF, ADOPT),
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
    *each(READER, "schema", ("USAGE",), "soulfra", "log", "shard"),
    *each(READER, "table", ("SELECT",), *TABLES, *SHARDS, "log.events", "log.followers"),
    *each(READER, "routine", ("EXECUTE",), SLOT_OF),
    *each(READER, "routine", ("EXECUTE",), "log.verify(text)", DIGEST),
)

GRANTS: Final[tuple[Grant, ...]] = (*_APP, *_READER)
