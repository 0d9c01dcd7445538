"""Who may do what in the database ``soulfra``. post-apply.grants.sql gives exactly this."""

from typing import Final

from schemas.postgres import Grant, each
from schemas.soulfra import consensus, drift, lives, log, privacy, shards, tables
from schemas.soulfra.server import APP, PERSON, READER
from schemas.table import Table

SHARED: Final = (
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
)
"""What reports may see of it all."""
OWN: Final = (
    "soulfra.users",
    "soulfra.credit_entries",
    "soulfra.loop_owners",
    "soulfra.pii_tokens",
)
TABLES: Final = (*OWN, *SHARED)
DRIFT: Final = ("drift.ratings", "drift.volatility")
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
HIDDEN: Final = {"log.events": frozenset({"sha256", "version"})}
"""An event's hash is over the one before it, too: guesses at what is hidden could be tried. Its
version counts those before it, hidden or not."""
_MODELS: Final = {
    model.table: model
    for module in (consensus, drift, lives, log, privacy, shards, tables)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, Table) and model is not Table
}


def _by_column(role: str, *names: str) -> tuple[Grant, ...]:
    """Each declared column, and none of Postgres' own.

    ``xmin`` and ``xmax`` tell which rows one transaction wrote, or only held.
    """
    return tuple(
        Grant(
            role,
            "table",
            name,
            ("SELECT",),
            tuple(
                field for field in _MODELS[name].model_fields if field not in HIDDEN.get(name, ())
            ),
        )
        for name in names
    )


_APP: Final = (
    *each(APP, "schema", ("USAGE",), "soulfra", "log", "privacy", "shard"),
    *each(APP, "table", ("SELECT",), *TABLES, "log.events", "log.commands", "log.followers"),
    # Which slots are whose, only the owner says.
    *each(APP, "table", ("SELECT",), *SHARDS),
    *each(APP, "table", ("DELETE",), "shard.registrations"),
    *each(APP, "routine", ("EXECUTE",), SLOT_OF, ADOPT),
    *each(APP, "table", ("INSERT",), *TABLES, "log.commands", "log.followers"),
    *each(APP, "table", ("SELECT", "INSERT", "MAINTAIN"), "privacy.subjects"),
    # A key is destroyed, never changed for another: a trigger sees to that.
    Grant(
        APP,
        "table",
        "privacy.subjects",
        ("UPDATE",),
        ("wrapped", "username_token", "email_token", "forgotten_at", "finished_at", "report"),
    ),
    *each(APP, "table", ("DELETE",), "soulfra.pii_tokens"),
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
        # Nobody else adds an event; when, in which transaction and after what, it says itself.
        "log.append(jsonb,jsonb)",
        "log.verify(text)",
        "log.forget_commands(integer)",
        DIGEST,
    ),
)
# No users: whoever pays for an unsigned loop would be the row that moved. When they came and as
# what, the log says.
_READER: Final = (
    *each(READER, "schema", ("USAGE",), "soulfra", "log", "shard"),
    *_by_column(READER, *SHARED, *SHARDS, "log.events", "log.followers"),
    *each(READER, "routine", ("EXECUTE",), SLOT_OF),
    *each(READER, "schema", ("USAGE",), "drift"),
    *_by_column(READER, *DRIFT),
    *each(READER, "routine", ("EXECUTE",), "log.verify(text)", DIGEST),
)

_PERSON: Final = (
    *each(PERSON, "schema", ("USAGE",), "soulfra"),
    *_by_column(PERSON, *TABLES),
)

GRANTS: Final[tuple[Grant, ...]] = (*_APP, *_READER, *_PERSON)
