"""What the declarations of a tenant's database say, as DDL for an empty database."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from apps.declared.field import Field, fields
from schemas.label import Label
from schemas.postgres import Grant, Policy
from schemas.quantity import Closed
from schemas.table import Table

TYPES: Final = {
    "str": "text",
    "words": "text",
    "int": "bigint",
    "float": "double precision",
    "bool": "boolean",
    "true": "boolean",
    "datetime": "timestamptz",
    "date": "date",
    "UUID": "uuid",
    "bytes": "bytea",
    "texts": "text[]",
    "object": "jsonb",
    "array": "jsonb",
}


def ddl(tables: Iterable[type[Table]]) -> Iterator[str]:
    """Each schema and table with its indexes, then what refers to another table."""
    tables = tuple(tables)
    for schema in dict.fromkeys(table.table.partition(".")[0] for table in tables):
        yield f"CREATE SCHEMA IF NOT EXISTS {schema};"
    for table in tables:
        yield create(table)
        yield from indexes(table)
    for table in tables:
        yield from references(table)


def create(table: type[Table]) -> str:
    """CREATE TABLE with columns, checks and keys."""
    rules = [_line(table, field) for field in fields(table)]
    if table.key:
        rules.append(f"PRIMARY KEY ({', '.join(table.key)})")
    rules += [
        f"CONSTRAINT {name} UNIQUE ({', '.join(columns)})" for name, columns in table.unique.items()
    ]
    parted = default = ""
    if table.month_by:
        parted = f" PARTITION BY RANGE ({table.month_by})"
        default = f"\nCREATE TABLE {table.table}_default PARTITION OF {table.table} DEFAULT;"
    elif table.hash_by:
        parted = f" PARTITION BY HASH ({table.hash_by})"
    return f"CREATE TABLE {table.table} (\n    {_join(rules)}\n){parted};{default}"


def indexes(table: type[Table]) -> Iterator[str]:
    """CREATE INDEX for each that the table asks for."""
    for index in table.indexes:
        unique = "UNIQUE " if index.unique else ""
        where = f" WHERE {index.where}" if index.where else ""
        yield (
            f"CREATE {unique}INDEX {index.name} ON {table.table}"
            f" USING {index.method} ({index.columns}){where};"
        )


def references(table: type[Table]) -> Iterator[str]:
    """ALTER TABLE for each foreign key, named as the engine would."""
    for field in fields(table):
        if field.column.references:
            name = f"{bare(table)}_{field.name}_fkey"
            yield (
                f"ALTER TABLE {table.table} ADD CONSTRAINT {name}"
                f" FOREIGN KEY ({field.name}) REFERENCES {field.column.references};"
            )
    for name, reference in table.references.items():
        yield (
            f"ALTER TABLE {table.table} ADD CONSTRAINT {name}"
            f" FOREIGN KEY ({', '.join(reference.columns)}) REFERENCES {reference.target};"
        )


def check(field: Field) -> str | None:
    """The condition that the values of a column keep, whatever wrote them."""
    return " AND ".join(_conditions(field)) or None


def bare(table: type[Table]) -> str:
    """The name without its schema."""
    return table.table.rpartition(".")[2]


def text(value: str) -> str:
    """An SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def comments(tables: Iterable[type[Table]], of_schemas: Mapping[str, str]) -> Iterator[str]:
    """COMMENT ON each schema, table and column; partitions carry none of their own."""
    for schema, says in of_schemas.items():
        yield f"COMMENT ON SCHEMA {schema} IS {text(says)};"
    for table in tables:
        yield f"COMMENT ON TABLE {table.table} IS {text(summary(table))};"
        for field in fields(table):
            yield f"COMMENT ON COLUMN {table.table}.{field.name} IS {text(field.says)};"


def summary(model: type[Closed]) -> str:
    """The first paragraph of a docstring, on one line."""
    first = (vars(model).get("__doc__") or "").strip().partition("\n\n")[0]
    return " ".join(first.split()).replace("``", "'")


def graph(labels: Iterable[type[Label]]) -> Iterator[str]:
    """SELECTs that make the graphs and their labels, then the indexes of each label."""
    labels = tuple(labels)
    for name in dict.fromkeys(label.graph for label in labels):
        yield f"SELECT ag_catalog.create_graph({text(name)});"
    for label in labels:
        verb = "create_vlabel" if label.kind == "vertex" else "create_elabel"
        yield f"SELECT ag_catalog.{verb}({text(label.graph)}, {text(label.label)});"
    for label in labels:
        yield from _label_indexes(label)


def _label_indexes(label: type[Label]) -> Iterator[str]:
    """On ids, on both ends of an edge, on all properties of a vertex, on each that is asked for."""
    name, place = label.label.lower(), f'{label.graph}."{label.label}"'
    yield f"CREATE UNIQUE INDEX {name}_id_idx ON {place} (id);"
    if label.kind == "edge":
        yield f"CREATE INDEX {name}_start_id_idx ON {place} (start_id);"
        yield f"CREATE INDEX {name}_end_id_idx ON {place} (end_id);"
    else:
        yield f"CREATE INDEX {name}_properties_idx ON {place} USING gin (properties);"
    for number, prop in enumerate(label.indexed):
        unique = "UNIQUE " if label.kind == "vertex" and not number else ""
        key = f"""properties, '"{prop}"'::ag_catalog.agtype"""
        yield (
            f"CREATE {unique}INDEX {name}_{prop}_property_idx ON {place}"
            f" (ag_catalog.agtype_access_operator(VARIADIC ARRAY[{key}]));"
        )


def grants(grants: Iterable[Grant]) -> Iterator[str]:
    """GRANT of each right, on the whole object or on some of its columns."""
    for grant in grants:
        columns = f" ({', '.join(grant.columns)})" if grant.columns else ""
        verbs = ", ".join(verb + columns for verb in grant.verbs)
        yield f"GRANT {verbs} ON {grant.kind.upper()} {grant.object} TO {grant.role};"


def policies(policies: Iterable[Policy]) -> Iterator[str]:
    """Row-level security of each table that has a policy, forced, then the policies."""
    policies = tuple(policies)
    for table in dict.fromkeys(policy.table for policy in policies):
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
    for policy in policies:
        yield (
            f"CREATE POLICY {policy.policy} ON {policy.table} FOR {policy.verb}"
            f" TO {', '.join(policy.roles)} USING ({policy.using});"
        )


def _line(table: type[Table], field: Field) -> str:
    column = field.column
    parts = [field.name, column.sql or TYPES[field.kind]]
    if column.identity:
        parts.append("GENERATED ALWAYS AS IDENTITY")
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    if not field.nullable:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.unique:
        parts.append("UNIQUE")
    if condition := check(field):
        parts.append(f"CONSTRAINT {bare(table)}_{field.name}_check CHECK ({condition})")
    return " ".join(parts)


def _conditions(field: Field) -> Iterator[str]:
    name, low, high = field.name, _exact(field.low), _exact(field.high)
    if field.column.generated:
        return
    if low and high:
        yield f"{name} BETWEEN {low} AND {high}"
    elif low or high:
        yield f"{name} >= {low}" if low else f"{name} <= {high}"
    if field.words:
        yield f"{name} IN ({', '.join(map(text, field.words))})"
    if field.kind == "true":
        yield name
    if field.kind in {"str", "bytes"} and (length := _length(field)):
        yield length
    if field.pattern:
        yield f"{name} ~ {text(field.pattern)}"
    if field.kind in {"object", "array"}:
        yield f"jsonb_typeof({name}) = '{field.kind}'"
    if field.column.check:
        yield f"({field.column.check})"


def _length(field: Field) -> str | None:
    name, short, long = field.name, field.shortest or None, field.longest
    if short and short == long:
        return f"length({name}) = {short}"
    if short and long:
        return f"length({name}) BETWEEN {short} AND {long}"
    if short:
        return f"length({name}) >= {short}"
    return f"length({name}) <= {long}" if long is not None else None


def _exact(value: float | None) -> str | None:
    """Digits that mean the very number."""
    return None if value is None else str(int(value)) if value == int(value) else repr(value)


def _join(rules: Iterable[str]) -> str:
    return ",\n    ".join(rules)
