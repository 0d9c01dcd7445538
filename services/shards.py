"""More Postgres servers for soulfra's agents: each a container, its database, its place in the map.

A shard begins empty and owns no slot; ``abode soulfra move`` gives it some.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pyinfra import host
from pyinfra.api import StringCommand, operation

from schemas import ports
from schemas.server import NO_CRON, SOULFRA
from services import docker
from services.container import File
from services.engine import Engine
from services.governance import UID, database_url
from services.house import House
from services.migrations import postgres_line
from services.postgres import Asked, made, server
from services.proof import postgres_proof
from services.reports import reports

LINE: Final = SOULFRA.line
PLACES: Final = "SELECT json_object_agg(p.name, p.place) FROM shard.places AS p WHERE NOT p.here"


def shards(house: House, engine: Engine, tag: str) -> None:
    """Each as declared, at the end of the line, proven, and known at home."""
    for name, called in house.shards.items():
        server(house, engine, called, house.hosts.mac.soulfra_shards[name], NO_CRON)
        made(house, called, SOULFRA.logins, (SOULFRA.database, SOULFRA.scratch))
        postgres_line(house, tag, LINE, called)
        postgres_proof(house, tag, LINE, called)
    if not house.shards:
        return
    reports(house)
    joined(
        name="Let home know the shards",
        home=house.called("postgres-age"),
        wanted={name: place(name) for name in house.shards},
        join={name: _join(house, tag, name) for name in house.shards},
    )


def sockets(house: House) -> dict[str, str]:
    """The volumes of the shards' sockets, and where a container finds them."""
    return {f"{house.called(called)}-socket": _dir(name) for name, called in house.shards.items()}


def place(name: str) -> str:
    """Where a container with the sockets finds a shard, whoever it is."""
    return f"/{SOULFRA.database.database}?host={_dir(name)}"


def _dir(name: str) -> str:
    return f"{ports.POSTGRES_SOCKET_DIR}-{name}"


@operation()
def joined(
    home: str, wanted: Mapping[str, str], join: Mapping[str, StringCommand]
) -> Iterator[StringCommand]:
    """Have home know its shards; one that is not declared any more may still have agents."""
    database = SOULFRA.database.database
    have = host.get_fact(Asked, server=home, database=database, query=PLACES)
    missing = [name for name in wanted if have.get(name) != wanted[name]]
    if not missing:
        host.noop(f"{home} knows {', '.join(wanted)}")
    for name in missing:
        yield join[name]


def _join(house: House, tag: str, name: str) -> StringCommand:
    owner = next(each for each in SOULFRA.logins if each.role == SOULFRA.database.owner)
    password = house.vault.get(owner.secret)
    passfile = f"{ports.CONTAINER_FILES_DIR}/pgpass"
    return docker.once(
        image=tag,
        command=["python", "-m", "apps.soulfra.shards", name, place(name)],
        container=house.called("governance-migrate"),
        uid=UID,
        volumes={
            f"{house.called('postgres-age')}-socket": ports.POSTGRES_SOCKET_DIR,
            **sockets(house),
        },
        labels=house.labels,
        env={
            "DB_POSTGRES_URL": database_url(owner.role, SOULFRA.database.database),
            "PGPASSFILE": passfile,
        },
        files={"pgpass": File(f"*:*:*:{owner.role}:{password}\n", secret=True)},
    )
