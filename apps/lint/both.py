"""Rules for both lines."""

import re
from typing import Final

from apps.lint.finding import Rule, Said
from apps.lint.source import Source

TABLE: Final = re.compile(
    r"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)", re.IGNORECASE
)
INDEX: Final = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?[\w.]*\s*ON\s+"
    r"(?:ONLY\s+)?([\w.]+)",
    re.IGNORECASE,
)
RENAMED: Final = re.compile(r"ALTER\s+TABLE\s+\S+\s+RENAME\s+TO\s+(\w+)", re.IGNORECASE)
LOSING: Final = re.compile(
    r"\b(?:DROP\s+(?:TABLE|SCHEMA|MATERIALIZED\s+VIEW)|TRUNCATE|DELETE\s+FROM|drop_v?e?label|drop_graph|"
    # SET is an update's; FOR UPDATE, ON UPDATE and UPDATE ON have none behind a name.
    r"UPDATE\s+(?:ONLY\s+)?[\w.\"]+(?:\s+AS)?(?:\s+\w+)?\s+SET|"
    r"ALTER\s+(?:TABLE|FOREIGN\s+TABLE)\b[^;]*?\b(?:"
    r"DROP\s+(?!CONSTRAINT\b|DEFAULT\b|NOT\b|IDENTITY\b|EXPRESSION\b)[\w\"]|"
    r"TYPE\s+\w))",
    re.IGNORECASE,
)

EVOLVED: Final = re.compile(r"^-- evolution: \S", re.MULTILINE)
"""Runs where the table is empty; else `abode evolve` does the same step by step."""


def select_star(source: Source) -> Said:
    """Columns are named: a table that grows must not change what a query gives."""
    for found in re.finditer(
        r"\bSELECT\s+(?:DISTINCT\s+)?(?:\w+\.)?\*", source.code, re.IGNORECASE
    ):
        yield found.start(), "SELECT *", "name the columns"


def index_where_made(source: Source) -> Said:
    """An index on a table that already has rows locks out its writers while it is built."""
    if not source.is_migration or source.is_rollback:
        return
    if EVOLVED.search(source.text):
        return
    mine = {m[1] for s in source.statements if (m := TABLE.match(s.code))}
    mine |= {m[1] for s in source.statements if (m := RENAMED.match(s.code))}
    for statement in source.statements:
        found = INDEX.match(statement.code)
        if found and found[1] not in mine and found[1].rpartition(".")[2] not in mine:
            yield (
                statement.start,
                f"{found[1]} was made by an earlier migration and may be big",
                "say why it may wait: apps/lint/exempt.py",
            )


def rollback_there(source: Source) -> Said:
    """A migration has its rollback beside it."""
    if source.is_migration and not source.is_rollback and source.rollback is None:
        yield 0, "has no rollback", "write it back to front: the last thing made goes first"


def ensured(source: Source) -> Said:
    """A migration says how it is known to have worked."""
    said = re.search(r"^-- ensure: *SELECT\b", source.text, re.MULTILINE | re.IGNORECASE)
    if source.is_migration and not (source.is_rollback or source.is_old or said):
        yield 0, "has no post-condition", "-- ensure: SELECT ... giving one true value"


def says_what_is_lost(source: Source) -> Said:
    """A rollback that destroys says so, for `abode migrate rollback` to ask."""
    said = source.is_old or re.search(r"^-- lossy: *\S", source.text, re.MULTILINE)
    if source.is_rollback and not said and (found := LOSING.search(source.code)):
        yield found.start(), f"{found[0]} without a word", "-- lossy: <what is destroyed>"


RULES: Final[tuple[Rule, ...]] = (
    select_star,
    index_where_made,
    rollback_there,
    ensured,
    says_what_is_lost,
)
