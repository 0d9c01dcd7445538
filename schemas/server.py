"""The one Postgres server of the house: its tenants, and what the rest relies on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.governance import roles as governance_roles
from schemas.governance import server as governance
from schemas.governance.graph import GRAPH
from schemas.governance.tables import SCHEMAS as GOVERNANCE_SCHEMAS
from schemas.postgres import Tenant
from schemas.soulfra import policies as soulfra_policies
from schemas.soulfra import roles as soulfra_roles
from schemas.soulfra import server as soulfra
from schemas.soulfra.words import SCHEMAS as SOULFRA_SCHEMAS

MAX_CONNECTIONS: Final = 64
"""What all logins may have together, and three for the superuser."""

GOVERNANCE: Final = Tenant(
    "governance",
    governance.GOVERNANCE,
    governance.SCRATCH,
    governance.LOGINS,
    GOVERNANCE_SCHEMAS,
    governance_roles.GRANTS,
    places=(GRAPH, "ag_catalog", "trgm"),
    jobs=governance.JOBS,
)
SOULFRA: Final = Tenant(
    "soulfra",
    soulfra.SOULFRA,
    soulfra.SCRATCH,
    soulfra.LOGINS,
    SOULFRA_SCHEMAS,
    soulfra_roles.GRANTS,
    policies=soulfra_policies.POLICIES,
)
TENANTS: Final[Mapping[str, Tenant]] = MappingProxyType(
    {tenant.line: tenant for tenant in (GOVERNANCE, SOULFRA)}
)
"""By the line of each."""

LOGINS: Final = tuple(login for tenant in TENANTS.values() for login in tenant.logins)
DATABASES: Final = tuple(
    database for tenant in TENANTS.values() for database in (tenant.database, tenant.scratch)
)

NO_CRON: Final = "postgres"
"""Where pg_cron lives on a server that has no jobs: a shard."""

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cron.database_name": GOVERNANCE.database.database,
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
"""As SHOW says it; templates/postgres/postgresql.conf.j2 sets it."""
