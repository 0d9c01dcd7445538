"""Rules for the Postgres line that squawk does not have."""

import re
from typing import Final

from apps.lint.finding import Rule, Said
from apps.lint.source import Source

WORD: Final = r"[a-z_][\w$]*"
MADE: Final = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+|MATERIALIZED\s+)?"
    r"(?:TABLE|VIEW|FUNCTION|PROCEDURE|SEQUENCE|TYPE|DOMAIN|TRIGGER\s+\w+[^;]*?\bON)\s+"
    rf"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?P<name>{WORD}(?:\.{WORD})?)",
    re.IGNORECASE,
)
NAMED: Final = re.compile(
    r"\b(?:INSERT\s+INTO|DELETE\s+FROM|(?<!OR\s)TRUNCATE(?:\s+TABLE)?|REFERENCES|COMMENT\s+ON\s+TABLE|"
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+{WORD}\s+ON)\s+(?P<name>{WORD}(?:\.{WORD})?)",
    re.IGNORECASE,
)
BOUND: Final = re.compile(r"\b(?:FROM|TO)\s*\(\s*'(?P<at>[^']*)'", re.IGNORECASE)
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d(?:\.\d+)?)?\+00(?::00)?")
COLUMN: Final = re.compile(
    rf"(?:^\s*|\(\s*|,\s*|ADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?)(?P<name>{WORD})\s+",
    re.IGNORECASE | re.MULTILINE,
)


def qualified_names(source: Source) -> Said:
    """Every object is named with its schema, and none lies in public."""
    for statement in source.statements:
        for found in (*MADE.finditer(statement.code), *NAMED.finditer(statement.code)):
            name = found["name"].lower()
            if name.startswith("public.") or "." not in name:
                where = "lies in public" if "." in name else "names no schema"
                yield statement.start + found.start("name"), f"{name} {where}", "core, audit, ..."


def partition_bounds(source: Source) -> Said:
    """Bounds are instants in UTC: a date, or no offset, means another instant in another zone."""
    for found in re.finditer(r"FOR\s+VALUES\b[^;]*", source.text, re.IGNORECASE):
        for bound in BOUND.finditer(found[0]):
            if not INSTANT.fullmatch(bound["at"]):
                at = found.start() + bound.start()
                yield at, f"bound {bound['at']!r} is not an instant in UTC", "write ... 00:00:00+00"
        if "%L" in found[0] and "+00" not in source.text:
            yield found.start(), "bounds are computed without an offset", "append '+00' to the text"
    for found in re.finditer(rf"PARTITION\s+BY\s+RANGE\s*\(\s*({WORD})\s*\)", source.code):
        before = source.code[: found.start()]
        if typed := re.search(rf"\b{found[1]}\s+(date|timestamp)\b(?!\s+with\s+time)", before):
            yield found.start(), f"cut by a {typed[1]}", "cut by a timestamptz"


def jsonb_shape(source: Source) -> Said:
    """A jsonb column has a check that says what it holds; NULL and scalars are jsonb, too."""
    for statement in source.statements:
        if not re.match(r"CREATE\s+TABLE|ALTER\s+TABLE", statement.code, re.IGNORECASE):
            continue
        for found in re.finditer(rf"\b({WORD})\s+jsonb\b", statement.code, re.IGNORECASE):
            if f"jsonb_typeof({found[1]})" not in source.text:
                yield (
                    statement.start + found.start(),
                    f"{found[1]} may be any JSON",
                    f"CHECK (jsonb_typeof({found[1]}) = 'object')",
                )


def named_checks(source: Source) -> Said:
    """A check without a name gets one from the engine, which drift cannot foresee."""
    for statement in source.statements:
        for found in re.finditer(r"\bCHECK\s*\(", statement.code, re.IGNORECASE):
            before = statement.code[: found.start()]
            if re.search(r"WITH\s*$", before, re.IGNORECASE):
                continue
            if not re.search(rf"CONSTRAINT\s+{WORD}\s*$", before, re.IGNORECASE):
                at = statement.start + found.start()
                yield at, "the check has no name", "CONSTRAINT <table>_<column>_check CHECK (...)"


def column_types(source: Source) -> Said:
    """text, jsonb and timestamptz; nothing that cuts, pads, or forgets the zone."""
    other = {
        "json": "jsonb",
        "varchar": "text with a check",
        "character": "text with a check",
        "char": "text with a check",
        "serial": "bigint GENERATED ALWAYS AS IDENTITY",
        "bigserial": "bigint GENERATED ALWAYS AS IDENTITY",
        "money": "numeric",
        "timetz": "timestamptz",
    }
    for statement in source.statements:
        if not re.match(r"CREATE\s+TABLE|ALTER\s+TABLE", statement.code, re.IGNORECASE):
            continue
        for found in COLUMN.finditer(statement.code):
            kind = re.match(r"\w+", statement.code[found.end() :])
            if kind and kind[0].lower() in other:
                at = statement.start + found.start("name")
                yield at, f"{found['name']} is {kind[0].lower()}", f"use {other[kind[0].lower()]}"


COLUMNS_OF_A_GRANT: Final = re.compile(r"\bGRANT\s+\w+\s+\([^)]*\)", re.IGNORECASE)


def time_zone(source: Source) -> Said:
    """timestamp without time zone is whatever the session thought it was."""
    found_ones = re.finditer(
        # A column may be called so, as an old schema has it.
        r"(?<!\.)\btimestamp\b(?!\s+(?:with\s+time\s+zone|timestamptz))|\blocaltimestamp\b",
        COLUMNS_OF_A_GRANT.sub(lambda grant: " " * len(grant[0]), source.code),
        re.IGNORECASE,
    )
    for found in found_ones:
        yield found.start(), "an instant without its zone", "use timestamptz"


RULES: Final[tuple[Rule, ...]] = (
    qualified_names,
    partition_bounds,
    jsonb_shape,
    named_checks,
    column_types,
    time_zone,
)
