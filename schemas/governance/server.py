"""What governance has on the Postgres server: who may log in, its databases, its jobs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.postgres import Database, Job, Login

OWNER: Final = "governance_owner"
APP: Final = "governance"
READER: Final = "governance_ro"
BACKUP: Final = "governance_backup"
MONITOR: Final = "governance_monitor"

LOGINS: Final = (
    Login(OWNER, "Owns and migrates both databases.", "postgres_owner", limit=6),
    Login(APP, "The process governance.", "postgres_governance", limit=22),
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
