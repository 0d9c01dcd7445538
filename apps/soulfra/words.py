"""A command out of words, as ``whisper agent_id=oracle text=rain``, and what is wrong with it."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import ValidationError

from schemas.errors import Refused
from schemas.soulfra.commands import COMMANDS, Asked


def command(name: str, words: Sequence[str]) -> Asked:
    """The command of that name with the values that the words give its fields."""
    kind = COMMANDS.get(name)
    if kind is None:
        near = get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"commands are {', '.join(COMMANDS)}"
        raise Refused(f"no command {name!r}", hint)
    values: dict[str, Any] = {}
    for word in words:
        key, given, value = word.partition("=")
        if not given or key in values:
            what = "given twice" if given else "is no key=value"
            raise Refused(f"{name}: {word!r}: {what}", usage(kind))
        field = kind.model_fields.get(key)
        values[key] = value if field is None else _parts(get_origin(field.annotation), value)
    return checked(kind, values)


def _parts(of: Any, value: str) -> Any:
    """As ``a,b`` where many are wanted, as ``a:1,b:2`` where each has a name."""
    if of not in {tuple, dict}:
        return value
    parts = [part for part in value.split(",") if part]
    return parts if of is tuple else dict(part.partition(":")[::2] for part in parts)


def checked(kind: type[Asked], values: dict[str, Any]) -> Asked:
    """The command, or what is wrong with the first of its fields that is."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, (kind.name, *first["loc"])))
        said = {
            "missing": "is missing",
            "extra_forbidden": f"unknown key, {kind.name} has none",
        }.get(first["type"], first["msg"][:1].lower() + first["msg"][1:])
        raise Refused(f"{place}: {said}", usage(kind)) from None


def usage(kind: type[Asked]) -> str:
    """Its fields, those that may be left out in brackets."""
    said = [
        f"{name}=" if field.is_required() else f"[{name}=]"
        for name, field in kind.model_fields.items()
    ]
    return f"{kind.name} {' '.join(said)}"
