"""What a process is told by its environment, read once. Unknown names of ours are refused."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.errors import Refused
from schemas.quantity import Closed

Told = TypeVar("Told", bound=Closed)
Names = Mapping[str, tuple[str, ...]]
"""Of a variable: the field that it is, or the group and the field in it."""


def read(
    model: type[Told],
    environment: Mapping[str, str],
    names: Names,
    ours: tuple[str, ...],
    told: dict[str, Any] | None = None,
) -> Told:
    """The settings, or Refused with the name of what is wrong; no value is ever shown.

    Names that begin with one of ``ours`` are known or refused. ``told`` is what needs no telling.
    """
    told = {name: dict(group) for name, group in (told or {}).items()}
    unknown = sorted(n for n in environment if n.startswith(ours) and n not in names)
    if unknown:
        raise Refused(f"{unknown[0]}: unknown setting", f"settings are {', '.join(names)}")
    for name, (first, *rest) in names.items():
        if name in environment and first in model.model_fields:
            group = told.setdefault(first, {}) if rest else told
            group[rest[0] if rest else first] = environment[name]
    if "DB_POSTGRES_URL" not in environment:
        raise Refused(
            "DB_POSTGRES_URL: is not set",
            "PostgreSQL is the only store: postgresql://ROLE@/DATABASE?host=<socket dir>",
        )
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first_error = error.errors(include_input=False, include_url=False)[0]
        path = tuple(str(part) for part in first_error["loc"])
        name = next((name for name, place in names.items() if place == path), "settings")
        said = "is not set" if first_error["type"] == "missing" else first_error["msg"]
        raise Refused(f"{name}: {said.removeprefix('Value error, ')}") from None
