"""python -m apps.ops.catalogue [--check]: the pages of docs/ that schemas write."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from apps.declared import entities, everything, page
from apps.declared.field import nested, number
from apps.where.entry import STORES, entries
from schemas.errors import Diverged, HouseError, Refused
from schemas.files import Beside
from schemas.governance.calls.where import Kind
from schemas.quantity import Closed
from schemas.table import Table

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
DOC: Final = DOCS / "where-data-lives.md"
__all__ = ["STORES", "Place", "declared", "main", "numbers", "places", "render", "tables"]
BLOCK: Final = re.compile(r"(<!-- catalogue: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SHOWN: Final = {Kind.TABLE, Kind.LABEL, Kind.KEY, Kind.FILE, Kind.MESSAGE}
"""What has a line in the document; their parts are on the page."""


class Place(NamedTuple):
    """What is kept, who writes it, where it lies, how long and how fresh, and whose it is."""

    what: str
    owner: str
    store: str
    place: str
    kept: str
    fresh: str
    sensitivity: str


class Number(NamedTuple):
    """A column that was measured or counted."""

    place: str
    column: str
    unit: str
    range: str
    source: str


def tables() -> tuple[type[Table], ...]:
    """Every declared row, line by line, in the order of its file."""
    return everything.tables()


def declared() -> Iterator[tuple[Place, type[Closed] | None]]:
    """Every table, label, key, file and message, and the model of what it holds."""
    for each in entries():
        if each.kind in SHOWN and not isinstance(each.of, Beside):
            fresh = f"{number(each.fresh_seconds)} s" if each.fresh_seconds else ""
            yield (
                Place(
                    each.what, each.owner, each.store, f"`{each.place}`",
                    each.kept, fresh, each.sensitivity,
                ),
                each.of if isinstance(each.of, type) else None,
            )  # fmt: skip


def places() -> Iterator[Place]:
    """Where everything lies."""
    return (place for place, _ in declared())


def numbers() -> Iterator[Number]:
    """Everything with a unit: what it counts, its range, where it comes from."""
    for place, model in declared():
        for field in nested(model) if model else ():
            if found := field.quantity:
                yield Number(place.place, f"`{field.name}`", found.unit, field.range, found.source)


def render(text: str) -> str:
    """The document with its blocks written anew; the prose around them stays."""
    blocks = {"places": _grid(Place, places()), "numbers": _grid(Number, numbers())}
    if sorted(name for _, name, _ in BLOCK.findall(text)) != sorted(blocks):
        raise Refused(f"{DOC.name}: blocks must be {', '.join(blocks)}, each once")
    return BLOCK.sub(lambda block: block[1] + blocks[block[2]] + block[3], text)


def pages() -> dict[Path, Callable[[str], str]]:
    """Each page and what makes it of what it was."""
    return {
        DOC: render,
        DOCS / "entities.md": lambda _: entities.page(),
        DOCS / "catalogue.html": lambda _: page.render(
            (vars_of(place), model) for place, model in declared()
        ),
    }


def vars_of(place: Place) -> dict[str, str]:
    """The cells of a place without Markdown."""
    return {name: cell.replace("`", "") for name, cell in place._asdict().items()}


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or with --check exit 4 when one is stale."""
    parser = argparse.ArgumentParser(prog="python -m apps.ops.catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 4 when stale")
    check = parser.parse_args(argv).check
    try:
        for file, make in pages().items():
            before = file.read_text(encoding="utf-8") if file.is_file() else ""
            after = make(before)
            if check and after != before:
                raise Diverged(
                    f"docs/{file.name} is not what schemas say", hint="python -m apps.ops.catalogue"
                )
            if after != before:
                file.write_text(after, encoding="utf-8")
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _grid(kind: type[Place] | type[Number], rows: Iterable[Place] | Iterable[Number]) -> str:
    head = (kind._fields, ["---"] * len(kind._fields))
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (*head, *rows)]
    return "".join(f"| {line} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
