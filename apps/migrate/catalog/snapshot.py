"""The committed snapshot of a line: what its migrations build, for a reviewer to read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from apps.migrate.catalog.server import is_held
from apps.migrate.lines import Line
from schemas.errors import Diverged

HEADS: Final = {"schema", "table", "view", "sequence", "function", "type"}
"""What others belong to: a blank line before each."""
IS = " :: "
MORE = "  | "
"""Before each further line of a definition."""


def path(line: Line) -> Path:
    """Beside the folder of the line: yoyo would take it for a migration inside."""
    return line.folder.with_suffix(".catalog")


def read(line: Line) -> dict[str, str]:
    """Object to definition, as committed."""
    found: dict[str, str] = {}
    name = ""
    for text in path(line).read_text(encoding="utf-8").splitlines():
        if text.startswith(MORE.rstrip()):
            found[name] += "\n" + text[len(MORE) :]
        elif text:
            name, separator, definition = text.partition(IS)
            if not separator:
                raise Diverged(f"{path(line)}: {text!r} is not an object", "write it again")
            found[name] = definition
    return found


def write(line: Line, catalog: Mapping[str, str]) -> Path:
    """Replace the committed one."""
    path(line).write_text(_text(built(catalog)), encoding="utf-8")
    return path(line)


def built(catalog: Mapping[str, str]) -> dict[str, str]:
    """What migrations made: neither the server's own nor what only rows show."""
    return {k: v for k, v in catalog.items() if not is_held(k) and not k.startswith("property ")}


def _text(catalog: Mapping[str, str]) -> str:
    lines: list[str] = []
    before = ""
    for name, definition in catalog.items():
        kind = name.split(" ", 1)[0]
        if lines and (kind in HEADS or (kind != before and kind in {"label", "grant", "comment"})):
            lines.append("")
        before = kind
        first, *rest = f"{name}{IS}{definition}".split("\n")
        lines += [first, *(f"{MORE}{text}".rstrip() if not text else MORE + text for text in rest)]
    return "\n".join(lines) + "\n"
