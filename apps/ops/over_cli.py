"""The words of the way over: ``abode legacy shadow``, ``cutover``, ``rollback`` and so on."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.governance.cutover import Side
from schemas.legacy.readers import READERS

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400.0
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")]
Zone = Annotated[str, typer.Option("--zone", help="Of its clock, such as America/Denver.")]
Window = Annotated[
    float,
    typer.Option("--window", min=0, help="Seconds for which no answer may have differed."),
]
Known = Annotated[
    str,
    typer.Argument(help="As shadow calls it.", autocompletion=lambda: [r.name for r in READERS]),
]
Json = Annotated[bool, typer.Option("--json", help="One closed JSON object.")]


def shadow(
    directory: Directory,
    *,
    zone: Zone,
    window: Window = DAY,
    reads: Annotated[int, typer.Option("--reads", min=1, help="Questions in a round.")] = 20,
    every: Annotated[float, typer.Option("--every", min=0.05, help="Seconds between rounds.")] = 1,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, help="Leave after so many seconds.")
    ] = None,
    stale: Annotated[float, typer.Option("--stale", min=0, help="Seconds an answer may lag.")] = 30,
    queries: Annotated[
        Path | None, typer.Option("--queries", help="Recorded questions, one JSON object a line.")
    ] = None,
    seed: Annotated[str, typer.Option("--seed", help="Of the questions that are made.")] = "0",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a round.")] = False,
) -> None:
    """Follow, and ask both sides the same; exit 4 while a reader is not clean for the window."""
    from apps.legacy.shadow.shadow import Wanted  # noqa: PLC0415  # keeps completion quick
    from apps.ops import over  # noqa: PLC0415

    wanted = Wanted(reads, every, seconds, stale, queries, seed, window)
    raise typer.Exit(over.shadow(ROOT, directory, zone, wanted, as_json=as_json))


def switch(
    directory: Directory,
    reader: Known,
    side: Annotated[Side, typer.Argument(help="Where it reads.")],
    *,
    window: Window = DAY,
) -> None:
    """Let one reader read the house, when it is clean for the window; or the old files again."""
    from apps.ops import over  # noqa: PLC0415  # keeps completion quick

    over.switch(ROOT, directory, reader, side, window)


def read(
    directory: Directory,
    reader: Known,
    asked: Annotated[list[str], typer.Argument(help="name=value, as the reader asks.")],
    *,
    as_json: Json = False,
) -> None:
    """Answer one question from the side that its reader is on, never staler than its asking."""
    from apps.ops import over  # noqa: PLC0415  # keeps completion quick

    over.read(ROOT, directory, reader, asked, as_json=as_json)


def cutover(
    directory: Directory,
    *,
    zone: Zone,
    window: Window = DAY,
    accept_rejected: Annotated[
        int, typer.Option("--accept-rejected", min=0, help="Rows that may stay behind.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Make the house the writer: close the old files, drain, compare; killed, it goes on."""
    from apps.legacy.over import Asked  # noqa: PLC0415  # keeps completion quick
    from apps.ops import over  # noqa: PLC0415

    asked = Asked(window, accept_rejected)
    over.cutover(ROOT, directory, zone, asked, as_json=as_json)


def rollback(directory: Directory, *, zone: Zone, as_json: Json = False) -> None:
    """Make the old server the writer again, with all that the house wrote; killed, it goes on."""
    from apps.ops import over  # noqa: PLC0415  # keeps completion quick

    over.rollback(ROOT, directory, zone, as_json=as_json)


def status(directory: Directory, *, as_json: Json = False) -> None:
    """Show who is the writer, who reads where, and every cutover and rollback."""
    from apps.ops import over  # noqa: PLC0415  # keeps completion quick

    over.status(ROOT, directory, as_json=as_json)


def register(app: typer.Typer) -> None:
    """All of them, in the order of the way."""
    for command in (shadow, switch, read, cutover, rollback, status):
        app.command()(command)
