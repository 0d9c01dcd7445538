"""The words of ``abode audit``, for help and for the shell to complete."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import Diverged
from schemas.governance.audit import Trail

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(
    name="audit",
    help="What governance did: prove the trail, make its index anew, ask it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="A list of objects.")]
Trails = Annotated[list[Trail] | None, typer.Argument(help="Which; both without a name.")]


@app.command()
def verify(trails: Trails = None, as_json: Json = False) -> None:
    """Read every line; exit 4 when one was changed, removed, added or cut."""
    found = _asked("verify", *(trails or ()))
    if as_json:
        _write(found)
    for trail in () if as_json else found:
        _line(
            f"{trail['trail']}: {trail['lines']} lines in {trail['files']} files, indexed up to"
            f" {trail['indexed_seq']}, {trail['anchors']} days anchored"
        )
        for each in trail["findings"]:
            place = each["file"] if each["line"] is None else f"{each['file']}:{each['line']}"
            _line(f"  {place}: {each['what']}")
        if more := trail["found"] - len(trail["findings"]):
            _line(f"  and {more} more")
    wrong = [each["trail"] for each in found if each["found"]]
    if wrong and as_json:
        raise typer.Exit(Diverged.exit_code)
    if wrong:
        raise Diverged(f"{', '.join(wrong)}: is not what was written", "docs/audit.md")


@app.command()
def reindex(trails: Trails = None, as_json: Json = False) -> None:
    """Make the rows that are missing out of the files; again it changes nothing."""
    found = _asked("reindex", *(trails or ()))
    if as_json:
        _write(found)
        return
    for each in found:
        _line(
            f"{each['trail']}: {each['lines']} lines in {each['files']} files: {each['made']} rows"
            f" made, {each['old']} past their time, {each['refused']} cannot be rows"
        )


@app.command()
def query(
    *,
    agent: Annotated[str | None, typer.Option("--agent", help="One agent's.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="One kind, such as check_in.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="2026-02-20, or an instant.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show events, the newest first."""
    given = {"--agent": agent, "--type": kind, "--since": since, "--until": until}
    words = [f"{flag}={value}" for flag, value in given.items() if value]
    found = _asked("query", *words, f"--limit={limit}")
    if as_json:
        _write(found)
        return
    table = Table("when", "agent", "what", "more")
    for each in found:
        more = json.dumps(each["payload"], ensure_ascii=False)
        table.add_row(each["recorded_at"], each["agent_id"] or "-", each["event_type"], more)
    Console(highlight=False, markup=False).print(table)


def _asked(*words: str) -> Any:
    from apps.ops.audit import run  # noqa: PLC0415  # keeps completion quick

    return run(ROOT, *words)


def _write(found: Any) -> None:
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def _line(said: str) -> None:
    sys.stdout.write(f"{said}\n")
