"""docs/entities.md: what refers to what, as diagrams that a reader of the repository sees drawn."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from apps.declared import everything, postgres, sqlite
from apps.declared.field import Field, fields
from schemas.governance.graph import GRAPH
from schemas.label import Label
from schemas.ports import ANIMA_DB
from schemas.soulfra.memory import MEMORY_DB
from schemas.table import IN_FILES, Table

HEAD: Final = """# What refers to what

Written by `python -m apps.ops.catalogue` from `schemas/`. Every column with its unit, range and
source is in [catalogue.html](catalogue.html); who writes what, and where, is in
[where data lives](where-data-lives.md).
"""
NO_WORD: Final = re.compile(r"[^\w\[\]]+")
"""What Mermaid takes for the end of a type."""


def page() -> str:
    """A diagram for each schema of Postgres, one for the Pi's file, one for the graph."""
    parts = [HEAD]
    server = [table for table in everything.tables() if table.store not in IN_FILES]
    for place in dict.fromkeys((t.store, t.table.partition(".")[0]) for t in server):
        here = [t for t in server if (t.store, t.table.partition(".")[0]) == place]
        parts.append(_section(f"Postgres {place[0]}: {place[1]}", _tables(here)))
    parts.append(_section(f"The Pi: {ANIMA_DB}", _tables(everything.tables("anima"))))
    parts.append(
        _section(f"An agent of soulfra: {MEMORY_DB}", _tables(everything.tables("soulfra_memory")))
    )
    parts.append(_section(f"The graph: {GRAPH}", _graph(everything.labels())))
    return "\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"## {title}\n\n```mermaid\nerDiagram\n{body}\n```\n"


def _tables(tables: Iterable[type[Table]]) -> Iterator[str]:
    tables = tuple(tables)
    for table in tables:
        yield f'{_id(table.table)}["{table.table}"] {{'
        for field in fields(table):
            types = sqlite.TYPES if table.store in IN_FILES else postgres.TYPES
            kind = field.column.sql or types.get(field.kind, "TEXT")
            yield f"    {NO_WORD.sub('_', kind).strip('_')} {field.name}{_keys(table, field)}"
        yield "}"
    for table in tables:
        for field in fields(table):
            if field.column.references:
                target = field.column.references.partition(" ")[0]
                many = "o|" if (field.name,) in {table.key, *table.unique.values()} else "o{"
                one = "|o" if field.nullable else "||"
                yield f"{_id(target)} {one}--{many} {_id(table.table)} : {field.name}"
        for reference in table.references.values():
            target = reference.target.partition(" ")[0]
            yield f"{_id(target)} ||--o{{ {_id(table.table)} : {reference.columns[0]}"


def _keys(table: type[Table], field: Field) -> str:
    keys = []
    if field.name in table.key:
        keys.append("PK")
    if field.column.references:
        keys.append("FK")
    if field.column.unique or (field.name,) in table.unique.values():
        keys.append("UK")
    return f" {', '.join(keys)}" if keys else ""


def _graph(labels: Iterable[type[Label]]) -> Iterator[str]:
    labels = tuple(labels)
    for label in labels:
        if label.kind == "vertex":
            yield f"{label.label} {{"
            for field in fields(label):
                key = " PK" if field.name == label.indexed[0] else ""
                yield f"    {field.kind} {field.name}{key}"
            yield "}"
    # Two lines between the same two would lie on one another.
    between = defaultdict(list)
    for label in labels:
        starts, ends = label.ends or ((), ())
        for pair in product(starts, ends):
            between[pair].append(label.label)
    for (start, end), names in between.items():
        yield f'{start.label} }}o--o{{ {end.label} : "{", ".join(names)}"'


def _id(table: str) -> str:
    """A name that Mermaid takes for one word."""
    return table.replace(".", "_")
