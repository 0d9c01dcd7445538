"""The words of ``abode legacy``, for help and for the shell to complete."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    name="legacy",
    help="The old stores: what they hold, and how it comes over.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def legacy() -> None:
    """The old stores: what they hold, and how it comes over."""


@app.command()
def inspect(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Show what each old file is and what becomes of it; exit 4 when something is not understood."""
    from apps.legacy.inspect import inspect as look  # noqa: PLC0415  # keeps completion quick

    seen = look(directory)
    if as_json:
        sys.stdout.write(seen.model_dump_json(indent=1) + "\n")
        raise typer.Exit(0 if seen.is_understood else 4)
    table = Table("file", "is", "rows", "bytes", "what becomes of it")
    strange = []
    for thing in seen.things:
        table.add_row(thing.path, thing.kind, "", str(thing.size_bytes), thing.fate)
        for part in thing.parts:
            becomes = f"{part.fate} to {part.target}" if part.target else part.fate
            said = f"{becomes}; {part.why}" if part.why else becomes
            table.add_row(f"  {part.name}", part.variant or "", str(part.rows), "", said)
        strange += [f"{thing.path}: {each}" for each in thing.not_understood]
    console = Console(highlight=False, markup=False)
    console.print(table)
    for each in strange:
        console.print(f"not understood: {each}", soft_wrap=True)
    raise typer.Exit(4 if strange else 0)
