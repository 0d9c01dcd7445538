"""The words of ``abode migrate``, for help and for the shell to complete."""

from pathlib import Path
from typing import Annotated

import typer

from apps.migrate.arguments import VERBS
from apps.migrate.lines import ENGINES

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(
    name="migrate",
    help="Migrate a line: a database of the Mac, or anima's file on a Pi.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="One closed JSON object.")]
File = Annotated[Path | None, typer.Option("--file", help="An SQLite file on this machine.")]
Pi = Annotated[str | None, typer.Option("--pi", help="Which Pi, when there are several.")]
Wait = Annotated[float, typer.Option("--wait", help="Seconds for another runner to finish.")]
Lock = Annotated[float, typer.Option("--lock-timeout", help="Seconds for a table in use.")]
Statement = Annotated[float, typer.Option("--statement-timeout", help="Seconds per statement.")]
Tries = Annotated[int, typer.Option("--tries", help="How often, when something is in the way.")]
To = Annotated[str | None, typer.Option("--to", help="The one that stays; 0000 undoes all.")]


def _lines(incomplete: str) -> list[str]:
    return [name for name in sorted(ENGINES) if name.startswith(incomplete)]


@app.callback()
def _line(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help=", ".join(sorted(ENGINES)), autocompletion=_lines)],
) -> None:
    """Remember the line."""
    context.obj = line


@app.command(help=VERBS["status"])
def status(  # noqa: D103
    context: typer.Context,
    *,
    check: Annotated[bool, typer.Option("--check", help="Exit 5 or 6 unless settled.")] = False,
    as_json: Json = False,
    file: File = None,
    pi: Pi = None,
) -> None:
    _run(context, ["--check"] * check, as_json, file, pi)


@app.command(help=VERBS["plan"])
def plan(  # noqa: D103
    context: typer.Context,
    *,
    rollback: Annotated[int | None, typer.Option("--rollback", min=1, help="Back.")] = None,
    to: To = None,
    as_json: Json = False,
    file: File = None,
    pi: Pi = None,
) -> None:
    words = _given("--rollback", rollback) + _given("--to", to)
    _run(context, words, as_json, file, pi)


@app.command(help=VERBS["apply"])
def apply(  # noqa: D103
    context: typer.Context,
    *,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Of an SQLite file.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Every post-apply too.")] = False,
    wait: Wait = 10,
    lock_timeout: Lock = 5,
    statement_timeout: Statement = 1800,
    tries: Tries = 5,
    as_json: Json = False,
    file: File = None,
    pi: Pi = None,
) -> None:
    words = ["--no-backup"] * no_backup + ["--again"] * again
    words += _patience(wait, lock_timeout, statement_timeout, tries)
    _run(context, words, as_json, file, pi)


@app.command(help=VERBS["rollback"])
def rollback(  # noqa: D103
    context: typer.Context,
    *,
    to: To = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Default 1.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Destroy without being asked.")] = False,
    wait: Wait = 10,
    lock_timeout: Lock = 5,
    statement_timeout: Statement = 1800,
    tries: Tries = 5,
    as_json: Json = False,
    file: File = None,
    pi: Pi = None,
) -> None:
    words = _given("--to", to) + _given("--steps", steps) + ["--yes"] * yes
    words += _patience(wait, lock_timeout, statement_timeout, tries)
    _run(context, words, as_json, file, pi)


@app.command(help=VERBS["check"])
def check(  # noqa: D103
    context: typer.Context, as_json: Json = False, file: File = None, pi: Pi = None
) -> None:
    _run(context, [], as_json, file, pi)


@app.command(help=VERBS["new"])
def new(  # noqa: D103
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="VERB-OBJECT")],
    as_json: Json = False,
) -> None:
    _run(context, [name], as_json, None, None)


@app.command(help=VERBS["adopt"])
def adopt(  # noqa: D103
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Here, or on the Pi of --pi.")],
    zone: Annotated[str, typer.Option("--zone", help="Of naive timestamps: Europe/Berlin.")],
    as_json: Json = False,
    pi: Pi = None,
) -> None:
    words = ["--zone", zone] + ([str(path)] if pi else [])
    _run(context, words, as_json, None if pi else path, pi)


def _run(
    context: typer.Context, words: list[str], as_json: bool, file: Path | None, pi: str | None
) -> None:
    from apps.ops.migrate import Where, run  # noqa: PLC0415  # keeps completion quick

    words = words + ["--json"] * as_json
    verb = str(context.info_name)
    raise typer.Exit(run(context.obj, verb, words, Where(ROOT, file, pi)))


def _given(flag: str, value: object) -> list[str]:
    return [] if value is None else [flag, str(value)]


def _patience(wait: float, lock: float, statement: float, tries: int) -> list[str]:
    words = ["--wait", f"{wait:g}", "--lock-timeout", f"{lock:g}"]
    return [*words, "--statement-timeout", f"{statement:g}", "--tries", str(tries)]
