"""What only the live server holds, as it is declared: no scratch database can show it."""

from collections.abc import Mapping
from typing import Final

from schemas.governance.server import GOVERNANCE, JOBS, SERVER_SETTINGS, Database

SETTINGS: Final[Mapping[str, str]] = {
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "pgaudit.log_parameter": "off",
    "synchronous_commit": "on",
    **SERVER_SETTINGS,
}
"""What the server must be; the first five keep what was acknowledged, and keep it secret."""
ITS_OWN: Final = {"age": "ag_catalog", "pg_cron": "pg_catalog", "plpgsql": "pg_catalog"}
"""The schema of an extension that chooses it."""


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
            f"job {job.job}": f"{job.schedule}: {job.command}, in {of.database} as {of.owner}"
            for job in JOBS
        }
    return found
