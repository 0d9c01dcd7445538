"""What the declarations of anima.db say, as DDL for an empty file, spelled as the migrations do."""

from collections.abc import Iterable, Iterator
from typing import Final

from apps.declared.field import Field, fields
from schemas.table import Table

TYPES: Final = {"int": "INTEGER", "bool": "INTEGER", "float": "REAL", "bytes": "BLOB"}
"""All else is TEXT."""


def ddl(tables: Iterable[type[Table]]) -> Iterator[str]:
    """Every table, each with its indexes."""
    for table in tables:
        yield create(table)
        yield from indexes(table)


def create(table: type[Table]) -> str:
    """CREATE TABLE ... STRICT: SQLite holds each value to its type."""
    rules = [_line(table, field) for field in fields(table)]
    if len(table.key) > 1:
        rules.append(f"PRIMARY KEY ({', '.join(table.key)})")
    rules += [f"UNIQUE ({', '.join(columns)})" for columns in table.unique.values()]
    whole = ",\n    ".join(rules)
    return f"CREATE TABLE {table.table} (\n    {whole}\n) STRICT;"


def indexes(table: type[Table]) -> Iterator[str]:
    """CREATE INDEX for each that the table asks for."""
    for index in table.indexes:
        unique = "UNIQUE " if index.unique else ""
        where = f" WHERE {index.where}" if index.where else ""
        yield f"CREATE {unique}INDEX {index.name} ON {table.table} ({index.columns}){where};"


def check(field: Field) -> str | None:
    """The condition; SQLite cannot widen one, so patterns and words are the model's to keep."""
    name, low, high = field.name, _exact(field.low), _exact(field.high)
    said = field.column.check
    if said is not None:
        return said or None
    if low and high:
        return f"{name} BETWEEN {low} AND {high}"
    if low or high:
        return f"{name} >= {low}" if low else f"{name} <= {high}"
    by_kind = {
        "datetime": f"{name} LIKE '%+00:00' OR {name} LIKE '%Z'",
        "words": f"length({name}) > 0",
        "bool": f"{name} IN (0, 1)",
        "object": f"json_valid({name}) AND json_type({name}) = 'object'",
        "array": f"json_valid({name}) AND json_type({name}) = 'array'",
    }
    kind = "array" if field.kind == "texts" else field.kind
    # json_valid(NULL) is 0 before SQLite 3.42.
    either = f"{name} IS NULL OR " if field.nullable and kind in {"object", "array"} else ""
    return either + by_kind[kind] if kind in by_kind else None


def _line(table: type[Table], field: Field) -> str:
    column, kind = field.column, field.column.sql or TYPES.get(field.kind, "TEXT")
    alone = table.key == (field.name,)
    rowid = alone and kind == "INTEGER"
    parts = [field.name, kind]
    if alone:
        parts.append("PRIMARY KEY")
    if column.identity:
        parts.append("AUTOINCREMENT")
    if not field.nullable and not rowid:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.unique:
        parts.append("UNIQUE")
    if column.references:
        parts.append(f"REFERENCES {column.references}")
    if not rowid and (condition := check(field)):
        parts.append(f"CHECK ({condition})")
    return " ".join(parts)


def _exact(value: float | None) -> str | None:
    """As the migrations write it: 0.001, 2, 1e12."""
    if value is None:
        return None
    if value == int(value) and abs(value) < 10**9:
        return str(int(value))
    return f"{value:g}".replace("e+", "e")
