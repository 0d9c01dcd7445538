"""The word ``abode soulfra memory``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]


def memory(
    agent_id: Annotated[str, typer.Argument(metavar="AGENT", help="Whose.")],
    compress: Annotated[
        bool, typer.Option("--compress", help="First compress what is old and mattered little.")
    ] = False,
    expand: Annotated[
        int | None, typer.Option("--expand", help="First take a bundle apart again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
) -> None:
    """Show how much an agent remembers, and its newest bundles; compress, or take one apart."""
    from apps.ops.soulfra_cli import write  # noqa: PLC0415  # it has this word
    from apps.ops.soulfra_memory import asked  # noqa: PLC0415  # keeps `abode status` quick

    done = {}
    if expand is not None:
        done["expanded"] = asked(ROOT, "expand", agent_id, {"bundle_id": expand})["memories"]
    if compress:
        done["compressed"] = asked(ROOT, "compress", agent_id, {})["memories"]
    counts, bundles = asked(ROOT, "memory", agent_id), asked(ROOT, "bundles", agent_id)
    if as_json:
        write({**({"done": done} if done else {}), "counts": counts, "bundles": bundles})
        return
    console = Console(highlight=False)
    for what, memories in done.items():
        console.print(f"{what} {memories} memories")
    title = (
        "{memories} memories, {compressed} of them compressed; {reflections} reflections,"
        " {tone_shifts} shifts of tone; {bytes} bytes"
    ).format(**counts)
    table = Table("bundle", "memories", "from, UTC", "up to, UTC", "in archive", title=title)
    for each in bundles:
        table.add_row(
            str(each["id"]),
            str(each["memories"]),
            *(_shown(each[at]) for at in ("from_timestamp", "upto_timestamp")),
            "yes" if each["moved_out"] else "no",
        )
    console.print(table)


def _shown(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S}"
