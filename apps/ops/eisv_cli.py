"""The words of ``abode eisv``, for help and for the shell to complete."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.eisv import ArcPhase, Era, Phase
from schemas.errors import Refused
from schemas.ports import ANIMA_DB

ROOT = Path(__file__).resolve().parents[2]
SERIES = ("drawing", "anima", "both")
FORMATS = ("parquet", "csv")
STATISTICS = ("n", "mean", "sd", "min", "q1", "median", "q3", "max")
NARROWER = (
    STATISTICS,
    ("n", "mean", "sd", "min", "median", "max"),
    ("n", "mean", "min", "max"),
    ("mean", "min", "max"),
)
"""What is shown of them, by how much a terminal has room for."""
UNBOUNDED = 10_000
"""Characters: wider than any table is."""

app = typer.Typer(
    name="eisv",
    help="The drawing and anima series, for the paper: export, count, draw them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _among(words: Any) -> Any:
    return lambda incomplete: [str(word) for word in words if str(word).startswith(incomplete)]


From = Annotated[str | None, typer.Option("--from", help="First instant, with its offset.")]
To = Annotated[str | None, typer.Option("--to", help="First instant that does not count.")]
Era_ = Annotated[
    str | None, typer.Option("--era", autocompletion=_among(Era), help="Rows of one era.")
]
Phase_ = Annotated[
    str | None, typer.Option("--phase", autocompletion=_among(Phase), help="Rows of one phase.")
]
Arc = Annotated[
    str | None,
    typer.Option(
        "--arc-phase", autocompletion=_among(ArcPhase), help="Rows of one part of pieces."
    ),
]
File = Annotated[
    Path | None, typer.Option("--file", help=f"A copied {ANIMA_DB}; no host is asked.")
]
Archive = Annotated[Path | None, typer.Option("--archive", help="Archives copied with --file.")]
Data = Annotated[Path | None, typer.Option("--data", help="A data set that export made.")]
PiName = Annotated[str | None, typer.Option("--pi", help="Which Pi, when there are several.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no host; what came before.")]
Skip = Annotated[
    bool, typer.Option("--skip-damaged", help="Leave damaged archives out; they are gaps.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Json = Annotated[bool, typer.Option("--json", help="A list of closed objects: docs/eisv.md.")]


@app.command()
def export(
    *,
    out: Annotated[Path, typer.Option("--out", help="A directory, made whole or not at all.")],
    form: Annotated[
        str, typer.Option("--format", autocompletion=_among(FORMATS), help="parquet or csv.")
    ] = "parquet",
    series: Annotated[
        str | None,
        typer.Option("--series", autocompletion=_among(SERIES), help="drawing, anima or both."),
    ] = None,
    from_at: From = None,
    upto_at: To = None,
    era: Era_ = None,
    phase: Phase_ = None,
    arc_phase: Arc = None,
    file: File = None,
    archive: Archive = None,
    pi: PiName = None,
    offline: Offline = False,
    skip_damaged: Skip = False,
    force: Force = False,
) -> None:
    """Write the series with units, sources and gaps, from live, archives and Mac together."""
    from apps.eisv import dataset  # noqa: PLC0415  # pyarrow would make every abode slow
    from apps.eisv.export import Order  # noqa: PLC0415
    from apps.eisv.selection import select, word  # noqa: PLC0415

    selection = select(from_at, upto_at, era, phase, arc_phase)
    chosen = dataset.Format(word("--format", form, FORMATS) or form)
    order = Order(selection, _series(series, selection.words), chosen, force, skip_damaged)
    dataset.refuse(out, force=force)
    _made(out, order, file, archive, pi, offline=offline, tell=True)


@app.command()
def summary(
    *,
    by: Annotated[
        str | None,
        typer.Option("--by", autocompletion=_among(("era", "phase")), help="era or phase, too."),
    ] = None,
    from_at: From = None,
    upto_at: To = None,
    era: Era_ = None,
    phase: Phase_ = None,
    arc_phase: Arc = None,
    data: Data = None,
    file: File = None,
    archive: Archive = None,
    pi: PiName = None,
    offline: Offline = False,
    skip_damaged: Skip = False,
    as_json: Json = False,
) -> None:
    """Show n, mean, sd, least, quartiles and greatest of each column, and the share of gaps."""
    from apps.eisv.export import Order  # noqa: PLC0415
    from apps.eisv.selection import select, word  # noqa: PLC0415
    from apps.eisv.summary import summarise  # noqa: PLC0415

    selection = select(from_at, upto_at, era, phase, arc_phase)
    by = word("--by", by, ("era", "phase"))
    order = Order(selection, _series(None, selection.words), skip_damaged=skip_damaged)
    with _dataset(data, order, file, archive, pi, offline=offline) as folder:
        found = summarise(folder, selection)
    if not found:
        raise Refused(f"no row for {selection}", "abode eisv summary, without it")
    if as_json:
        whole = ",\n".join(each.model_dump_json(indent=1) for each in found)
        sys.stdout.write(f"[{whole}]\n")
        return
    for each in found:
        _show(each, by)


@app.command()
def plot(
    *,
    out: Annotated[Path, typer.Option("--out", help="FILE.png or FILE.svg")],
    portrait: Annotated[
        bool, typer.Option("--portrait", help="The phase portrait instead: E-I and S-V.")
    ] = False,
    from_at: From = None,
    upto_at: To = None,
    era: Era_ = None,
    phase: Phase_ = None,
    arc_phase: Arc = None,
    data: Data = None,
    file: File = None,
    archive: Archive = None,
    pi: PiName = None,
    offline: Offline = False,
    skip_damaged: Skip = False,
    force: Force = False,
) -> None:
    """Draw E, I, S, V and C over time, gaps open; or the phase portrait."""
    from apps.eisv import figure  # noqa: PLC0415
    from apps.eisv import plot as times  # noqa: PLC0415
    from apps.eisv import portrait as planes  # noqa: PLC0415
    from apps.eisv.columns import Series  # noqa: PLC0415
    from apps.eisv.export import Order  # noqa: PLC0415
    from apps.eisv.selection import select  # noqa: PLC0415
    from apps.eisv.strokes import strokes  # noqa: PLC0415

    selection = select(from_at, upto_at, era, phase, arc_phase)
    figure.wanted(out, force=force)
    order = Order(selection, (Series.DRAWING,), skip_damaged=skip_damaged)
    with _dataset(data, order, file, archive, pi, offline=offline) as folder:
        drawing = strokes(folder, selection)
    (planes.portrait if portrait else times.plot)(drawing, out)
    sys.stdout.write(f"{out}: {len(drawing.instants)} rows, {len(drawing.gaps)} gaps\n")


def _series(series: str | None, words: dict[str, str]) -> Any:
    """Both, unless a word is asked that only one of them has."""
    from apps.eisv.columns import Series  # noqa: PLC0415
    from apps.eisv.selection import word  # noqa: PLC0415

    word("--series", series, SERIES)
    if series in {"anima", "both"} and words:
        option = next(iter(words)).replace("_", "-")
        raise Refused(f"--{option}: anima has no {option}", "--series drawing")
    if series is None and words:
        return (Series.DRAWING,)
    return tuple(Series) if series in {None, "both"} else (Series(str(series)),)


def _made(
    out: Path, order: Any, file: Path | None, archive: Path | None, pi: str | None,
    *, offline: bool, tell: bool = False,
) -> None:  # fmt: skip
    from apps.eisv.export import export as run  # noqa: PLC0415
    from apps.ops import eisv  # noqa: PLC0415
    from apps.ops.progress import bar  # noqa: PLC0415

    sources = eisv.sources(ROOT, order.selection, file, archive, pi, offline=offline)
    known = sum(
        part.last - part.first + 1 for series in order.series for part in sources.parts[series]
    )
    try:
        with bar("reading") as (expect, advance):
            expect(known)
            order.progress = advance
            written = run(sources, out, order)
    finally:
        sources.close()
    for each in written if tell else ():
        places = ", ".join(f"{rows} {source}" for source, rows in each.sources.items()) or "none"
        pieces = f", {each.pieces} pieces" if each.pieces else ""
        gaps = f"{each.gaps} gap{'' if each.gaps == 1 else 's'}"
        sys.stdout.write(f"{each.series}: {each.rows} rows ({places}), {gaps}{pieces}\n")


@contextmanager
def _dataset(
    data: Path | None, order: Any, file: Path | None, archive: Path | None, pi: str | None,
    *, offline: bool,
) -> Iterator[Path]:  # fmt: skip
    """The data set that was named, or one that lives as long as the question."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    if data is not None:
        if file or archive or pi or offline:
            raise Refused(
                "--data: is the source already", "leave --file, --archive, --pi, --offline out"
            )
        yield data
        return
    with TemporaryDirectory(prefix="abode-eisv-") as folder:
        made = Path(folder) / "data"
        _made(made, order, file, archive, pi, offline=offline)
        yield made


def _show(found: Any, by: str | None) -> None:
    from rich.console import Console  # noqa: PLC0415

    sys.stdout.write(
        f"{found.series}: {found.rows} rows from {found.from_at:%Y-%m-%dT%H:%M:%SZ}"
        f" to {found.upto_at:%Y-%m-%dT%H:%M:%SZ}\n"
        f"{found.gaps} gaps, {found.gap_share:.1%} of the time"
        + (f"; {found.pieces} pieces" if found.pieces else "") + "\n"
    )  # fmt: skip
    console = Console(highlight=False, markup=False)
    unbounded = console.options.update_width(UNBOUNDED)
    for statistics in NARROWER:
        table = _table(found, by, statistics)
        needed = console.measure(table, options=unbounded).maximum
        if needed <= console.width or not sys.stdout.isatty():
            break
    # Where even the least has no room, the terminal folds lines; no number is ever cut.
    console.width = max(needed, console.width)
    console.print(table)
    if left_out := [each for each in STATISTICS if each not in statistics]:
        sys.stdout.write(f"no room for {', '.join(left_out)}: widen the window, or --json\n\n")


def _table(found: Any, by: str | None, statistics: Sequence[str]) -> Any:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("", "column", "unit", *statistics, box=box.SIMPLE_HEAD, pad_edge=False)
    for n, column in enumerate(table.columns):
        column.no_wrap = True
        column.justify = "right" if n > 2 else "left"
    for group in found.groups:
        if group.by not in {"all", by}:
            continue
        name = f"{group.by} {group.word}" if group.word else "all"
        for one in group.columns:
            if one.n:
                values = (_number(getattr(one, each)) for each in statistics)
                table.add_row(name, one.column, one.unit, *values)
                name = ""
        table.add_section()
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
