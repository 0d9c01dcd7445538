"""docs/catalogue.html: all that is kept, on one page that needs nothing but a browser."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from apps.declared import postgres, sqlite
from apps.declared.field import Field, nested
from schemas.label import Label
from schemas.quantity import Closed
from schemas.table import IN_FILES, Table

TEMPLATE: Final = Path(__file__).with_name("page.html")
MARK: Final = "/* catalogue */"

PLAIN: Final = {"datetime", "object", "array", "bool", "true"}
"""Kinds whose check says the kind once more."""
SHOWN: Final = {"datetime": "an instant, UTC", "object": "a JSON object", "array": "a JSON array"}
"""What SQLite has no type for."""


def render(places: Iterable[tuple[Mapping[str, str], type[Closed] | None]]) -> str:
    """The page with the catalogue in it."""
    entries = [_entry(dict(place), model) for place, model in places]
    # A "</script>" in a text would end the script.
    data = json.dumps(entries, ensure_ascii=False, indent=0).replace("</", "<\\/")
    return TEMPLATE.read_text(encoding="utf-8").replace(MARK, data)


def _entry(place: dict[str, Any], model: type[Closed] | None) -> dict[str, Any]:
    found = nested(model) if model else ()
    place["columns"] = [_column(model, field) for field in found]
    if model and issubclass(model, Table):
        place["indexes"] = [
            f"{'unique ' * index.unique}{index.name} ({index.columns})"
            + (f" where {index.where}" if index.where else "")
            for index in model.indexes
        ]
        if model.month_by:
            place["months"] = model.month_by
    if model and issubclass(model, Label):
        ends = model.ends or ((), ())
        place["ends"] = [[label.label for label in end] for end in ends]
    return {name: value for name, value in place.items() if value not in ("", [], [[], []])}


def _column(model: type[Closed] | None, field: Field) -> dict[str, Any]:
    table = model if model and issubclass(model, Table) else None
    kind, check = field.kind, None
    if table:
        of = sqlite if table.store in IN_FILES else postgres
        kind = field.column.sql or of.TYPES.get(field.kind, "TEXT")
        kind += f": {SHOWN[field.kind]}" if kind == "TEXT" and field.kind in SHOWN else ""
        check = None if field.kind in PLAIN else of.check(field)
    quantity = field.quantity
    said = {
        "name": field.name,
        "type": kind,
        "says": field.column.says,
        "unit": quantity.unit if quantity else "",
        "range": field.range if quantity else "",
        "source": quantity.source if quantity else "",
        "words": list(field.words),
        "to": _target(table, field),
        "default": field.column.default,
        "check": check,
        "key": bool(table and field.name in table.key),
        "nullable": field.nullable,
    }
    return {name: value for name, value in said.items() if value not in (None, "", [], False)}


def _target(table: type[Table] | None, field: Field) -> str:
    """The place of the table that a column refers to."""
    name = (field.column.references or "").partition(" ")[0]
    in_memory = name and table and table.store == "soulfra_memory"
    return f"soulfra_memory.{name}" if in_memory else name
