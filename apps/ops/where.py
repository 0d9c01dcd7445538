"""``abode where``: where a piece of data lives, from the declarations and then from its store."""

import re
import shlex
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, get_args

from apps.ops.reach import run
from apps.ops.ways import ways
from apps.where.answer import Answer, answer, answers
from apps.where.ask import STATEMENT_MS, files_of, in_postgres, in_sqlite
from apps.where.entry import entries
from apps.where.read import IN_MEMORY, on_shards, volume
from schemas import ports
from schemas.errors import Refused
from schemas.files import Home
from schemas.governance.calls.where import Kind, Live
from schemas.hosts import Hosts
from schemas.key import Key
from schemas.postgres import Tenant
from schemas.reach import Reach, Words
from schemas.server import SOULFRA, TENANTS
from schemas.table import Store

ASK_SECONDS: Final = 8.0
"""For a store to answer; others do not wait for it."""
MARK: Final = "=place="
"""Before the number of the question that a line answers."""
Seen = dict[int, tuple[Live, float | None]]


def find(what: str | None, reach: Reach | None = None, limit: int = 5) -> list[Answer]:
    """The places that are meant, the best one first; every whole place without a term."""
    reach = reach or Reach()
    if not what:
        return [answer(each, reach) for each in entries() if each.whole is None]
    found = answers(what, reach, limit)
    if not found:
        raise Refused(
            f"{what!r}: nothing that is declared is called so or said to be so",
            "abode where lists all places",
        )
    return found


def asked(found: Sequence[Answer], hosts: Hosts) -> list[Answer]:
    """The same with what their stores say at this moment, each store asked once."""
    reach = ways(hosts)
    with ThreadPoolExecutor() as pool:
        stores = [
            *(pool.submit(_postgres, found, reach, tenant) for tenant in TENANTS.values()),
            pool.submit(_sqlite, found, reach),
            *(pool.submit(_redis, found, reach, tenant.line) for tenant in TENANTS.values()),
            pool.submit(_files, found, reach),
        ]
        lives = [each if on_shards(each.entry) else None for each in found]
        shards = [
            pool.submit(_postgres, lives, reach.at(there), SOULFRA)
            for there in reach.shards.values()
        ]
    seen: Seen = {}
    for store in stores:
        seen |= store.result()
    for shard in shards:
        for n, said in shard.result().items():
            seen[n] = both(seen[n], said)
    return [each.seen(*seen[n]) if n in seen else each for n, each in enumerate(found)]


def both(
    one: tuple[Live, float | None], other: tuple[Live, float | None]
) -> tuple[Live, float | None]:
    """What two servers say of one place: the younger age; silent if one of them is.

    >>> both((Live.THERE, 9.0), (Live.THERE, 2.0))
    (<Live.THERE: 'there'>, 2.0)
    """
    lives = [live for live, _ in (one, other)]
    ages = [age for _, age in (one, other) if age is not None]
    for live in (Live.SILENT, Live.MISSING, Live.THERE):
        if live in lives:
            return live, min(ages, default=None) if live is Live.THERE else None
    return Live.EMPTY, None


def _postgres(found: Sequence[Answer | None], reach: Reach, tenant: Tenant) -> Seen:
    questions = {n: each and in_postgres(each.entry, tenant.line) for n, each in enumerate(found)}
    if not any(questions.values()):
        return {}
    script = [f"SET statement_timeout = {STATEMENT_MS};"]
    for n, question in questions.items():
        if question:
            script += [f"\\echo {MARK}{n}", f"{question};", "\\echo :SQLSTATE"]
    psql = ("psql", "-U", "postgres", "-d", tenant.database.database, "-AtqX", "-P", "null=none")
    said = _said(reach.over, (*reach.postgres, *psql), "\n".join(script))
    return {n: _of_psql(said, n) for n, question in questions.items() if question}


def _of_psql(said: dict[int, list[str]], n: int) -> tuple[Live, float | None]:
    """What one question printed: the seconds if there is a row, then how it ended."""
    if n not in said or not said[n]:
        return Live.SILENT, None
    *rows, ended = said[n]
    if ended in {"42P01", "42703", "3F000"}:
        return Live.MISSING, None
    if ended != "00000":
        return Live.SILENT, None
    if not rows:
        return Live.EMPTY, None
    return Live.THERE, None if rows[0] == "none" else float(rows[0])


def _sqlite(found: Sequence[Answer], reach: Reach) -> Seen:
    questions = {n: in_sqlite(each.entry) for n, each in enumerate(found)}
    script = [".timeout 2000", ".nullvalue none"]
    for n, question in questions.items():
        if question:
            script += [f".print {MARK}{n}", f"{question};", ".print done"]
    if len(script) == 2 or not reach.pis:
        return {}
    path = f"{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"
    ssh = next(iter(reach.pis.values()))
    # What is missing is an error that the shell prints and goes on.
    said = _said((), (*ssh, f"sqlite3 -readonly {path} 2>&1"), "\n".join(script) + "\n")
    return {n: _of_sqlite(said, n) for n, question in questions.items() if question}


def _of_sqlite(said: dict[int, list[str]], n: int) -> tuple[Live, float | None]:
    lines = said.get(n, [])
    if not lines or lines[-1] != "done":
        return Live.SILENT, None
    if any("no such" in line for line in lines):
        return Live.MISSING, None
    if any("rror" in line for line in lines):
        return Live.SILENT, None
    if len(lines) == 1:
        return Live.EMPTY, None
    return Live.THERE, _age(lines[0])


def _redis(found: Sequence[Answer], reach: Reach, tenant: Store) -> Seen:
    """How long the youngest key of a pattern has left tells how old it is."""
    keys = {n: of for n, each in enumerate(found)
            if isinstance(of := each.entry.of, Key) and of.tenant == tenant}  # fmt: skip
    if not keys:
        return {}
    script = [
        f"echo {MARK}{n}; redis-cli --scan --pattern {shlex.quote(key.glob)} | head -n 200"
        " | xargs -r -d '\\n' -n 1 redis-cli TTL && echo done"
        for n, key in keys.items()
    ]
    said = _said(reach.over, (*reach.redis_of(tenant), "sh", "-c", "\n".join(script)), "")
    return {n: _of_redis(said.get(n, []), key) for n, key in keys.items()}


def _of_redis(lines: list[str], key: Key) -> tuple[Live, float | None]:
    if not lines or lines[-1] != "done":
        return Live.SILENT, None
    left = [int(line) for line in lines[:-1] if line.isdecimal()]
    if not left:
        return Live.EMPTY, None
    return Live.THERE, key.lifetime_seconds - max(left) if key.begins_whole else None


def _files(found: Sequence[Answer], reach: Reach) -> Seen:
    """When a file of a name was last written to."""
    seen: Seen = {}
    files = {n: files_of(each.entry) for n, each in enumerate(found)}
    for home in get_args(Home):
        wanted = {n: each[1] for n, each in files.items() if each and each[0] == home}
        if not wanted:
            continue
        there = times(reach, home)
        for n, name in wanted.items():
            if there is None:
                seen[n] = Live.SILENT, None
                continue
            pattern = re.compile(re.escape(name).replace(r"\*", ".*"))
            at = [mtime for path, mtime in there.items() if pattern.fullmatch(path)]
            seen[n] = (Live.THERE, time.time() - max(at)) if at else (Live.EMPTY, None)
    return seen


def times(reach: Reach, home: Home) -> dict[str, float] | None:
    """Every file of a container's volume, or of a Pi's folder, and when it was written to."""
    if home == "pi":
        if not reach.pis:
            return None
        ssh = next(iter(reach.pis.values()))
        command = [
            *ssh,
            f"cd {ports.ANIMA_DATA_DIR} && find . {IN_MEMORY} -type f -printf '%P\\t%T@\\n'",
        ]
    else:
        container, folder = volume(reach, home)
        looked = ("find", folder, "-type", "f", "-printf", "%P\\t%T@\\n")
        command = _over(reach.over, (*container, *looked))
    said = run(command, seconds=ASK_SECONDS)
    if said.reason is not None:
        return None
    lines = (line.rpartition("\t") for line in said.said.splitlines())
    return {path: float(at) for path, _, at in lines}


def _said(over: Words, words: Words, given: str) -> dict[int, list[str]]:
    """The lines that each question printed, by its number."""
    found: dict[int, list[str]] = {}
    lines: list[str] = []
    for line in run(_over(over, words), given, seconds=ASK_SECONDS).said.splitlines():
        if line.startswith(MARK):
            lines = found.setdefault(int(line.removeprefix(MARK)), [])
        else:
            lines.append(line)
    return found


def _over(over: Words, words: Words) -> list[str]:
    return [*over, shlex.join(words)] if over else list(words)


def _age(said: str) -> float | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return (datetime.now(UTC) - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds()


def shown(each: Answer) -> dict[str, str]:
    """The lines that a person reads of one place; what is not so is left out."""
    found = each.found
    age = f", newest {found.age_seconds:.0f} s ago" if found.age_seconds is not None else ""
    unit = f"{found.unit}, {found.range or 'any'}" if found.unit else ""
    fresh = f" (at most {found.fresh_seconds:.0f} s)" if found.fresh_seconds else ""
    return {
        "what": found.what,
        "owner": found.owner,
        "store": found.store,
        "unit": unit if found.kind is not Kind.METRIC else found.unit or "",
        "kept": found.kept,
        "now": f"{found.live}{age}{fresh}",
        "whose": found.sensitivity,
        "read": found.read,
    }
