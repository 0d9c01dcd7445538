"""The words of ``abode evolve``, for help and for the shell to complete."""

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

from apps.migrate.lines import ENGINES, Line
from apps.migrate.lines import line as line_of
from schemas.errors import HouseError, Refused

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("add", "fill", "constrain", "switch", "drop")
BACKS: Final[dict[str, Literal["add", "switch"]]] = {"add": "add", "switch": "switch"}

app = typer.Typer(
    name="evolve",
    help="Change a table in five steps while everybody writes to it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="One closed JSON object.")]
Database = Annotated[str | None, typer.Option("--database", help="Else of the hosts in force.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0.1, help="Seconds for a table that others hold.")
]


def _lines(incomplete: str) -> list[str]:
    return [name for name, engine in ENGINES.items()
            if engine == "postgres" and name.startswith(incomplete)]  # fmt: skip


def _names(context: typer.Context, incomplete: str) -> list[str]:
    from apps.migrate.evolve.declared import names  # noqa: PLC0415  # keeps completion quick

    parent = context.parent
    given = parent.params.get("line") if parent else None
    if given not in ENGINES:
        return []
    return [name for name in names(line_of(str(given))) if name.startswith(incomplete)]


def _steps(incomplete: str) -> list[str]:
    return [step for step in STEPS if step.startswith(incomplete)]


def _backs(incomplete: str) -> list[str]:
    return [step for step in BACKS if step.startswith(incomplete)]


Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=_names)]


@app.callback()
def _line(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help="governance, soulfra", autocompletion=_lines)],
) -> None:
    """Remember the line."""
    context.obj = line


@app.command()
def status(
    context: typer.Context,
    *,
    check: Annotated[bool, typer.Option("--check", help="Exit 5 or 6 unless settled.")] = False,
    as_json: Json = False,
    database: Database = None,
) -> None:
    """Show where each stands: step, rows, pace, and when its drop may be; writes nothing."""
    from apps.ops import evolve  # noqa: PLC0415  # keeps completion quick

    with _told(context, as_json) as line:
        seen, code = evolve.status(ROOT, line, database, check=check)
    if as_json:
        sys.stdout.write(seen.model_dump_json() + "\n")
    else:
        Console(highlight=False).print(evolve.shown(seen))
    raise typer.Exit(code)


@app.command()
def run(
    context: typer.Context,
    name: Name,
    *,
    to: Annotated[
        str, typer.Option("--to", help=", ".join(STEPS), autocompletion=_steps)
    ] = "constrain",
    rows: Annotated[
        int | None, typer.Option("--rows-per-batch", min=1, max=20_000, help="At most.")
    ] = None,
    pause: Annotated[
        float | None, typer.Option("--pause", min=0, help="Milliseconds between batches.")
    ] = None,
    load: Annotated[
        float, typer.Option("--load", min=0.01, max=1, help="Part of the time that it works.")
    ] = 0.5,
    max_lag: Annotated[
        float | None, typer.Option("--max-lag", min=0.1, help="Seconds a replica may be behind.")
    ] = None,
    ceiling: Annotated[
        float | None, typer.Option("--rows-per-second", min=1, help="No faster than that.")
    ] = None,
    past_readers: Annotated[
        bool, typer.Option("--past-readers", help="Drop though sessions do not say what they know.")
    ] = False,
    wait: Wait = 300,
    as_json: Json = False,
    database: Database = None,
) -> None:
    """Go on from wherever it stands until a step is done; killed, it goes on where it was."""
    from apps.migrate.evolve.throttle import Pace  # noqa: PLC0415
    from apps.ops import evolve  # noqa: PLC0415

    with _told(context, as_json) as line:
        if to not in STEPS:
            raise Refused(f"--to {to!r}: no such step", f"steps are {', '.join(STEPS)}")
        pace = Pace(rows, pause, load, max_lag, ceiling)
        done = evolve.run(
            ROOT, line, database, name, to=to, pace=pace, wait=wait,  # type: ignore[arg-type]
            past_readers=past_readers, quiet=as_json,
        )  # fmt: skip
    sys.stdout.write((done.model_dump_json() if as_json else evolve.told(done)) + "\n")


@app.command()
def undo(
    context: typer.Context,
    name: Name,
    *,
    to: Annotated[
        str, typer.Option("--to", help="add, or switch alone.", autocompletion=_backs)
    ] = "add",
    yes: Annotated[bool, typer.Option("--yes", help="Destroy without being asked.")] = False,
    wait: Wait = 300,
    as_json: Json = False,
    database: Database = None,
) -> None:
    """Go back before a step, until the drop; says what that destroys, and asks."""
    from apps.ops import evolve  # noqa: PLC0415

    with _told(context, as_json) as line:
        if to not in BACKS:
            raise Refused(f"--to {to!r}: no way back to there", f"ways are {', '.join(BACKS)}")
        sure = (lambda _: True) if yes else evolve.sure
        back = BACKS[to]
        done = evolve.undo(ROOT, line, database, name, to=back, sure=sure, wait=wait)
    said = f"{done.name} is undone" if to == "add" else f"the switch of {done.name} is taken back"
    sys.stdout.write((done.model_dump_json() if as_json else said) + "\n")


@app.command()
def write(
    context: typer.Context,
    name: Name,
    *,
    check: Annotated[bool, typer.Option("--check", help="Exit 5 if one is not as said.")] = False,
    as_json: Json = False,
) -> None:
    """Write the migrations of an evolution out of its file."""
    from apps.ops import evolve  # noqa: PLC0415

    with _told(context, as_json) as line:
        told, code = evolve.write(line, name, check=check)
    verb = "differs" if check else "wrote"
    text = "\n".join(f"{verb} {path}" for path in told.files) or f"{name}: as declared"
    sys.stdout.write((told.model_dump_json() if as_json else text) + "\n")
    raise typer.Exit(code)


class _told:  # noqa: N801  # a context, as a function would be
    """The line; with ``--json`` an error of the house is an object on stdout as well."""

    def __init__(self, context: typer.Context, as_json: bool) -> None:
        self.name, self.as_json = str(context.obj), as_json

    def __enter__(self) -> Line:
        return line_of(self.name)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self.as_json and isinstance(error, HouseError):
            from apps.migrate.shapes import wrong  # noqa: PLC0415

            sys.stdout.write(wrong(self.name, error).model_dump_json() + "\n")
