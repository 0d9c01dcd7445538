"""python -m apps.ops.catalogue [--check]: the tables of docs/where-data-lives.md, from schemas."""

import argparse
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import schemas
from schemas.errors import Diverged, HouseError, Refused
from schemas.ports import ANIMA_DB
from schemas.table import Table

DOC: Final = Path(__file__).resolve().parents[2] / "docs" / "where-data-lives.md"
BLOCK: Final = re.compile(r"(<!-- catalogue: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
STORES: Final = {
    "anima": f"{ANIMA_DB} on the Pi",
    "governance": "Postgres `governance` on the Mac",
}


class Place(NamedTuple):
    """What is kept, who writes it, and where it lies."""

    what: str
    owner: str
    store: str
    place: str


class Number(NamedTuple):
    """A column that was measured or counted."""

    place: str
    column: str
    unit: str
    range: str
    source: str


def tables() -> Iterator[type[Table]]:
    """Every declared row, line by line, in the order of its file."""
    for module in _modules("tables"):
        for found in vars(module).values():
            own = isinstance(found, type) and found.__module__ == module.__name__
            if own and issubclass(found, Table):
                yield found


def places() -> Iterator[Place]:
    """Every table, then every Redis key."""
    for table in tables():
        yield Place(_summary(table), table.owner, STORES[table.store], f"`{table.table}`")
    for module in _modules("keys"):
        for name, key in inspect.getmembers(module, inspect.isfunction):
            pattern = key(*(f"{{{parameter}}}" for parameter in inspect.signature(key).parameters))
            lifetime = vars(module)[f"{name.upper()}_LIFETIME_SECONDS"]
            yield Place(_summary(key), "mac", f"Redis, {lifetime} s", f"`{pattern}`")


def numbers() -> Iterator[Number]:
    """Every column with a unit: what it counts, its range, where it comes from."""
    for table in tables():
        declared = table.model_json_schema()
        for column, field in declared["properties"].items():
            for kind in field.get("anyOf", [field]):
                if "x-unit" in kind:
                    yield Number(
                        f"`{table.table}`",
                        f"`{column}`",
                        kind["x-unit"],
                        _range(kind),
                        kind["x-source"],
                    )


def render(text: str) -> str:
    """The document with its blocks written anew; the prose around them stays."""
    blocks = {"places": _grid(Place, places()), "numbers": _grid(Number, numbers())}
    if sorted(name for _, name, _ in BLOCK.findall(text)) != sorted(blocks):
        raise Refused(f"{DOC.name}: blocks must be {', '.join(blocks)}, each once")
    return BLOCK.sub(lambda block: block[1] + blocks[block[2]] + block[3], text)


def main(argv: list[str] | None = None) -> int:
    """Write the document, or with --check exit 4 when it is stale."""
    parser = argparse.ArgumentParser(prog="python -m apps.ops.catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 4 when stale")
    check = parser.parse_args(argv).check
    try:
        before = DOC.read_text(encoding="utf-8")
        after = render(before)
        if check and after != before:
            raise Diverged(
                f"docs/{DOC.name} is not what schemas say", hint="python -m apps.ops.catalogue"
            )
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if after != before:
        DOC.write_text(after, encoding="utf-8")
    return 0


def _modules(noun: str) -> Iterator[ModuleType]:
    """schemas/<line>/<noun>.py of every line that has one."""
    for found in pkgutil.walk_packages(schemas.__path__, "schemas."):
        if found.name.endswith(f".{noun}"):
            yield import_module(found.name)


def _summary(of: object) -> str:
    return (inspect.getdoc(of) or "").partition("\n")[0].replace("``", "`")


def _range(kind: dict[str, Any]) -> str:
    low, high = kind.get("minimum"), kind.get("maximum")
    if low is None and high is None:
        return "any"
    return f"[{_end(low, '-∞')}, {_end(high, '∞')}]"


def _end(value: float | None, otherwise: str) -> str:
    whole = 2**63 - 1
    return otherwise if value is None else "2^63 - 1" if value == whole else f"{value:g}"


def _grid(kind: type[Place] | type[Number], rows: Iterable[Place] | Iterable[Number]) -> str:
    head = (kind._fields, ["---"] * len(kind._fields))
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (*head, *rows)]
    return "".join(f"| {line} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
