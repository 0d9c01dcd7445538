"""The words of ``abode anima``, for help and for the shell to complete."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(
    name="anima",
    help="What left a Pi's database: the archives, and how their rows come back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="One object.")]
Pi = Annotated[str | None, typer.Option("--pi", help="Which Pi, when there are several.")]
Home = Annotated[Path | None, typer.Option("--home", help="A creature's home on this machine.")]


@app.command()
def archives(as_json: Json = False, home: Home = None, pi: Pi = None) -> None:
    """List what was archived: days, rows, bytes, and what is held in the database for now."""
    from apps.ops.anima import Where, archives  # noqa: PLC0415  # keeps completion quick

    told = archives(Where(ROOT, home, pi))
    if as_json:
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return
    if not told["archives"]:
        from apps.anima.retention import KEEP_DAYS  # noqa: PLC0415

        days = min(KEEP_DAYS.values())
        sys.stdout.write(f"nothing is archived yet: a row is when it is {days} days old\n")
        return
    table = Table("table", "day", "rows", "bytes", "held until")
    for each in told["archives"]:
        day = each["day"] + (f" part {each['part']}" if each["part"] > 1 else "")
        rows, size = str(each["rows"]), str(each["size_bytes"])
        table.add_row(each["table"], day, rows, size, each["held_until"] or "-")
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print(f"{told['size_bytes']} bytes in all")


@app.command(name="restore-archive")
def restore_archive(
    table: Annotated[str, typer.Argument(help="Such as drawing_history.")],
    days: Annotated[list[str], typer.Argument(metavar="DAY...", help="2026-11-02, in UTC.")],
    *,
    hold: Annotated[float, typer.Option("--hold", help="Days that the rows stay.")] = 7.0,
    home: Home = None,
    pi: Pi = None,
) -> None:
    """Put archived rows back under their ids for a while; exit 4 and nothing done if spoilt."""
    from apps.ops.anima import Where, restore_archive  # noqa: PLC0415

    raise typer.Exit(restore_archive(Where(ROOT, home, pi), table, days, hold))
