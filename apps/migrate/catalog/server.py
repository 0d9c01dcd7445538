"""What only the live server holds, as it is declared: no scratch database can show it."""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.postgres import Login, Tenant
from schemas.server import LOGINS, NO_CRON
from schemas.server import SETTINGS as SERVER_SETTINGS

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

KINDS: Final = {"database", "extension", "job", "membership", "role", "setting"}
RIGHTS: Final = tuple(
    f"grant {what} " for what in ("database", "parameter", "schema cron", "tablespace")
)


def is_held(name: str) -> bool:
    """Whether an object of the catalog lives in the server rather than in the line."""
    return name.split(" ", 1)[0] in KINDS or name.startswith(RIGHTS)


def held(tenant: Tenant, *, alone: bool) -> dict[str, str]:
    """The same of the house's first server, or of one that the tenant has for itself."""
    if not alone:
        return declared(tenant)
    return declared(tenant, {**SETTINGS, "cron.database_name": NO_CRON}, tenant.logins)


def declared(
    tenant: Tenant,
    settings: Mapping[str, str] = SETTINGS,
    logins: tuple[Login, ...] = LOGINS,
) -> dict[str, str]:
    """Roles, databases, extensions, settings, jobs, and what the owner may use of an extension."""
    of = tenant.database
    extensions = {"plpgsql": None, **of.extensions}
    found = {f"extension {n}": f"in {s or ITS_OWN[n]}" for n, s in extensions.items()}
    found |= {f"setting database {name}": value for name, value in of.settings.items()}
    found |= {f"setting server {name}": value for name, value in settings.items()}
    found |= dict(_roles(logins))
    for database, called in ((of, "database"), (tenant.scratch, "database scratch")):
        found[called] = f"owner {database.owner}"
        found |= {f"grant {called} to {role}": "connect" for role in database.connect}
    if "pg_cron" in of.extensions:
        found[f"grant schema cron to {of.owner}"] = "usage"
        found |= {
            f"job {job.job}": f"{job.schedule}: {job.command}, in {of.database} as {of.owner}"
            for job in tenant.jobs
        }
    return found


def _roles(logins: tuple[Login, ...]) -> Iterator[tuple[str, str]]:
    for login in logins:
        rights = ("login", *(("replication",) if login.replication else ()))
        yield f"role {login.role}", ", ".join((*rights, f"limit {login.limit}"))
        yield from ((f"membership {login.role} in {of}", "inherit, set") for of in login.member_of)
