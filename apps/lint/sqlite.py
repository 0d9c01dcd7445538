"""Rules for the SQLite line, which no linter knows."""

import re
from collections.abc import Iterator
from typing import Final

from apps.lint.finding import Rule, Said
from apps.lint.source import Source, Statement

CREATED: Final = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)", re.IGNORECASE)
DROPPED: Final = re.compile(r"DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?\"?(\w+)", re.IGNORECASE)
RENAMED: Final = re.compile(r"ALTER\s+TABLE\s+\"?(\w+)\"?\s+RENAME\s+TO\s+\"?(\w+)", re.IGNORECASE)
COPIED: Final = re.compile(
    r"INSERT(?P<or>\s+OR\s+\w+)?\s+INTO\s+\"?(?P<into>\w+)\"?\s*(?P<names>\([^)]*\))?\s*"
    r"SELECT\b(?P<what>.*?)\bFROM\s+\"?(?P<of>\w+)\"?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
INDEXED: Final = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)\"?\s+ON\s+\"?(\w+)",
    re.IGNORECASE,
)


def table_rebuild(source: Source) -> Said:
    """A table is rebuilt by create new, copy all, drop old, rename new, index again: no other way.

    Renaming the old one first drags references and triggers along; whatever stands before the
    copy, or narrows it, loses rows.
    """
    steps = source.statements
    made = {m[1]: n for n, s in enumerate(steps) if (m := CREATED.match(s.code))}
    dropped = {m[1]: n for n, s in enumerate(steps) if (m := DROPPED.match(s.code))}
    renamed = {m[2]: (n, m[1]) for n, s in enumerate(steps) if (m := RENAMED.match(s.code))}
    for new, (_, old) in renamed.items():
        if old in made and made[old] > renamed[new][0]:
            at = steps[renamed[new][0]].start
            yield at, f"{old} is moved away before it is rebuilt", "create new, copy, drop, rename"
    for table, place in dropped.items():
        at = steps[place].start
        if made.get(table, -1) > place:
            yield at, f"{table} is dropped and made anew", "create it under another name and copy"
        if table not in renamed or renamed[table][0] < place:
            continue
        new = renamed[table][1]
        yield from _copy(steps, place, table, new)
        yield from _sequence(source, steps, at, table)
        there = {m[1] for s in steps if (m := INDEXED.match(s.code)) and m[2] in {table, new}}
        for lost in sorted(_indexes(source.earlier, table) - there):
            yield at, f"index {lost} goes with the old table", "create it again after the rename"


def _copy(steps: tuple[Statement, ...], dropped: int, old: str, new: str) -> Said:
    at = steps[dropped].start
    copies = [(n, m) for n, s in enumerate(steps) if (m := COPIED.match(s.code)) and m["of"] == old]
    good = [(n, m) for n, m in copies if m["into"] == new and n < dropped]
    if not good:
        yield at, f"{old} is dropped before its rows are copied", f"INSERT INTO {new} (...) SELECT"
    for number, copy in good:
        start = steps[number].start
        if not copy["names"] or "*" in copy["what"]:
            yield start, "columns are copied by position", "name them on both sides"
        if copy["or"] or re.search(
            r"\b(WHERE|LIMIT|GROUP|DISTINCT|JOIN)\b", copy[0], re.IGNORECASE
        ):
            yield start, "the copy may lose rows", "copy them all; delete in a migration of its own"


def _sequence(source: Source, steps: tuple[Statement, ...], at: int, table: str) -> Said:
    """AUTOINCREMENT promises that no id comes back; the promise is a row of sqlite_sequence."""
    counted = any(
        CREATED.match(s.code) and CREATED.match(s.code)[1] == table and "AUTOINCREMENT" in s.code  # type: ignore[index]  # matched just before
        for each in source.earlier
        for s in each.statements
    )
    if counted and not any("sqlite_sequence" in s.code for s in steps):
        yield at, f"ids of {table} may come back", "carry its row of sqlite_sequence over"


def _indexes(earlier: tuple[Source, ...], table: str) -> set[str]:
    """What was made on a table and is still there."""
    there: set[str] = set()
    for statement in (s for source in earlier for s in source.statements):
        if (made := INDEXED.match(statement.code)) and made[2] == table:
            there.add(made[1])
        if gone := re.match(r"DROP\s+INDEX\s+(?:IF\s+EXISTS\s+)?(\w+)", statement.code):
            there.discard(gone[1])
    return there


def time_zone(source: Source) -> Said:
    """CURRENT_TIMESTAMP and datetime() give a text without an offset; it says UTC to nobody."""
    for found in re.finditer(r"\bCURRENT_(TIMESTAMP|TIME|DATE)\b", source.code, re.IGNORECASE):
        yield (
            found.start(),
            f"{found[0]} has no offset",
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
        )
    for found in re.finditer(r"\b(datetime|date|time|strftime)\s*\(", source.code, re.IGNORECASE):
        said = source.text[found.end() : _closing(source.code, found.end())]
        if "now" in said and "+00:00" not in said and "Z'" not in said:
            yield found.start(), f"{found[1]}() of now without an offset", "end it in +00:00"


def _closing(code: str, start: int) -> int:
    depth = 1
    for place in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[place], 0)
        if not depth:
            return place
    return len(code)


def strict_tables(source: Source) -> Said:
    """Without STRICT a column takes any type; a number may be a text."""
    for statement in _creations(source):
        if not re.search(r"\)\s*(WITHOUT\s+ROWID\s*,\s*)?STRICT\b", statement.code, re.IGNORECASE):
            yield statement.start, "the table is not STRICT", "end it with ) STRICT;"


def json_shape(source: Source) -> Said:
    """A default of '{}' or '[]' means JSON: then the column says so."""
    for statement in _creations(source):
        for found in re.finditer(r"\b(\w+)\s+TEXT[^,]*?DEFAULT\s+'(\{\}|\[\])'", statement.text):
            if f"json_type({found[1]})" not in statement.text:
                at = statement.start + found.start()
                yield at, f"{found[1]} may be any text", f"CHECK (json_valid({found[1]}) AND ...)"


def _creations(source: Source) -> Iterator[Statement]:
    return (s for s in source.statements if CREATED.match(s.code))


RULES: Final[tuple[Rule, ...]] = (table_rebuild, time_zone, strict_tables, json_shape)
