"""The words of ``abode soulfra`` about what follows from the log beside its tables."""

import sys
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.soulfra.drift import Rated

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


@app.command()
def drift(
    stream: Annotated[str | None, typer.Argument(help="As agent:ID, loop:ID; all without.")] = None,
    as_json: Json = False,
) -> None:
    """Show how volatile all is and who drifts too fast, or how fast one drifts."""
    from apps.ops import soulfra_tree  # noqa: PLC0415  # keeps `abode status` quick

    if stream is not None:
        one = soulfra_tree.drifting_of(ROOT, stream)
        if as_json:
            sys.stdout.write(one.model_dump_json(indent=1) + "\n")
        else:
            _show(f"{one.entity}:{one.id}", (one,))
        return
    told = soulfra_tree.drifting(ROOT)
    if as_json:
        sys.stdout.write(told.model_dump_json(indent=1) + "\n")
        return
    more = " and more" if told.more else ""
    _show(
        f"volatility {told.index:.3f} a day, of {told.agents} agents and {told.loops} loops;"
        f" critical from {told.threshold:g}: {len(told.critical)}{more}",
        told.critical,
    )


def _show(title: str, rows: tuple[Rated, ...]) -> None:
    table = Table("", "a day", "critical", "shifts", "last, UTC", title=title)
    for each in rows:
        at = each.shifted_at
        table.add_row(
            f"{each.entity}:{each.id}",
            f"{each.rating:.3f}",
            "yes" if each.critical else "no",
            str(each.shifts),
            f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "never",
        )
    Console(highlight=False).print(table)
