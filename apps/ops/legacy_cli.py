"""The words of ``abode legacy``, for help and for the shell to complete."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from apps.legacy.seen import Thing

ROOT = Path(__file__).resolve().parents[2]

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
    """Show what each old file is and what becomes of it; exit 4 when one is not understood."""
    from apps.legacy.inspect import inspect as look  # noqa: PLC0415  # keeps completion quick

    seen = look(directory)
    if as_json:
        sys.stdout.write(seen.model_dump_json(indent=1) + "\n")
        raise typer.Exit(0 if seen.is_understood else 4)
    table = Table("file", "is", "rows", "bytes", "what becomes of it")
    for column in table.columns:
        column.overflow = "fold"
    strange = []
    for thing, many in _together(seen.things):
        if many > 1:
            size, rows = str(thing.size_bytes), str(thing.parts[-1].rows)
            table.add_row(f"{thing.path} ({many} files)", thing.kind, rows, size, thing.fate)
            continue
        table.add_row(thing.path, thing.kind, "", str(thing.size_bytes), thing.fate)
        for part in thing.parts:
            becomes = f"{part.fate} to {part.target}" if part.target else part.fate
            said = f"{becomes}; {part.why}" if part.why else becomes
            table.add_row(f"  {part.name}", part.variant or "", str(part.rows), "", said)
    for thing in seen.things:
        strange += [f"{thing.path}: {each}" for each in thing.not_understood]
    console = Console(highlight=False, markup=False)
    console.print(table)
    for each in strange:
        console.print(f"not understood: {each}", soft_wrap=True)
    raise typer.Exit(4 if strange else 0)


@app.command()
def backfill(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")],
    *,
    zone: Annotated[str, typer.Option("--zone", help="Of its clock, such as America/Denver.")],
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Bring it all over; killed, it goes on. Exit 4 when a row was not taken: legacy.rejected."""
    from apps.ops import legacy as run  # noqa: PLC0415  # keeps completion quick

    raise typer.Exit(run.backfill(ROOT, directory, zone, as_json=as_json))


@app.command()
def follow(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")],
    *,
    zone: Annotated[str, typer.Option("--zone", help="Of its clock, such as America/Denver.")],
    once: Annotated[bool, typer.Option("--once", help="One pass, then leave.")] = False,
    triggers: Annotated[
        bool, typer.Option("--triggers", help="Let the old database write down what changes.")
    ] = False,
    leave: Annotated[
        bool, typer.Option("--remove-triggers", help="Take them out of it again, and leave.")
    ] = False,
    every: Annotated[float, typer.Option("--every", min=0.05, help="Seconds between passes.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a pass.")] = False,
) -> None:
    """Keep the house as the old server's files are, while it writes them; killed, it goes on."""
    from apps.ops import legacy as run  # noqa: PLC0415  # keeps completion quick

    if leave:
        raise typer.Exit(run.leave(directory))
    code = run.follow(ROOT, directory, zone, once=once, triggers=triggers, every=every,
                      as_json=as_json)  # fmt: skip
    raise typer.Exit(code)


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Compare every old row with what the house holds, and its graph; exit 4 when any differs."""
    from apps.ops import legacy_verify as run  # noqa: PLC0415  # keeps completion quick

    raise typer.Exit(run.verify(ROOT, directory, as_json=as_json))


def _together(things: list[Thing]) -> Iterator[tuple[Thing, int]]:
    """Files of one kind and folder as one line; a thing that is not understood stands alone."""

    def alike(thing: Thing) -> tuple[str, ...]:
        folder, _, _ = thing.path.rpartition("/")
        alone = not folder or thing.not_understood or not thing.parts
        return (thing.path,) if alone else (folder, thing.kind, thing.fate)

    for _, group in groupby(things, alike):
        same = list(group)
        if len(same) == 1:
            yield same[0], 1
            continue
        rows = sum(thing.parts[-1].rows for thing in same)
        part = same[0].parts[-1].model_copy(update={"rows": rows})
        size = sum(thing.size_bytes for thing in same)
        folder = same[0].path.rpartition("/")[0] + "/"
        more = {"path": folder, "size_bytes": size, "parts": [part]}
        yield same[0].model_copy(update=more), len(same)
