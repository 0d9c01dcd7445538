"""The Postgres server of governance: who may log in, its databases, what is set and installed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

OWNER: Final = "governance_owner"
APP: Final = "governance"
READER: Final = "governance_ro"
BACKUP: Final = "governance_backup"
MONITOR: Final = "governance_monitor"

MAX_CONNECTIONS: Final = 40
"""The app has what the others leave: two databases' owner, people, backups, probes, superuser."""


@dataclass(frozen=True, slots=True)
class Login:
    """A role that logs in with a password; it has no attribute that is not named here."""

    role: str
    says: str
    secret: str
    """What its password is called in the vault."""
    limit: int
    """Connections at once."""
    replication: bool = False
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Something that pg_cron does as the owner, in UTC."""

    job: str
    schedule: str
    command: str


@dataclass(frozen=True, slots=True)
class Database:
    """A database, its owner, who may connect, its settings and its extensions."""

    database: str
    owner: str
    connect: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str | None] = field(default_factory=dict)
    """Extension to schema; None where the extension chooses its own."""
    usage: Mapping[str, bool] = field(default_factory=dict)
    """Schemas of extensions that the owner may use, and whether it may let others in."""
    retired: Mapping[str, str | None] = field(default_factory=dict)
    """Extensions that an older release brought, with the schema that goes with them."""


LOGINS: Final = (
    Login(OWNER, "Owns and migrates both databases.", "postgres_owner", limit=6),
    Login(APP, "The process governance.", "postgres_governance", limit=MAX_CONNECTIONS - 18),
    Login(READER, "People and reports: reads, and never a session's id.", "postgres_ro", limit=4),
    Login(
        BACKUP,
        "Physical backups: copies the whole server, reads no table.",
        "postgres_backup",
        limit=3,
        replication=True,
    ),
    Login(
        MONITOR,
        "Probes: the server's statistics and a few views.",
        "postgres_monitor",
        limit=2,
        member_of=("pg_monitor",),
    ),
)

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"TimeZone": "UTC", "session_preload_libraries": "age"}
)
"""Of each database. Preloaded for the whole server, age breaks DROP where it is not installed."""

RETIRED: Final[Mapping[str, str | None]] = MappingProxyType({"pg_partman": "partman"})

GOVERNANCE: Final = Database(
    "governance",
    OWNER,
    connect=(APP, READER, MONITOR),
    settings=SETTINGS,
    extensions={"age": None, "pg_cron": None, "pgaudit": "pgaudit", "pg_trgm": "trgm"},
    usage={"ag_catalog": True, "cron": False, "trgm": True},
    retired=RETIRED,
)
SCRATCH: Final = Database(
    "governance_scratch",
    OWNER,
    settings=SETTINGS,
    extensions={"age": None, "pgaudit": "pgaudit", "pg_trgm": "trgm"},
    usage={"ag_catalog": True, "trgm": True},
    retired=RETIRED,
)
"""Where ``check`` builds the line anew. pg_cron can live in one database of a server only."""
DATABASES: Final = (GOVERNANCE, SCRATCH)

JOBS: Final = (
    Job("partition-maintenance", "17 3 * * *", "CALL audit.partition_maintenance()"),
    Job(
        "forget-job-runs",
        "47 3 * * *",
        "DELETE FROM cron.job_run_details"
        " WHERE coalesce(end_time, start_time) < now() - interval '14 days'",
    ),
)
"""As post-apply.schedule.sql makes them in ``GOVERNANCE``."""

SERVER_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cron.database_name": GOVERNANCE.database,
        "cron.timezone": "UTC",
        "cron.use_background_workers": "on",
        "log_timezone": "UTC",
        "max_connections": str(MAX_CONNECTIONS),
        "password_encryption": "scram-sha-256",
        "pgaudit.log": "ddl,role",
        "shared_preload_libraries": "pg_cron,pgaudit",
        "ssl": "on",
        "ssl_min_protocol_version": "TLSv1.3",
        "timezone": "UTC",
        "wal_level": "replica",
    }
)
"""What the rest relies on, as SHOW says it; templates/postgres/postgresql.conf.j2 sets it."""
