"""What only the live server holds, as it is declared: no scratch database can show it."""

from collections.abc import Mapping
from typing import Final

from schemas.governance.server import GOVERNANCE, Database

SETTINGS: Final[Mapping[str, str]] = {
    "cron.timezone": "UTC",
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "pgaudit.log": "ddl,role",
    "pgaudit.log_parameter": "off",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.3",
    "synchronous_commit": "on",
}
"""What templates/postgres/postgresql.conf.j2 and initdb make: durable, encrypted, in UTC."""
ITS_OWN: Final = {"age": "ag_catalog", "pg_cron": "pg_catalog", "plpgsql": "pg_catalog"}
"""The schema of an extension that chooses it."""
FORGET: Final = (
    "DELETE FROM cron.job_run_details"
    " WHERE coalesce(end_time, start_time) < now() - interval '14 days'"
)
JOBS: Final = (
    ("partition-maintenance", "17 3 * * *", "CALL audit.partition_maintenance()"),
    ("forget-job-runs", "47 3 * * *", FORGET),
)
"""Name, schedule and command, as migrations/governance/post-apply.schedule.sql makes them."""


def is_held(name: str) -> bool:
    """Whether an object of the catalog lives in the server rather than in the line."""
    return name.split(" ", 1)[0] in {"extension", "setting", "job"} or name.startswith(
        "grant schema cron "
    )


def declared(of: Database = GOVERNANCE, settings: Mapping[str, str] = SETTINGS) -> dict[str, str]:
    """Extensions, settings, jobs, and what the owner may use of an extension."""
    extensions = {"plpgsql": None, **of.extensions}
    found = {f"extension {n}": f"in {s or ITS_OWN[n]}" for n, s in extensions.items()}
    found |= {f"setting database {name}": value for name, value in of.settings.items()}
    found |= {f"setting server {name}": value for name, value in settings.items()}
    if "pg_cron" in of.extensions:
        found[f"grant schema cron to {of.owner}"] = "usage"
        found |= {
            f"job {name}": f"{schedule}: {command}, in {of.database} as {of.owner}"
            for name, schedule, command in JOBS
        }
    return found
