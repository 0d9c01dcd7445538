"""``abode where --undeclared``: what lives in a store and is in no declaration."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Final

from apps.declared.everything import documents, keys
from apps.migrate.catalog import postgres, server, snapshot
from apps.migrate.check import against
from apps.migrate.lines import line
from apps.ops.reach import run, ssh_command
from apps.ops.ways import ways
from apps.ops.where import times
from apps.where.read import glob, home_of
from schemas import ports
from schemas.files import BESIDE, Home
from schemas.hosts import Hosts, PiHost
from schemas.postgres import Tenant
from schemas.quantity import Closed
from schemas.reach import Reach
from schemas.server import SOULFRA, TENANTS
from schemas.table import Store

WAIT_SECONDS: Final = 60.0
REDIS: Final = MappingProxyType({"governance": "redis", "soulfra": "redis-soulfra"})
"""What each tenant's Redis is called."""
RELEASE: Final = f"{ports.ANIMA_CODE_DIR}/current/code"


class Stray(Closed):
    """Something that lives and that nothing declares."""

    store: str
    what: str
    """The kind and the name of it; never a value, never a session's id."""
    detail: str = ""


class Survey(Closed):
    """Everything that was looked at; the shape of ``--json``."""

    strays: tuple[Stray, ...]
    silent: tuple[str, ...]
    """Stores that did not answer, each with the reason: nothing is known of them."""


def survey(hosts: Hosts) -> Survey:
    """Ask every store at once."""
    reach = ways(hosts)
    with ThreadPoolExecutor() as pool:
        asked = [
            *(pool.submit(_postgres, reach, tenant) for tenant in TENANTS.values()),
            *(
                pool.submit(_postgres, reach.at(there), SOULFRA, f" of {name}")
                for name, there in reach.shards.items()
            ),
            *(pool.submit(_redis, reach, tenant.line) for tenant in TENANTS.values()),
            pool.submit(_files, reach, "governance", "governance's volume"),
            pool.submit(_files, reach, "soulfra", "soulfra's volume"),
            *(pool.submit(_on_pi, pi, reach) for pi in hosts.pi),
        ]
    found = [each.result() for each in asked]
    return Survey(
        strays=tuple(stray for strays, _ in found for stray in strays),
        silent=tuple(why for _, silent in found for why in silent),
    )


Looked = tuple[list[Stray], list[str]]


def _postgres(reach: Reach, tenant: Tenant, of: str = "") -> Looked:
    """Its catalog against the committed one and the server's declaration, as ``check`` does."""
    name = tenant.database.database
    psql = ("psql", "-U", "postgres", "-d", name, "-AtqX", "-v", "ON_ERROR_STOP=1")
    words = (*reach.postgres, *psql)
    command = [*reach.over, shlex.join(words)] if reach.over else list(words)
    said = run(command, postgres.script(), seconds=WAIT_SECONDS)
    if said.reason is not None:
        return [], [f"postgres {name}{of}: {said.reason}"]
    return list(in_catalog(postgres.parse(said.said), tenant, of)), []


def in_catalog(actual: Mapping[str, str], tenant: Tenant, of: str = "") -> Iterator[Stray]:
    """What a database has beyond what its line makes and the server's declaration says."""
    wanted = snapshot.read(line(tenant.line))
    for each in against(wanted, actual, server.declared(tenant)):
        if each.kind == "unexpected" and not each.object.startswith(("comment ", "partition ")):
            first = (each.actual or "").partition("\n")[0]
            yield Stray(
                store=f"postgres {tenant.database.database}{of}", what=each.object, detail=first
            )


def _redis(reach: Reach, tenant: Store) -> Looked:
    words = (*reach.redis_of(tenant), "redis-cli", "--scan", "--count", "1000")
    command = [*reach.over, shlex.join(words)] if reach.over else list(words)
    said = run(command, seconds=WAIT_SECONDS)
    if said.reason is not None:
        return [], [f"{REDIS[tenant]}: {said.reason}"]
    return list(in_keys(said.said.splitlines(), tenant)), []


def in_keys(found: list[str], tenant: Store = "governance") -> Iterator[Stray]:
    """Patterns of keys that are none of ours: up to the first colon, for a key may be a secret."""
    ours = [_pattern(key.glob) for key in keys() if key.tenant == tenant]
    strange = Counter(
        name.partition(":")[0] + ":*" if ":" in name else name[:40]
        for name in found
        if name and not any(each.fullmatch(name) for each in ours)
    )
    for pattern, count in sorted(strange.items()):
        yield Stray(store=REDIS[tenant], what=f"key {pattern}", detail=f"{count} of them")


def _files(reach: Reach, home: Home, store: str) -> Looked:
    there = times(reach, home)
    if there is None:
        return [], [f"{store}: does not answer"]
    return list(in_folder(there, home, store)), []


def in_folder(there: Mapping[str, float], home: Home, store: str) -> Iterator[Stray]:
    """Files that are no document of ours and do not belong beside one."""
    ours = [_pattern(glob(document)) for document in documents() if home_of(document) == home]
    ours += [_pattern(each.glob) for each in BESIDE if each.home == home]
    for path in sorted(there):
        if not any(each.fullmatch(path) for each in ours):
            yield Stray(store=store, what=f"file {path}")


def _on_pi(pi: PiHost, reach: Reach) -> Looked:
    """Its folder, and its file by the release's own ``check``."""
    only = reach.model_copy(update={"pis": {pi.agent: reach.pis[pi.agent]}})
    strays, silent = _files(only, "pi", f"{pi.name}: ~/{ports.ANIMA_DATA_DIR}")
    check = f"../venv/bin/python -m apps.migrate anima check --json --database {pi.database}"
    to = pi.ssh.model_copy(update={"user": pi.user})
    said = run(ssh_command(to, f"cd {RELEASE} && {check}"), seconds=WAIT_SECONDS)
    try:
        differences = json.loads(said.said)["differences"]
    except (ValueError, KeyError):
        return strays, [*silent, f"{pi.name}: {ports.ANIMA_DB}: {said.reason or 'no answer'}"]
    strays += [
        Stray(store=f"{pi.name}: {ports.ANIMA_DB}", what=each["object"], detail=_first(each))
        for each in differences
        if each["kind"] == "unexpected"
    ]
    return strays, silent


def _first(each: Mapping[str, str]) -> str:
    return (each.get("actual") or "").partition("\n")[0]


def _pattern(of: str) -> re.Pattern[str]:
    return re.compile(re.escape(of).replace(r"\*", ".*"), re.DOTALL)
