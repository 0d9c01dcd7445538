"""What ``abode verify`` prints, for eyes and for programs; gives its exit code."""

import re
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from apps.hosts import in_force
from apps.ops.verify.asked import Key
from apps.ops.verify.follow import verify
from apps.ops.verify.said import Verified
from schemas.errors import Refused

MARK = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{7,63})/(\d{1,18})")
COLOURS = {"ok": "green", "not ok": "red", "not asked": "yellow"}


def run(root: Path, wait: float, mark: str | None, *, as_json: bool) -> int:
    """Follow a check-in through the hosts in force."""
    given = _key(mark) if mark else None
    hosts, _ = in_force(root)
    found = verify(hosts, wait, given, _note)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=1) + "\n")
    else:
        Console(highlight=False).print(table(found))
    return found.exit_code


def _note(said: str) -> None:
    sys.stderr.write(f"{said}\n")


def table(found: Verified) -> Table:
    """A row for each line."""
    marks = ", ".join(f"{mark.agent} {mark.boot_id}/{mark.seq}" for mark in found.marks)
    shown = Table("", "what", "on", "shown by", title=marks or "no check-in to follow")
    shown.columns[3].overflow = "fold"
    for line in found.lines:
        colour = COLOURS[line.state]
        shown.add_row(f"[{colour}]{line.state}[/]", line.name, line.host, escape(line.says))
    return shown


def _key(mark: str) -> Key:
    found = MARK.fullmatch(mark)
    if found is None:
        raise Refused(f"--mark: {mark!r} is no key of a check-in", "BOOT/SEQ, as verify says it")
    return Key(found[1], int(found[2]))
