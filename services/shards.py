"""More Postgres servers for soulfra's agents: each a container, its database, its place in the map.

A shard begins empty and owns no slot; ``abode soulfra move`` gives it some. One that is no longer
declared goes when it owns none: its container does, its data stays.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pyinfra import host, logger
from pyinfra.api import QuoteString, StringCommand, operation

from schemas import ports
from schemas.errors import Refused
from schemas.server import NO_CRON, SOULFRA
from schemas.soulfra.shards import HOME as HOME_SHARD
from schemas.soulfra.shards import server as server_of
from services import docker
from services.container import HOME, LAB, File
from services.engine import Engine
from services.governance import UID, database_url
from services.house import House, render
from services.migrations import postgres_line
from services.postgres import Asked, made, server, statement
from services.proof import postgres_proof
from services.reports import reports

LINE: Final = SOULFRA.line
TOLD: Final = 3
"""Runs of slots that a refusal names."""
STOP_SECONDS: Final = 60


def shards(house: House, engine: Engine, tag: str) -> list[str]:
    """Each as declared, at the end of the line, proven, and known at home.

    Gives those that home still knows and that are to go.
    """
    known = _known(house.called("postgres-age"))
    gone = undeclared(known, house.shards)
    refused(
        name="See that no shard is missed",
        home=house.called("postgres-age"),
        declared=[HOME_SHARD, *house.shards],
    )
    for name, called in house.shards.items():
        server(house, engine, called, house.hosts.mac.soulfra_shards[name], NO_CRON)
        made(house, called, SOULFRA.logins, (SOULFRA.database, SOULFRA.scratch))
        postgres_line(house, tag, LINE, called)
        postgres_proof(house, tag, LINE, called)
    if house.shards or gone:
        reports(house)
    if house.shards:
        _join_all(house, tag)
    return gone


def retire(house: House, tag: str, gone: list[str]) -> None:
    """Take away the containers of shards that are to go, once nobody holds their sockets."""
    for name in gone:
        called = house.called(server_of(name))
        retired(
            name=f"Retire {called}",
            called=called,
            labels=house.labels,
            forget=_of_home(house, tag, name),
        )


def undeclared(known: Mapping[str, Any], declared: Collection[str]) -> list[str]:
    """Shards that home knows and nobody declares; Refused while one of them has slots or a move."""
    gone = sorted(set(known.get("places", {})) - set(declared))
    for name in gone:
        back = "put it back into hosts.toml"
        if runs := known["slots"].get(name):
            count = sum(last - first + 1 for first, last in runs)
            moves = (f"abode soulfra move {first}-{last} --to home" for first, last in runs[:TOLD])
            more = "; and so on" * (len(runs) > TOLD)
            raise Refused(
                f"shard {name}: has {count} slots, and is not in mac.soulfra_shards",
                f"{back}; {'; '.join(moves)}{more}; then take it out",
            )
        if name in known["moving"]:
            raise Refused(
                f"shard {name}: a move is not ended, and it is not in mac.soulfra_shards",
                f"{back}; abode soulfra move --resume; then take it out",
            )
    return gone


def _known(home: str) -> dict[str, Any]:
    """What home says of its shards; nothing while it does not answer, or is yet to be made."""
    query = statement("postgres/shards.sql")
    return host.get_fact(Asked, server=home, database=SOULFRA.database.database, query=query)


def _join_all(house: House, tag: str) -> None:
    joined(
        name="Let home know the shards",
        home=house.called("postgres-age"),
        wanted={name: place(name) for name in house.shards},
        join={name: _of_home(house, tag, name, place(name)) for name in house.shards},
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
    """Have home know its shards."""
    have = _known(home).get("places", {})
    missing = [name for name in wanted if have.get(name) != wanted[name]]
    if not missing:
        host.noop(f"{home} knows {', '.join(wanted)}")
    for name in missing:
        yield join[name]


@operation()
def refused(home: str, declared: list[str]) -> Iterator[StringCommand]:
    """Home was asked when the deploy began; if it did not answer, it is asked when it does."""
    if "places" in _known(home):
        host.noop(f"{home} was asked")
        return
    yield StringCommand(
        "docker exec -i", QuoteString(home),
        "psql -qX -v ON_ERROR_STOP=1 -U postgres -d", QuoteString(SOULFRA.database.database),
        "-f -", _stdin=render("postgres/undeclared.sql.j2", declared=declared),
    )  # fmt: skip


@operation()
def retired(called: str, labels: Mapping[str, str], forget: StringCommand) -> Iterator[Any]:
    """Its container and its socket go, and home's word of it; what it held stays in its volume."""
    host.log(f"{called}-data is kept: docker volume rm {called}-data", logger.warning)
    ours = [word for k in (LAB, HOME) for word in ("--filter", f"label={k}={labels[k]}")]
    found = docker.quoted("docker", "ps", "-aq", "--filter", f"name=^/?{called}$", *ours)
    yield StringCommand(found, f"| xargs -r docker stop -t {STOP_SECONDS} >/dev/null")
    yield StringCommand(found, "| xargs -r docker rm -v >/dev/null")
    yield StringCommand("docker volume rm -f", QuoteString(f"{called}-socket"), ">/dev/null")
    yield forget


def _of_home(house: House, tag: str, name: str, *at: str) -> StringCommand:
    """Have home know a shard at a place; without one, know it no more."""
    owner = next(each for each in SOULFRA.logins if each.role == SOULFRA.database.owner)
    password = house.vault.get(owner.secret)
    passfile = f"{ports.CONTAINER_FILES_DIR}/pgpass"
    return docker.once(
        image=tag,
        command=["python", "-m", "apps.soulfra.shards", name, *at],
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
