"""Reports over all shards: a database of its own beside home, read-only, with foreign tables.

No command ever asks it, and soulfra's own database knows nothing of it: what spans shards is no
transaction. It is there when there is more than one shard.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from apps.declared.field import fields
from apps.declared.postgres import TYPES, text
from schemas import ports
from schemas.server import SOULFRA
from schemas.soulfra.server import READER, REPORTS
from schemas.soulfra.shards import HOME, SlotHere
from schemas.soulfra.tables import Agent
from schemas.table import Table
from services.house import House
from services.postgres import Asked, made

TABLES: Final[tuple[type[Table], ...]] = (Agent, SlotHere)
MARK: Final = "SELECT json_build_object('mark', obj_description('report'::regnamespace))"
"""What it was made of, by its hash; Postgres would show the passwords in it to its superuser."""


def reports(house: House) -> None:
    """The database, and in it each shard's agents as the reader may read them there."""
    home = house.called("postgres-age")
    made(house, "postgres-age", (), (REPORTS,), what="Database of reports in")
    common = {"port": str(ports.POSTGRES), "dbname": SOULFRA.database.database}
    places = {HOME: {**common, "host": ports.POSTGRES_SOCKET_DIR}} | {
        name: {**common, "host": house.called(called), "sslmode": "require"}
        for name, called in house.shards.items()
    }
    secret = next(login.secret for login in SOULFRA.logins if login.role == READER)
    foreign(
        name=f"Foreign tables of shards in {home}",
        server=home,
        script="\n".join(statements(places, house.vault.get(secret))),
    )


@operation()
def foreign(server: str, script: str) -> Iterator[StringCommand]:
    """Make all of them anew when one of them is to be another."""
    mark = hashlib.sha256(script.encode()).hexdigest()
    have = host.get_fact(Asked, server=server, database=REPORTS.database, query=MARK)
    if have.get("mark") == mark:
        host.noop("reports reach every shard")
        return
    yield StringCommand(
        "docker exec -i", QuoteString(server),
        "psql -qX1 -v ON_ERROR_STOP=1 -U postgres -d", QuoteString(REPORTS.database), "-f -",
        _stdin=f"{script}\nCOMMENT ON SCHEMA report IS '{mark}';",
    )  # fmt: skip


def statements(places: Mapping[str, Mapping[str, str]], password: str) -> Iterator[str]:
    """For an empty or an older database of reports, as superuser: whatever was there goes."""
    yield "DROP SCHEMA IF EXISTS report CASCADE;"
    yield (
        "DO $$DECLARE s name; BEGIN FOR s IN SELECT srvname FROM pg_catalog.pg_foreign_server"
        " LOOP EXECUTE format('DROP SERVER %I CASCADE', s); END LOOP; END$$;"
    )
    yield "CREATE SCHEMA report;"
    yield f"GRANT USAGE ON SCHEMA report TO {READER};"
    for name, place in places.items():
        yield from _shard(name, place, password)
    counts = "\nUNION ALL\n".join(_count(name) for name in places)
    yield f"CREATE VIEW report.shards WITH (security_invoker) AS\n{counts};"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA report TO {READER};"


def _shard(name: str, place: Mapping[str, str], password: str) -> Iterator[str]:
    said = {**place, "updatable": "false", "truncatable": "false", "use_remote_estimate": "true"}
    yield (f'CREATE SERVER "{name}" FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({_options(said)});')
    who = {"user": READER, "password": password}
    yield f'CREATE USER MAPPING FOR {READER} SERVER "{name}" OPTIONS ({_options(who)});'
    for table in TABLES:
        schema, _, bare = table.table.partition(".")
        columns = ", ".join(f"{f.name} {f.column.sql or TYPES[f.kind]}" for f in fields(table))
        there = _options({"schema_name": schema, "table_name": bare})
        yield f'CREATE FOREIGN TABLE {_called(name, table)} ({columns}) SERVER "{name}"'
        yield f"  OPTIONS ({there});"


def _count(name: str) -> str:
    """One statement that the shard answers whole: home counts nothing itself."""
    return (
        f"SELECT {text(name)} AS shard, count(*) AS agents, avg(a.consciousness_score) AS aware"
        f" FROM {_called(name, Agent)} AS a JOIN {_called(name, SlotHere)} AS s ON s.slot = a.slot"
        " WHERE s.state IN ('here', 'frozen')"
    )


def _called(name: str, table: type[Table]) -> str:
    return f'report."{name}_{table.table.partition(".")[2]}"'


def _options(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {text(value)}" for key, value in said.items())
