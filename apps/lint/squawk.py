"""squawk, which knows what a statement of Postgres locks, rewrites and breaks."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from apps.lint.finding import Finding
from schemas.errors import Unreachable

ROOT: Final = Path(__file__).resolve().parents[2]
TAKES_BACK: Final = (
    "ban-drop-column", "ban-drop-constraint", "ban-drop-function", "ban-drop-index",
    "ban-drop-not-null", "ban-drop-schema", "ban-drop-sequence", "ban-drop-table",
    "ban-drop-trigger", "ban-drop-type", "ban-drop-view", "require-concurrent-index-deletion",
)  # fmt: skip
"""A rollback drops what its migration made: that is what it is for."""


def squawk(paths: Iterable[str]) -> Iterator[Finding]:
    """What it says about migrations, then about rollbacks."""
    paths = tuple(paths)
    back = tuple(path for path in paths if path.endswith(".rollback.sql"))
    forward = tuple(path for path in paths if path not in back)
    # What the command line excludes takes the place of what the file does.
    never = tomllib.loads((ROOT / ".squawk.toml").read_text(encoding="utf-8"))["excluded_rules"]
    yield from _run(forward, never)
    yield from _run(back, [*never, *TAKES_BACK])


def _run(paths: tuple[str, ...], never: list[str]) -> Iterator[Finding]:
    if not paths:
        return
    tool = Path(sys.executable).with_name("squawk")
    options = ("--config", ".squawk.toml", "--reporter", "json", "--exclude", ",".join(never))
    try:
        done = subprocess.run(
            [str(tool), *options, *paths], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise Unreachable(f"{tool}: not there", hint="make .venv/.locks") from None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise Unreachable(f"squawk: {done.stderr.strip() or done.returncode}") from None
    for each in said:
        hint = each.get("help") or ""
        # squawk counts lines from 0.
        line = each["line"] + 1
        yield Finding(each["file"], line, each["rule_name"], each["message"].rstrip("."), hint)
