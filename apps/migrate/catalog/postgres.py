"""The catalog of a Postgres database, the same whoever reads it and however their session is.

What it cannot tell: an oldest month that was dropped from one that never was (months begin with the
first deploy); properties in other rows than the newest 1000 of a label, and rows that bear another
label's id. What it does not look at: comments on months; a second index of a month like one it has;
defaults of a view's columns; options of TOAST tables; tablespaces, file settings other than those
declared, user mappings and passwords; what somebody put among an extension's own objects inside the
extension's own schema; other databases than this one and the scratch database beside it.
"""

import json
from pathlib import Path
from typing import Any

from apps.queries import load

HERE = Path(__file__)
SQL = {
    name: text
    for file in ("postgres.sql", "asked.sql", "entries.sql")
    for name, text in load(HERE.with_name(file)).items()
}
CATALOG = f"{SQL['known']}, {SQL['asked']}, {SQL['entries']}"


def read(connection: Any) -> dict[str, str]:
    """Object to definition, by a psycopg connection; its session stays as it was."""
    with connection.transaction(force_rollback=True):
        connection.execute(SQL["settings"].encode())
        row = connection.execute(CATALOG.encode()).fetchone()
    return parse(row[0] if row else None)


def script() -> str:
    """The same for psql: statements whose one answer ``parse`` takes."""
    return f"BEGIN READ ONLY;\n{SQL['settings']}\n{CATALOG}\nCOMMIT;"


def parse(answer: str | list[list[str]] | None) -> dict[str, str]:
    """Object to definition, from the JSON of the one query."""
    rows = json.loads(answer or "[]") if isinstance(answer, str) else answer
    found: dict[str, str] = {}
    for name, definition in rows or ():
        # A column's and a comment's names are unique; two settings of a name are not.
        found[name] = f"{found[name]}\n{definition}" if name in found else definition
    return found
