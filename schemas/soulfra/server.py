"""What soulfra has on the Postgres server: who may log in, and its databases."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.postgres import Database, Login

OWNER: Final = "soulfra_owner"
APP: Final = "soulfra"
READER: Final = "soulfra_ro"
PERSON: Final = "soulfra_user"
MASTER_KEY: Final = "soulfra_master_key"
"""What the key that wraps every person's is called in the vault."""
PERSON_CONNECTIONS: Final = 3

LOGINS: Final = (
    Login(OWNER, "Owns and migrates soulfra's databases.", "postgres_soulfra_owner", limit=4),
    Login(APP, "The process soulfra: adds events and what follows.", "postgres_soulfra", limit=14),
    Login(READER, "People and reports of soulfra: reads.", "postgres_soulfra_ro", limit=3),
    Login(
        PERSON,
        "Reads in one person's name, only.",
        "postgres_person",
        PERSON_CONNECTIONS,
    ),
)

SETTINGS: Final[Mapping[str, str]] = MappingProxyType({"TimeZone": "UTC", "search_path": "soulfra"})
"""Of each database. Whoever types the guide's queries finds its tables."""
EXTENSIONS: Final[Mapping[str, str | None]] = MappingProxyType({"pgaudit": "pgaudit"})

SOULFRA: Final = Database(
    "soulfra", OWNER, connect=(APP, READER, PERSON), settings=SETTINGS, extensions=EXTENSIONS
)
SCRATCH: Final = Database("soulfra_scratch", OWNER, settings=SETTINGS, extensions=EXTENSIONS)
"""Where ``check`` builds the line anew."""
REPORTS: Final = Database(
    "soulfra_reports",
    OWNER,
    connect=(READER,),
    settings={"TimeZone": "UTC"},
    extensions={"postgres_fdw": "fdw"},
)
"""Where all shards are read together; there is none before the second."""
