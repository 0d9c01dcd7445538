"""What ``abode where`` prints, for eyes and for programs."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apps.hosts import in_force
from apps.ops import where as places
from apps.ops.undeclared import survey
from apps.ops.ways import ways
from apps.where.answer import Answer
from schemas.errors import Refused
from schemas.governance.calls.where import WhereReply
from schemas.hosts import Hosts
from schemas.reach import Reach

STRAY, SILENT = 4, 3
"""Exit codes: something is not declared; something could not be asked."""


def where(root: Path, term: str, limit: int, *, as_json: bool) -> None:
    """The places that a term means, each asked how it is now; all of them without a term."""
    hosts = _hosts(root)
    found = places.find(term, ways(hosts) if hosts else Reach(), limit)
    if term and hosts:
        found = places.asked(found, hosts)
    if as_json:
        said = WhereReply(term=term, found=tuple(each.found for each in found))
        sys.stdout.write(said.model_dump_json(indent=1) + "\n")
    elif term:
        sys.stdout.write("\n".join(_lines(each) for each in found))
    else:
        _list(found)


def undeclared(root: Path, *, as_json: bool) -> int:
    """What lives and is not declared; gives the exit code."""
    found = survey(in_force(root)[0])
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=1) + "\n")
    else:
        for stray in found.strays:
            detail = f": {stray.detail}" if stray.detail else ""
            sys.stdout.write(f"{stray.store}: {stray.what}{detail}\n")
        for silent in found.silent:
            sys.stderr.write(f"{silent}\n  hint: abode status\n")
        if not found.strays and not found.silent:
            sys.stdout.write("everything that lives is declared\n")
    return STRAY if found.strays else SILENT if found.silent else 0


def _hosts(root: Path) -> Hosts | None:
    """Those in force. Without any, the declarations still answer."""
    try:
        return in_force(root)[0]
    except Refused:
        return None


def _lines(each: Answer) -> str:
    said = (f"  {name:<6} {text}\n" for name, text in places.shown(each).items() if text)
    return f"{each.found.place}  ({each.found.kind})\n{''.join(said)}"


def _list(found: list[Answer]) -> None:
    table = Table("place", "what", "store", "owner", "kept", "whose")
    table.columns[0].overflow = "fold"
    for _, one in found:
        table.add_row(one.place, one.what, one.store, one.owner, one.kept, one.sensitivity)
    Console(highlight=False).print(table)
