"""The exact command that reads a place, on the machine from which its house is operated."""

import shlex

from apps.declared.field import Field, fields
from apps.where.entry import Entry
from schemas import ports
from schemas.document import Document
from schemas.files import GOVERNANCE_VOLUME, SOULFRA_VOLUME, Beside, Home
from schemas.governance.graph import GRAPH
from schemas.governance.metrics import Metric
from schemas.governance.views import View
from schemas.key import Key
from schemas.label import Label
from schemas.postgres import Login
from schemas.quantity import Closed
from schemas.reach import Reach, Words
from schemas.server import TENANTS
from schemas.soulfra.memory import MEMORY_DB
from schemas.soulfra.shards import LIVES
from schemas.table import IN_FILES, Store, Table

ROWS = 5
"""How many of the newest a command shows."""
SHOWS = {
    "string": "redis-cli MGET",
    "list": f"-I {{}} redis-cli LRANGE {{}} -{ROWS} -1",
    "hash": "-n 1 redis-cli HGETALL",
    "set": "-n 1 redis-cli SMEMBERS",
    "stream": f"-I {{}} redis-cli XREVRANGE {{}} + - COUNT {ROWS}",
    "zset": f"-I {{}} redis-cli ZRANGE {{}} -{ROWS} -1",
}
"""What reads a key, by the kind of it."""
BYTES = 4_096
IN_MEMORY = f"$(ls -d {ports.ANIMA_RUN_DIR} 2>/dev/null)"
"""As a shell on a Pi reads it: nothing while the creature sleeps."""
FOLDERS_ON_PI = f"{ports.ANIMA_DATA_DIR} {IN_MEMORY}"
"""How much of a file that is replaced whole."""
WRITTEN = (
    "received_at", "last_heartbeat_at", "recorded_at", "occurred_at", "timestamp", "created_at",
    "updated_at", "last_active", "resolved_at", "retired_at",
)  # fmt: skip
"""Columns that tell when a row was made, the surest first."""


def command(entry: Entry, reach: Reach) -> str:
    """One line for a shell. It shows the newest, changes nothing, and ends by itself."""
    of = entry.of
    if isinstance(of, Key):
        return _key(of, reach)
    if isinstance(of, Metric):
        return _metric(of, reach)
    if isinstance(of, Login):
        return _psql(reach, f"\\du {of.role}")
    if isinstance(of, Beside):
        return _listed(of, reach)
    if isinstance(of, View):
        return _psql(reach, f"TABLE {of.view} LIMIT {ROWS}")
    return _read(of, entry, reach)


def newest(table: type[Table], *columns: Field) -> str:
    """The last rows of a table: all its columns, or its key and the one that was asked for."""
    wanted = [field.name for field in columns] or list(table.model_fields)
    key = [name for name in table.key if name not in wanted]
    names = ", ".join([*(key if columns else ()), *wanted])
    return f"SELECT {names} FROM {table.table}{_order(table)} LIMIT {ROWS}"  # noqa: S608  # names of ours


def written(table: type[Table]) -> str | None:
    """The column that tells when a row was made; None where none does."""
    kinds = {field.name: field.kind for field in fields(table)}
    known = [name for name in WRITTEN if kinds.get(name) == "datetime"]
    if table.month_by:
        return table.month_by
    known += [name for name, kind in kinds.items() if kind == "datetime"]
    return known[0] if known else None


def age_of(table: type[Table]) -> str | None:
    """A query for the instant of the newest row, by an index where there is one."""
    at = written(table)
    if at is None:
        return None
    return f"SELECT {at} FROM {table.table}{_order(table)} LIMIT 1"  # noqa: S608  # names of ours


def _read(of: type[Closed], entry: Entry, reach: Reach) -> str:
    if issubclass(of, Document):
        return _file(of, reach)
    if issubclass(of, Label):
        return _psql(reach, _graph(of, entry.field))
    if not issubclass(of, Table):
        return _psql(reach, _last_message(entry))
    sql = newest(of, *([entry.field] if entry.field else ()))
    if of.store == "soulfra_memory":
        return _memory(reach, sql)
    if of.store in IN_FILES:
        return _sqlite(reach, sql)
    there = reach.shards.values() if on_shards(entry) else ()
    return "; ".join(_psql(at, sql, of.store) for at in (reach, *map(reach.at, there)))


def on_shards(entry: Entry) -> bool:
    """Whether agents that live on another server have rows of it there."""
    of = entry.of
    is_table = isinstance(of, type) and issubclass(of, Table)
    return is_table and of.store == "soulfra" and of.table in LIVES


def on_mac(reach: Reach, words: Words) -> str:
    """The words for a shell here; through ssh where the Mac is elsewhere."""
    return shlex.join([*reach.over, shlex.join(words)] if reach.over else words)


def _order(table: type[Table]) -> str:
    serial = next((f.name for f in fields(table) if f.column.identity), None)
    at = written(table)
    if serial and table.key == (serial,):
        return f" ORDER BY {serial} DESC"
    return f" ORDER BY {at} DESC" if at else ""


def _key(key: Key, reach: Reach) -> str:
    listed = f"redis-cli --scan --pattern {shlex.quote(key.glob)} | head -n {ROWS}"
    given = f"{listed} | xargs -r -d '\\n' {SHOWS[key.kind]}"
    return on_mac(reach, (*reach.redis_of(key.tenant), "sh", "-c", given))


def _metric(metric: Metric, reach: Reach) -> str:
    wanted = f"^(# [A-Z]+ )?{metric.name.removesuffix('_total')}"
    asked = f"curl -s {reach.url}/metrics | grep -E {shlex.quote(wanted)}"
    return on_mac(reach, ("sh", "-c", asked)) if reach.over else asked


def _psql(reach: Reach, said: str, line: Store = "governance") -> str:
    name = TENANTS[line].database.database
    psql = ("psql", "-U", "postgres", "-d", name, "-P", "pager=off", "-c", said)
    return on_mac(reach, (*reach.postgres, *psql))


def _sqlite(reach: Reach, sql: str) -> str:
    path = f"{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"
    return _on_pi(reach, f"sqlite3 -readonly -header {path} {shlex.quote(sql)}")


def _memory(reach: Reach, sql: str) -> str:
    """Of every agent; what is sealed stays so."""
    files = f"{ports.SOULFRA_DATA_DIR}/agents/*/{MEMORY_DB}"
    script = (
        "import glob, sqlite3; [print(f, *sqlite3.connect('file:' + f + '?mode=ro', uri=True)"
        f".execute('{sql}'), sep=chr(10)) for f in glob.glob('{files}')]"
    )
    return on_mac(reach, (*reach.soulfra, "python", "-c", script))


def _on_pi(reach: Reach, said: str) -> str:
    ssh = next(iter(reach.pis.values()), ("ssh", "anima@pi"))
    return shlex.join([*ssh, said])


def _file(document: type[Document], reach: Reach) -> str:
    """By its name below its folder: a file that is not there yet is no error."""
    pattern = shlex.quote(f"*/{glob(document)}")
    show = f"tail -n {ROWS}" if document.form == "jsonl" else f"head -c {BYTES}"
    home = home_of(document)
    if home == "pi":
        return _on_pi(reach, f"find {FOLDERS_ON_PI} -path {pattern} -exec {show} {{}} +")
    container, folder = volume(reach, home)
    find = ("find", folder, "-path", f"*/{glob(document)}")
    return on_mac(reach, (*container, *find, "-exec", *show.split(), "{}", "+"))


def _listed(beside: Beside, reach: Reach) -> str:
    """What it is called, how large it is and when it was written to: not what is in it."""
    if beside.owner == "pi":
        pattern = shlex.quote(f"*/{beside.glob}")
        return _on_pi(reach, f"find {FOLDERS_ON_PI} -path {pattern} -exec ls -l {{}} +")
    container, folder = volume(reach, beside.home)
    find = ("find", folder, "-path", f"*/{beside.glob}")
    return on_mac(reach, (*container, *find, "-exec", "ls", "-l", "{}", "+"))


def volume(reach: Reach, home: Home) -> tuple[Words, str]:
    """What runs something in the container on the Mac, and where its volume is there."""
    if home == "soulfra":
        return reach.soulfra, ports.SOULFRA_DATA_DIR
    return reach.governance, ports.GOVERNANCE_DATA_DIR


def home_of(document: type[Document]) -> Home:
    """Whose folder a document is in."""
    if document.owner == "pi":
        return "pi"
    return "soulfra" if document.place.startswith(SOULFRA_VOLUME) else "governance"


def glob(document: type[Document]) -> str:
    """What a document's files are called below the folder of their owner."""
    name = document.place.removeprefix("~/")
    for home in (GOVERNANCE_VOLUME, SOULFRA_VOLUME):
        name = name.removeprefix(home)
    for folder in (ports.ANIMA_DATA_DIR, ports.ANIMA_RUN_DIR):
        name = name.removeprefix(f"{folder}/")
    head, *parts = name.split("<")
    return head + "".join("*" + part.partition(">")[2] for part in parts)


def _last_message(entry: Entry) -> str:
    """A message is nowhere once it was answered; what came of the last one is a row."""
    told = (
        "boot_id, seq, warmth, clarity, stability, presence, state_json"
        if entry.place.startswith("CheckIn")
        else "action, margin, reason, nearest_edge, energy, integrity, entropy, void, risk"
    )
    return f"SELECT received_at, {told} FROM core.agent_state ORDER BY state_id DESC LIMIT {ROWS}"  # noqa: S608  # names of ours


def _graph(label: type[Label], field: Field | None) -> str:
    what = "properties"
    if field:
        key = f"'\"{field.name}\"'::ag_catalog.agtype"
        what = f"ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, {key}])"
    return f'SELECT {what} FROM {GRAPH}."{label.label}" ORDER BY id DESC LIMIT {ROWS}'  # noqa: S608  # names of ours
